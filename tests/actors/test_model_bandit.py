"""Routing policies as an actor on a real journal: many callers, repeats, crashes, and the same bits afterwards."""

import asyncio
import dataclasses
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from msgspec.structs import replace

from actors.model_bandit import ModelBandit
from actors.runtime_host import ShardConfig
from core.bandit_messages import Learned, NotWaitedFor, Offered
from core.errors import BadInput, BotError
from core.linear_thompson import evidence_of
from core.routing_rewards import RewardWeights
from tests.actors.bandit_victim import digest
from tests.actors.clocks import StoodStill
from tests.actors.journals import KINDS, fresh_url, run
from tests.actors.residents import Clock, running
from tests.core.one_policy import ARMS, QUALITY_ALONE, RULES, context

KEY = "answers"
CHEAP = RewardWeights(0.0, 0.0, 1.0, cost_limit_usd=0.01)
Opened: TypeAlias = Callable[..., AbstractAsyncContextManager[ModelBandit]]


def rewarded(reply: object) -> float:
    assert isinstance(reply, Learned)
    return reply.reward


@pytest.fixture
def clock() -> Clock:
    return StoodStill()


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Opened:
    """Opens the policies on the test's one journal."""
    url = fresh_url(request.param, tmp_path)

    def open_(version: str = "v1", snapshot_every: int = 256, **how: Any) -> AbstractAsyncContextManager[ModelBandit]:
        def start(config: ShardConfig) -> ModelBandit:
            own = dataclasses.replace(config, snapshot_every=snapshot_every)
            return ModelBandit(own, RULES, version, weights=QUALITY_ALONE, **how)

        return running(url, clock, start)

    return open_


async def answered(bandit: ModelBandit, first: int, count: int, **how: Any) -> list[str]:
    """Questions, all at once, and the rewards of most of them. Returns the arms that were used."""
    choices = await asyncio.gather(
        *(
            bandit.choose(KEY, str(number), context(float(number % 3 - 1)), ARMS, *how.values())
            for number in range(first, first + count)
        )
    )
    for number, choice in enumerate(choices, first):
        if number % 7:
            await bandit.observe(KEY, choice.decision_id, 0.8 if choice.arm == "large" else 0.3, 1.0, 0.001)
    return [choice.arm for choice in choices]


@pytest.mark.parametrize("snapshot_every", [7, 1_000])
async def test_a_policy_that_was_killed_has_the_same_posterior_to_the_last_bit(
    opened: Opened, clock: Clock, snapshot_every: int
) -> None:
    async with opened(snapshot_every=snapshot_every) as bandit:
        await answered(bandit, 0, 60)
        clock.ahead_s = 5_000.0
        await answered(bandit, 60, 60)
        before = await bandit.report(KEY)
    async with opened(snapshot_every=snapshot_every) as bandit:
        # Means and deviations are computed from the evidence alone: equal bits of it, equal floats here.
        assert await bandit.report(KEY) == before
        assert rewarded(await bandit.observe(KEY, "63", 0.5, 1.0, 0.0)) == 0.5
    assert before.waiting == 9
    assert sum(arm.rewards for arm in before.arms) == 102
    assert sum(arm.missed for arm in before.arms) == 9


@pytest.mark.parametrize("kind", KINDS)
async def test_after_kill_9_in_the_middle_the_state_has_the_same_bits(kind: str, tmp_path: Path) -> None:
    url = fresh_url(kind, tmp_path)
    victim = await asyncio.to_thread(run, "tests.actors.bandit_victim", url)
    assert victim.returncode == -signal.SIGKILL, victim.stderr
    bandit = ModelBandit(ShardConfig(url), RULES, "v1", weights=QUALITY_ALONE)
    try:
        await bandit.report(KEY)
        assert digest(bandit) == victim.stdout.strip()
    finally:
        await bandit.close()


async def test_a_choice_whose_reply_was_lost_is_made_once(opened: Opened, clock: Clock) -> None:
    async with opened() as bandit:
        asked = clock.asked("choose", KEY, "d", context(0.5), ARMS)
        first = (await bandit.perform((asked,)))[0].result()
    async with opened() as bandit:
        assert (await bandit.perform((asked,)))[0].result() == first
        report = await bandit.report(KEY)
    assert sum(arm.used for arm in report.arms) == 1


async def test_a_reward_that_was_told_twice_counts_once(opened: Opened, clock: Clock) -> None:
    async with opened() as bandit:
        await bandit.choose(KEY, "d", context(0.5), ARMS)
        told = clock.asked("observe", KEY, "d", 1.0, 1.0, 0.0)
        first, again = [(await bandit.perform((told,)))[0].result() for _ in range(2)]
        assert rewarded(first) == 1.0
        assert again == first
        assert isinstance(await bandit.observe(KEY, "d", 1.0, 1.0, 0.0), NotWaitedFor)
        assert sum(arm.rewards for arm in (await bandit.report(KEY)).arms) == 1


async def test_what_is_refused_changes_nothing(opened: Opened) -> None:
    async with opened() as bandit:
        with pytest.raises(BadInput):
            await bandit.choose(KEY, "d", context(0.5, dimensions=7), ARMS)
        with pytest.raises(BadInput):
            await bandit.choose(KEY, "d", context(0.5), ())
        await bandit.choose(KEY, "d", context(0.5), ARMS)
        with pytest.raises(BadInput):
            await bandit.observe(KEY, "d", float("nan"), 1.0, 0.0)
        report = await bandit.report(KEY)
    assert (report.waiting, sum(arm.used for arm in report.arms)) == (1, 1)


async def test_new_features_begin_anew_and_the_old_ones_stay_forgotten(opened: Opened) -> None:
    async with opened() as bandit:
        await answered(bandit, 0, 20)
    async with opened("v2") as bandit:
        await bandit.choose(KEY, "new", context(0.5), ARMS)
        report = await bandit.report(KEY)
    assert report.feature_version == "v2"
    assert all(arm.weight == 0.0 for arm in report.arms)


async def test_arms_start_with_what_was_learned_offline_and_keep_what_they_learn(opened: Opened) -> None:
    contexts = np.ones((400, 5))
    start = evidence_of(contexts, np.full(400, 0.9))
    offered = {"odd": Offered("odd", start=start)}
    async with opened(offered=offered) as bandit:
        assert (await bandit.choose(KEY, "d", context(1.0, 1.0, 1.0, 1.0), ARMS)).would_choose == "odd"
    async with opened(offered=offered) as bandit:
        await bandit.choose(KEY, "e", context(0.5), ARMS)
        weights = {arm.name: arm.weight for arm in (await bandit.report(KEY)).arms}
    assert weights == {"small": 0.0, "large": 0.0, "odd": 400.0}


async def test_a_tenant_may_weigh_rewards_in_its_own_way(opened: Opened) -> None:
    async with opened(weights_of={"thrifty": CHEAP}) as bandit:
        for decision_id in ("a", "b"):
            await bandit.choose(KEY, decision_id, context(0.5), ARMS)
        assert rewarded(await bandit.observe(KEY, "a", 1.0, 1.0, 0.0075, "thrifty")) == 0.25
        assert rewarded(await bandit.observe(KEY, "b", 1.0, 1.0, 0.0075, "other")) == 1.0


async def test_policies_of_two_keys_know_nothing_of_each_other(opened: Opened) -> None:
    async with opened() as bandit:
        await answered(bandit, 0, 30)
        await bandit.choose("another", "d", context(0.5), ARMS)
        report = await bandit.report("another")
    assert sum(arm.rewards for arm in report.arms) == 0


async def test_a_clock_that_is_set_back_is_refused_and_loses_no_reward(opened: Opened, clock: Clock) -> None:
    clock.ahead_s = 3_600.0
    async with opened() as bandit:
        await bandit.choose(KEY, "d", context(0.5), ARMS)
        clock.ahead_s = 0.0
        with pytest.raises(BotError):
            await bandit.observe(KEY, "d", 1.0, 1.0, 0.0)
        clock.ahead_s = 3_601.0
        assert rewarded(await bandit.observe(KEY, "d", 1.0, 1.0, 0.0)) == 1.0


def test_settings_that_are_none_are_refused_before_anything_starts(tmp_path: Path) -> None:
    config = ShardConfig(fresh_url("sqlite", tmp_path))
    with pytest.raises(BadInput, match="epsilon"):
        ModelBandit(config, replace(RULES, epsilon=2.0), "v1")
    with pytest.raises(BadInput, match="weights"):
        ModelBandit(config, RULES, "v1", weights_of={"t": RewardWeights(0.0, 0.0, 0.0)})
    assert not list(tmp_path.iterdir())
