"""The routing policy: what it learns from, what it refuses, and what a replay of it gives."""

import math
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from core.bandit_messages import ArmJoined, Begun, Chosen, Learned, NotWaitedFor, Offered
from core.bandit_state import MAX_ARMS, MAX_OFFERED, MAX_WAITING
from core.errors import BadInput
from core.linear_thompson import evidence_of, nothing_seen
from tests.core.one_policy import GOOD_LARGE, RULES, Policy, context


# ---------------------------------------------------------------- choosing and learning
def test_it_comes_to_use_the_better_model_and_goes_on_exploring() -> None:
    policy = Policy()
    used = [policy.ask(number, GOOD_LARGE).arm for number in range(400)]
    assert used[300:].count("large") > 75
    assert len(set(used[100:])) == 3
    large = next(arm for arm in policy.report().arms if arm.name == "large")
    assert large.mean_reward == pytest.approx(0.8)
    assert large.rewards == used.count("large")
    assert abs(large.believed - 0.8) < 0.05


def test_it_learns_which_model_is_better_for_which_question() -> None:
    policy = Policy(replace(RULES, prior=replace(RULES.prior, own_sd=0.3, shared_sd=0.3)))
    for number in range(600):
        side = 1.0 if number % 2 else -1.0
        choice = policy.choose(str(number), context(side))
        policy.observe(str(number), 0.9 if (choice.arm == "large") == (side > 0) else 0.3)
    preferred = [policy.choose(f"after-{side}", context(side)).would_choose for side in (1.0, -1.0)]
    assert preferred[0] == "large"
    assert preferred[1] != "large"


def test_the_probability_that_is_logged_is_that_with_which_arms_are_used() -> None:
    policy, counts, expected = Policy(), dict.fromkeys(GOOD_LARGE, 0), dict.fromkeys(GOOD_LARGE, 0.0)
    for number in range(900):
        choice = policy.ask(number, dict.fromkeys(GOOD_LARGE, 0.5))
        counts[choice.arm] += 1
        # Inverse propensities count every decision once for each arm, on average.
        expected[choice.arm] += 1.0 / choice.propensity
    assert all(abs(total - 900) < 350 for total in expected.values()), expected
    assert all(counts.values())
    assert [event.used for event in policy.past if isinstance(event, Chosen)][-1] == choice.propensity


def test_a_preference_comes_with_its_error() -> None:
    choice = Policy().choose("first")
    assert 0.0 < choice.preference_error < 0.1
    assert 0.0 < choice.preference < 1.0


# ---------------------------------------------------------------- in shadow
def test_in_shadow_the_baseline_is_in_charge_and_only_what_was_used_is_learned_from() -> None:
    policy = Policy()
    choices = [policy.ask(number, GOOD_LARGE, baseline="small", shadow=True) for number in range(600)]
    used = [choice.arm for choice in choices]
    assert 540 < used.count("small") < 585
    (propensity,) = {choice.propensity for choice in choices if choice.arm == "small"}
    assert propensity == pytest.approx(0.9 + 0.1 / 3)
    assert [arm.rewards for arm in policy.report().arms] == [used.count(arm) for arm in ("small", "large", "odd")]
    assert choices[-1].would_choose == "large"
    report = policy.report()
    assert report.gain.n == 600
    assert abs(report.gain.baseline - 0.3) < 0.02
    assert report.gain.doubly_robust.low > 0.2


def test_it_may_take_charge_only_when_the_gain_is_sure() -> None:
    policy = Policy(replace(RULES, epsilon=0.3))
    assert not policy.report().may_take_charge
    for number in range(2_500):
        policy.ask(number, GOOD_LARGE, baseline="small", shadow=True)
        assert number > 100 or not policy.report().may_take_charge
    assert policy.report().may_take_charge
    assert policy.report().gain_from >= 0.03


def test_a_policy_that_gains_nothing_never_takes_charge_and_a_loss_is_told_as_one() -> None:
    policy = Policy()
    for number in range(800):
        policy.ask(number, {"small": 0.8, "large": 0.3, "odd": 0.3}, baseline="small", shadow=True)
        assert not policy.report().may_take_charge
    assert policy.report().gain.doubly_robust.value < 0.0


def test_a_shadow_without_a_baseline_that_is_offered_is_refused() -> None:
    for baseline in ("", "another"):
        with pytest.raises(BadInput):
            Policy().choose("d", baseline=baseline, shadow=True)


# ---------------------------------------------------------------- rewards that come late, twice, or never
def test_rewards_may_come_late_and_in_any_order() -> None:
    policy = Policy()
    choices = [policy.choose(str(number)) for number in range(20)]
    for choice in reversed(choices):
        assert isinstance(policy.observe(choice.decision_id, 0.5), Learned)
    assert sum(arm.rewards for arm in policy.report().arms) == 20
    assert policy.report().waiting == 0


def test_a_reward_counts_once_and_one_that_nobody_waits_for_not_at_all() -> None:
    policy = Policy()
    policy.choose("d")
    policy.observe("d", 0.5)
    before = policy.state
    for decision_id in ("d", "never made"):
        assert isinstance(policy.observe(decision_id, 1.0), NotWaitedFor)
    assert policy.state is before


def test_a_reward_that_never_comes_is_missing_and_teaches_nothing() -> None:
    policy = Policy()
    lost = policy.choose("lost")
    policy.now += RULES.patience_s + 1.0
    policy.choose("next")
    assert isinstance(policy.observe("lost", 1.0), NotWaitedFor)
    assert {arm.name: arm.missed for arm in policy.report().arms}[lost.arm] == 1
    assert sum(arm.rewards for arm in policy.report().arms) == 0


def test_no_more_than_so_many_decisions_are_waited_for() -> None:
    policy = Policy()
    for number in range(MAX_WAITING + 5):
        policy.choose(str(number))
    assert policy.report().waiting == MAX_WAITING
    assert "4" not in policy.state.waiting
    assert "5" in policy.state.waiting


@pytest.mark.parametrize("quality", [1.5, -0.1, math.nan, math.inf])
def test_a_reward_out_of_its_range_is_refused_and_may_come_again(quality: float) -> None:
    policy = Policy()
    policy.choose("d")
    with pytest.raises(BadInput):
        policy.observe("d", quality)
    assert isinstance(policy.observe("d", 1.0), Learned)


# ---------------------------------------------------------------- arms that come and go
def test_an_arm_that_appears_is_tried_and_one_that_vanishes_is_kept_for_its_return() -> None:
    policy = Policy()
    for number in range(200):
        policy.ask(number, GOOD_LARGE)
    late = policy.choose("late", arms=("large",))
    rewards = {**GOOD_LARGE, "new": 1.0}
    used = [policy.ask(number, rewards, arms=("small", "new")).arm for number in range(200, 500)]
    assert used[-100:].count("new") > 80
    assert "large" not in used
    assert isinstance(policy.observe(late.decision_id, 0.8), Learned)
    back = policy.choose("back", arms=("small", "large"))
    assert back.would_choose == "large"


def test_a_new_arm_starts_with_the_evidence_that_it_is_offered_with_once() -> None:
    rng = np.random.default_rng(1)
    contexts = np.concatenate([np.ones((500, 1)), rng.normal(size=(500, 4))], axis=1)
    warm = tuple(
        Offered(name, start=evidence_of(contexts, np.full(500, reward))) for name, reward in GOOD_LARGE.items()
    )
    policy = Policy()
    assert policy.choose("first", arms=warm).would_choose == "large"
    assert [type(event) for event in policy.events] == [Begun, ArmJoined, ArmJoined, ArmJoined, Chosen]
    policy.choose("second", arms=warm)
    assert [type(event) for event in policy.events] == [Chosen]


def test_arms_come_and_go_for_years_and_the_state_stays_small() -> None:
    policy = Policy()
    for number in range(MAX_ARMS + 20):
        policy.choose(str(number), arms=("steady", f"model-{number}"))
    assert len(policy.state.arms) == MAX_ARMS
    assert {"steady", f"model-{MAX_ARMS + 19}"} <= set(policy.state.arms)
    for number in range(MAX_ARMS + 20):
        policy.observe(str(number), 0.5)
    assert policy.report().waiting == 0


@pytest.mark.parametrize(
    "arms",
    [
        (),
        ("a", "a"),
        ("",),
        tuple(map(str, range(MAX_OFFERED + 1))),
        (Offered("a", math.nan),),
        (Offered("a", start=nothing_seen(6)),),
    ],
)
def test_arms_that_are_none_are_refused(arms: tuple[Any, ...]) -> None:
    policy = Policy()
    with pytest.raises(BadInput):
        policy.choose("d", arms=arms)
    assert policy.past == []


@pytest.mark.parametrize("of_question", [b"", bytes(20), context(math.nan), context(0.5, dimensions=6), context(1e9)])
def test_a_context_that_is_none_is_refused_and_changes_nothing(of_question: bytes) -> None:
    policy = Policy()
    with pytest.raises(BadInput):
        policy.choose("d", of_question)
    assert policy.past == []


def test_a_decision_is_made_once() -> None:
    policy = Policy()
    policy.choose("d")
    with pytest.raises(BadInput):
        policy.choose("d")
