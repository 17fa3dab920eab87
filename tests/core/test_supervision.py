"""What a supervisor makes of the pulses of a shard, and how it never kills what is only coming up."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.supervision import Action, Pulse, Rules, Watch, judge

WELL = Pulse(1, 0.0, 10, 0, 5.0, 0.0, 4)
RULES = Rules(
    hung_s=10.0,
    silent_probes=3,
    drained_s=20.0,
    overdue_s=60.0,
    wait_s=10.0,
    longest_wait_s=100.0,
    forgiven_s=600.0,
)


def pulse(**fields: Any) -> Pulse:
    return WELL._replace(**fields)


def watched(*probes: Pulse | str, every_s: float = 2.0, watch: Watch | None = None) -> tuple[Watch, list[Action]]:
    """Judge probes one after the other, and return what was done after each."""
    watch, actions, now = watch or Watch(), [], 1_000.0
    for probed in probes:
        watch, action = judge(watch, probed, now, RULES)
        actions.append(action)
        now += every_s
    return watch, actions


def test_a_shard_that_nobody_has_probed_is_not_well() -> None:
    assert not Watch().well
    assert Watch().reason


def test_a_shard_that_answers_is_well_and_left_alone() -> None:
    watch, actions = watched(WELL, WELL)
    assert watch.well
    assert watch.pulse == WELL
    assert set(actions) == {Action.NOTHING}


def test_one_that_does_not_answer_is_started_and_after_some_probes_replaced() -> None:
    watch, actions = watched("it is dead", "it is dead", "it is dead", "it is dead")
    assert actions == [Action.START, Action.START, Action.REPLACE, Action.START]
    assert watch.reason == "it is dead"
    assert watch.pulse is None


def test_an_answer_in_between_counts_from_the_beginning() -> None:
    _, actions = watched("dead", "dead", WELL, "dead", "dead", "dead")
    assert actions.index(Action.REPLACE) == 5


def test_one_whose_loop_hangs_is_replaced_at_once() -> None:
    watch, actions = watched(WELL, pulse(stalled_s=10.0), pulse(stalled_s=10.1))
    assert actions == [Action.NOTHING, Action.NOTHING, Action.REPLACE]
    assert "hangs" in watch.reason


def test_one_that_hangs_is_not_replaced_while_it_may_still_be_coming_up() -> None:
    _, actions = watched(*[pulse(stalled_s=11.0)] * 6)
    assert actions == [Action.REPLACE, *[Action.NOTHING] * 4, Action.REPLACE]


@pytest.mark.parametrize("what", [{"fenced": True}, {"fenced": True, "draining": True}])
def test_one_that_was_fenced_is_told_to_go_on(what: dict[str, object]) -> None:
    watch, actions = watched(pulse(**what))
    assert actions == [Action.ADOPT]
    assert "another incarnation" in watch.reason


def test_one_that_drains_is_told_to_go_on_when_it_takes_too_long() -> None:
    watch, actions = watched(*[pulse(draining=True)] * 12)
    assert actions == [*[Action.NOTHING] * 11, Action.ADOPT]
    assert watch.reason == "is being moved"
    # Another drain later has its own time.
    _, actions = watched(WELL, *[pulse(draining=True)] * 11, watch=watch)
    assert set(actions) == {Action.NOTHING}


@pytest.mark.parametrize(
    ("probed", "reason"),
    [
        (pulse(problem="The disk is full."), "The disk is full."),
        (pulse(overdue_s=61.0), "is 61 s late"),
        (pulse(writing_s=11.0), "its journal to be written for 11 s"),
    ],
)
def test_what_it_cannot_mend_is_told_and_left_alone(probed: Pulse, reason: str) -> None:
    watch, actions = watched(*[probed] * 50)
    assert set(actions) == {Action.NOTHING}
    assert reason in watch.reason
    watch, _ = watched(pulse(overdue_s=60.0), watch=watch)
    assert watch.well


def test_what_was_well_for_long_is_forgiven() -> None:
    bad = Watch(replaced=5, replaced_at=990.0)
    still, _ = watched(WELL, WELL, every_s=600.0, watch=bad)
    assert still.replaced == 5
    forgiven, _ = watched(WELL, WELL, every_s=600.1, watch=bad)
    assert forgiven.replaced == 0


@pytest.mark.parametrize("trouble", ["dead", pulse(problem="The disk is full."), pulse(draining=True)])
def test_being_well_counts_only_without_a_break(trouble: Pulse | str) -> None:
    bad = Watch(replaced=5, replaced_at=990.0)
    watch, _ = watched(WELL, trouble, WELL, WELL, every_s=500.0, watch=bad)
    assert watch.replaced == 5


PROBES = st.sampled_from(["dead", WELL, pulse(stalled_s=99.0), pulse(fenced=True), pulse(draining=True)])


@given(st.lists(st.tuples(PROBES, st.floats(0.0, 200.0)), max_size=80))
def test_a_shard_is_never_replaced_before_the_doubled_wait_is_over(probes: list[tuple[Pulse | str, float]]) -> None:
    watch, now, replaced_at, times = Watch(), 50.0, -1e9, 0
    for probed, passed_s in probes:
        now += passed_s
        watch, action = judge(watch, probed, now, RULES)
        if watch.replaced == 0:
            times = 0  # forgiven
        if action is Action.REPLACE:
            wait_s = min(RULES.longest_wait_s, RULES.wait_s * 2 ** (times - 1)) if times else 0.0
            assert now - replaced_at >= wait_s
            replaced_at, times = now, times + 1
        assert watch.replaced == times


def test_a_shard_that_never_comes_up_is_tried_for_ever_and_not_too_often() -> None:
    replaced = [n for n, action in enumerate(watched(*["dead"] * 200_000, every_s=1.0)[1]) if action is Action.REPLACE]
    gaps = [later - earlier for earlier, later in pairwise(replaced)]
    assert len(replaced) > 1_500
    assert gaps[:5] == [10, 20, 40, 80, 100]
    assert max(gaps) == 100


@given(PROBES, st.floats(0.0, 1e6))
def test_whoever_is_not_well_says_why(probed: Pulse | str, now: float) -> None:
    watch, _ = judge(Watch(), probed, now, Rules())
    assert watch.well == (probed == WELL) == (not watch.reason)
    assert watch.pulse == (None if isinstance(probed, str) else probed)
