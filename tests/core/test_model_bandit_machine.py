"""A routing policy over time: versions of features, drift, and any sequence of calls against a replay."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.bandit_messages import Choice, Drifted, NotWaitedFor
from core.entity_codec import to_json
from core.errors import BadInput
from core.model_bandit import KIND
from tests.core.one_policy import AT, GOOD_LARGE, RULES, Policy, context


def test_features_of_another_version_never_meet_an_old_posterior() -> None:
    policy = Policy()
    for number in range(100):
        policy.ask(number, GOOD_LARGE, baseline="small")
    policy.choose("waiting")
    policy.choose("new", version="v2")
    assert policy.report().feature_version == "v2"
    assert all(arm.weight == 0.0 and arm.rewards == 0 for arm in policy.report().arms)
    assert policy.report().gain.n == 0
    assert isinstance(policy.observe("waiting", 1.0), NotWaitedFor)


def test_an_arm_that_turns_bad_raises_an_alarm_and_is_left() -> None:
    policy = Policy()
    for number in range(1_000):
        policy.ask(number, GOOD_LARGE)
    assert sum(arm.alarms for arm in policy.report().arms) == 0
    worse, used, alarms = {**GOOD_LARGE, "large": 0.1}, list[str](), list[int]()
    for number in range(1_000, 1_300):
        used.append(policy.ask(number, worse).arm)
        if any(isinstance(event, Drifted) for event in policy.events):
            alarms.append(number)
    large = next(arm for arm in policy.report().arms if arm.name == "large")
    assert large.alarms == len(alarms)
    assert large.alarmed_at == AT
    assert alarms[0] < 1_060
    assert used[-100:].count("large") < 25


def test_chance_alone_raises_no_alarm() -> None:
    policy, rng = Policy(), np.random.default_rng(4)
    for number in range(2_500):
        choice = policy.choose(str(number), context(*rng.normal(size=3)))
        policy.observe(str(number), float(rng.random() < GOOD_LARGE[choice.arm]))
    assert sum(arm.alarms for arm in policy.report().arms) == 0


actions = st.lists(
    st.one_of(
        st.tuples(
            st.just("choose"),
            st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True),
            st.lists(st.floats(-100.0, 100.0, width=32), min_size=4, max_size=4),
            st.booleans(),
            st.sampled_from(["v1", "v1", "v1", "v2"]),
        ),
        st.tuples(st.just("observe"), st.integers(0, 30), st.sampled_from([0.0, 0.5, 1.0])),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 5_000.0])),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(actions)
def test_whatever_happens_nothing_is_nan_and_a_replay_has_the_same_bits(made: list[tuple[Any, ...]]) -> None:
    policy = Policy()
    for number, (what, *args) in enumerate(made):
        if what == "choose":
            arms, features, shadow, version = args
            choice = policy.choose(
                str(number), context(*features), tuple(arms), version=version, baseline=arms[0], shadow=shadow
            )
            _check(choice)
        elif what == "observe":
            policy.observe(str(args[0]), args[1])
        else:
            policy.now += args[0]
    # The codec refuses numbers that are not finite; the arrays are looked at by themselves.
    written = to_json(policy.state)
    for arm in policy.state.arms.values():
        for part in (arm.evidence.gram, arm.evidence.moment):
            assert np.isfinite(np.frombuffer(part)).all()
    assert all(math.isfinite(arm.believed + arm.believed_sd) for arm in policy.report().arms)
    assert KIND.replay(KIND.initial(policy.key), policy.past) == policy.state
    assert to_json(KIND.replay(KIND.initial(policy.key), policy.past)) == written


def _check(choice: Choice) -> None:
    numbers = (choice.propensity, choice.preference, choice.preference_error)
    assert all(0.0 < value <= 1.0 for value in numbers)


@pytest.mark.parametrize(
    "change",
    [{"epsilon": 1.5}, {"epsilon": 1e-9}, {"draws": 2}, {"keep": 0.0}, {"drift_limit": math.nan}, {"patience_s": 0.0}],
)
def test_rules_out_of_their_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(BadInput, match=next(iter(change))):
        replace(RULES, **change).check()
