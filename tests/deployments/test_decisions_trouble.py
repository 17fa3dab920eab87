"""What decides about a question may hang, break or be late: no answer waits for it, and nothing false is learned."""

import asyncio
from typing import Any

import pytest

from core.answer_cache_messages import CacheReport
from core.answer_cache_ports import Kept
from core.bandit_messages import Choice
from core.decision_chain import Phase
from core.errors import Unavailable
from core.experiment_messages import Assigned
from core.feature_plans import ANSWER_CACHE
from core.rollout import Feature
from deployments.answer_caching import Caching
from deployments.decisions import Deciding
from tests.deployments.deciders import (
    ARMS,
    CACHE_ON,
    CACHE_SHADOW,
    HIT,
    PROJECTION,
    ROUTING_ON,
    ScriptedBandit,
    ScriptedCache,
    ScriptedRegistry,
    routed,
    settled,
)
from tests.deployments.pipelines import (
    TALK,
    TENANT,
    ScriptedChat,
    bench,
    filled_store,
)


async def test_a_cache_or_bandit_that_hangs_holds_no_answer_up_for_long() -> None:
    cache, bandit = ScriptedCache(HIT), ScriptedBandit()
    cache.gate.clear()
    deciding = Deciding((*ROUTING_ON, *CACHE_ON), cache=cache, bandit=bandit, projection=PROJECTION, arms=ARMS)
    async with bench(deciding=deciding) as made:
        async with asyncio.timeout(5):
            assert (await made.answered()).receipt.model == "some/model"
            assert (await made.answered()).receipt.model == "some/model"
        assert len(cache.asked) == 1, "it is left alone for a while"
        cache.gate.set()


@pytest.mark.parametrize("error", [ZeroDivisionError("a defect"), Unavailable("The bandit")])
async def test_a_defect_of_whoever_decides_fails_no_answer(error: Exception) -> None:
    class Broken(ScriptedBandit):
        async def choose(self, *_: object, **__: object) -> Choice:
            raise error

    async with bench(deciding=routed(ROUTING_ON, Broken())) as made:
        assert (await made.answered()).supported


async def test_what_is_forgotten_while_its_answer_is_kept_does_not_stay() -> None:
    store = await filled_store()

    class Late(ScriptedCache):
        async def keep(self, *given: Any) -> Kept:
            await store.forget_recording(TENANT, TALK.recording_id)
            return await super().keep(*given)

    cache = Late()
    async with bench(store=store, deciding=Deciding(CACHE_ON, cache=cache)) as made:
        await made.answered()
        await settled(made)
    assert cache.forgotten == [TALK.recording_id]


async def test_an_answer_of_a_library_that_changed_meanwhile_is_not_kept() -> None:
    store, chat = await filled_store(), ScriptedChat()
    cache = ScriptedCache()
    chat.gate.clear()
    async with bench(chat, store=store, deciding=Deciding(CACHE_SHADOW, cache=cache)) as made:
        asking = asyncio.ensure_future(made.answered())
        await chat.entered.wait()
        await store.forget_recording(TENANT, TALK.recording_id)
        chat.gate.set()
        await asking
        await settled(made)
    assert cache.kept == []


async def test_a_proof_that_does_not_hold_any_more_ends_the_serving() -> None:
    cache = ScriptedCache(HIT, reported=CacheReport(audits=400, wrong_high=0.01))
    now = [0.0]
    caching = Caching(cache, await filled_store(), delta=0.02, promotes=True, clock=lambda: now[0])
    await caching._prove("guild-1")
    assert caching.waits("guild-1", shadow=True)
    now[0] += 61.0
    cache.reported = CacheReport(audits=500, wrong_high=0.03)
    await caching._prove("guild-1")
    assert not caching.waits("guild-1", shadow=True)


async def test_a_proof_that_nobody_looks_at_runs_out() -> None:
    cache = ScriptedCache(HIT, reported=CacheReport(audits=400, wrong_high=0.01))
    now = [0.0]
    caching = Caching(cache, await filled_store(), delta=0.02, promotes=True, clock=lambda: now[0])
    await caching._prove("guild-1")
    now[0] += 3_601.0
    assert not caching.waits("guild-1", shadow=True)


async def test_a_cached_answer_that_is_not_the_models_is_the_candidates_error() -> None:
    for right in (True, False):
        shadowed = Assigned("control", Phase.SHADOW, 2, shadowed=("candidate",))
        registry, cache = ScriptedRegistry({ANSWER_CACHE: shadowed}), ScriptedCache(HIT, right=right)
        async with bench(deciding=Deciding((Feature(ANSWER_CACHE),), registry, cache)) as made:
            await made.answered()
            await asyncio.sleep(0.05)
            await settled(made)
        ((_, _, live, candidate, _),) = registry.pairs
        assert (live["error"], candidate["error"]) == (0.0, float(not right))


async def test_the_control_of_an_experiment_gets_nothing_out_of_the_cache_whatever_it_has_proved() -> None:
    counted = Assigned("control", Phase.CANARY, 2, exposed=True)
    registry = ScriptedRegistry({ANSWER_CACHE: counted})
    cache = ScriptedCache(HIT, reported=CacheReport(audits=400, wrong_high=0.01))
    deciding = Deciding(CACHE_SHADOW, registry, cache, cache_promotes=True)
    async with bench(deciding=deciding) as made:
        for _ in range(2):
            assert (await made.answered()).receipt.model == "some/model"
            await settled(made)
