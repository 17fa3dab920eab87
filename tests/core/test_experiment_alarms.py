"""What keeps an experiment from going on, or takes it back: the clock, sample ratios, lost outcomes, guard rails."""

from random import Random

import pytest

from core.assignment import bucket, variant_at
from core.decision_chain import Phase
from core.experiment_messages import GUARD_RAIL, NotYet
from tests.core.one_experiment import PLAN, Registry, said


# ---------------------------------------------------------------- the clock
def test_a_clock_that_jumps_ahead_gains_a_quarter_of_a_day_at_most() -> None:
    registry = Registry()
    registry.start()
    for _ in range(100):
        registry.pair({}, {})
    registry.wait(1_000)
    assert registry.evidence.lived_s == 6 * 3_600
    registry.pair({}, {})
    assert registry.evidence.lived_s == 6 * 3_600
    assert isinstance(registry.promote(), NotYet)


def test_a_clock_that_goes_back_gains_nothing() -> None:
    registry = Registry()
    registry.start()
    for hours in (2, -1, 1, -2, 2):
        registry.wait(hours)
        registry.pair({}, {})
    assert registry.evidence.lived_s == 2 * 3_600


# ---------------------------------------------------------------- what is wrong
def test_variants_without_their_shares_are_not_promoted() -> None:
    registry = Registry().in_canary()
    # Whoever would have the control is lost on the way to us, one in two.
    for index, unit in enumerate(registry.units(1_500)):
        registry.wait(0.1)
        if variant_at(PLAN.fractions, bucket(PLAN.name, "t-1", unit)) == "control" and index % 2:
            continue
        registry.observe(registry.assign(unit))
    assert registry.evidence.lived_s > 72 * 3_600
    assert registry.evidence.ratio_p < 0.001
    assert "shares of the plan" in said(registry.promote())


def test_a_variant_that_loses_its_outcomes_is_not_promoted() -> None:
    registry = Registry().in_canary()
    for index, unit in enumerate(registry.units(1_500)):
        registry.wait(0.1)
        given = registry.assign(unit)
        if given.variant == "control" or index % 5:
            registry.observe(given)
    assert registry.evidence.ratio_p > 0.001
    assert "fewer outcomes for its exposures" in said(registry.promote())


def test_one_person_who_comes_often_is_no_alarm() -> None:
    registry = Registry().in_canary()
    for unit in registry.units(100):
        registry.observe(registry.assign(unit))
    for _ in range(1_000):
        registry.observe(registry.assign("the same"))
    assert registry.evidence.alarms == ()


@pytest.mark.parametrize(
    ("harm", "rail"),
    [({"error": 1.0}, "errors from none"), ({"latency_ms": 400.0}, "p95 latency")],
    ids=["errors", "latency"],
)
@pytest.mark.parametrize("phase", ["shadow", "canary", "active"])
def test_a_guard_rail_takes_it_back_in_the_outcome_that_trips_it(phase: str, harm: dict[str, float], rail: str) -> None:
    registry = Registry()
    if phase == "shadow":
        registry.start()
    else:
        registry = registry.in_canary()
        for unit in registry.units(800):
            registry.observe(registry.assign(unit))
        if phase == "active":
            registry.lived(72)
            registry.promote()
    for index in range(1_000):
        if phase == "shadow":
            counted = registry.pair({}, harm if index % 4 == 0 else {})
        else:
            given = registry.assign(next(registry.units(1)))
            counted = registry.observe(given, **harm if given.variant == "candidate" and index % 4 == 0 else {})
        if counted.phase is Phase.OFF:
            break
    made = registry.decisions[-1]
    assert (registry.experiment.phase, made.after, made.by, made.before) == (Phase.OFF, Phase.OFF, GUARD_RAIL, phase)
    assert rail in made.reason
    assert made.reason == counted.because == registry.experiment.reason
    assert any("does harm" in alarm for alarm in made.evidence.alarms)
    assert registry.assign("u").variant == "control"
    assert len(registry.events) == 0


def test_a_control_that_is_just_as_bad_trips_nothing() -> None:
    registry, rng = Registry().in_canary(), Random(5)
    for unit in registry.units(2_000):
        given = registry.assign(unit)
        bad = rng.random() < 0.1
        registry.observe(given, error=float(bad), latency_ms=rng.lognormvariate(5, 1))
    assert registry.experiment.phase is Phase.CANARY
    assert registry.evidence.alarms == ()
