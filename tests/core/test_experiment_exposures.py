"""Who gets which variant, and which outcomes count."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.assignment import Slice
from core.decision_chain import Phase
from core.entity_codec import to_json
from core.errors import BadInput
from core.experiment_exposures import assign_command, decide_assign
from core.experiment_messages import Assigned, Moved, Observe
from core.experiment_plans import ExperimentPlan, Metric
from core.experiments import evolve
from tests.core.one_experiment import GOOD, PLAN, Registry

THREE = replace(PLAN, fractions={"control": 0.4, "small": 0.3, "tiny": 0.3})


# ---------------------------------------------------------------- who gets what
def test_while_it_is_off_everybody_has_the_control_and_nothing_is_written() -> None:
    registry = Registry()
    assert {registry.assign(unit).variant for unit in registry.units(50)} == {"control"}
    assert registry.entries == []


def test_in_shadow_everybody_has_the_control_and_is_told_what_to_compute_beside_it() -> None:
    registry = Registry(plan=THREE)
    registry.start()
    written = len(registry.entries)
    for unit in registry.units(50):
        given = registry.assign(unit)
        assert (given.variant, given.exposed, given.shadowed) == ("control", False, ("small", "tiny"))
    assert len(registry.entries) == written


def test_in_the_canary_units_are_shared_out_and_each_keeps_its_variant_through_a_restart() -> None:
    registry = Registry().in_canary()
    units = [f"question-{index}" for index in range(400)]
    first = [registry.assign(unit).variant for unit in units]
    registry.restart()
    assert [registry.assign(unit).variant for unit in units] == first
    assert 160 < first.count("candidate") < 240
    assert registry.evidence.exposures == {name: 2 * first.count(name) for name in ("candidate", "control")}
    assert registry.evidence.units == {name: first.count(name) for name in ("candidate", "control")}


def test_one_in_ten_is_in_the_canary_and_the_others_have_the_control_uncounted() -> None:
    plan = replace(PLAN, canary_share=0.1)
    registry = Registry(plan=plan)
    registry.start()
    registry.lived(72)
    assert isinstance(registry.promote(), Moved)
    given = [registry.assign(unit) for unit in registry.units(1_000)]
    inside = [each for each in given if each.exposed]
    assert 70 < len(inside) < 130
    assert {each.variant for each in given if not each.exposed} == {"control"}
    assert sum(registry.evidence.exposures.values()) == len(inside)


@settings(max_examples=30)
@given(small=st.floats(0.01, 0.5), more=st.floats(1.0, 10.0))
def test_a_unit_keeps_its_variant_when_the_canary_grows(small: float, more: float) -> None:
    small_one = Registry(plan=replace(THREE, canary_share=small)).in_canary_at_once()
    large_one = Registry(plan=replace(THREE, canary_share=min(1.0, small * more))).in_canary_at_once()
    for index in range(60):
        before, after = small_one.assign(f"u-{index}"), large_one.assign(f"u-{index}")
        assert not before.exposed or (after.exposed and after.variant == before.variant)


def test_in_active_everybody_has_the_one_variant() -> None:
    registry = Registry().in_active()
    assert {registry.assign(unit).variant for unit in registry.units(50)} == {"candidate"}


def test_experiments_of_one_layer_never_meet_in_a_unit() -> None:
    places = (Slice("answers", 0.0, 0.6), Slice("answers", 0.6, 1.0))
    both = [
        Registry(name, replace(PLAN, name=name, place=place)).in_canary_at_once()
        for name, place in zip(("one", "other"), places, strict=True)
    ]
    exposed = [[each.assign(f"u-{index}").exposed for each in both] for index in range(300)]
    assert all(sum(pair) == 1 for pair in exposed)
    assert 150 < sum(first for first, _ in exposed) < 210


def test_the_journal_does_not_hold_who_a_unit_is() -> None:
    registry = Registry().in_canary()
    registry.assign("user-4711", tenant="guild-815")
    assert registry.entries[-1].events != "[]"
    for text in (registry.entries[-1].command, registry.entries[-1].events, to_json(registry.state)):
        assert "4711" not in text
        assert "815" not in text


@pytest.mark.parametrize(("tenant", "unit"), [("", "u"), ("t", "")])
def test_an_assignment_for_nobody_is_refused(tenant: str, unit: str) -> None:
    with pytest.raises(BadInput):
        assign_command(PLAN, tenant, unit)


def test_what_is_kept_of_units_is_bounded() -> None:
    registry = Registry().in_canary()
    whole, now = registry.state, registry.now
    for index in range(3_000):
        for event in decide_assign(whole.experiment, assign_command(PLAN, "t", f"u-{index}"), now).events:
            whole = evolve(whole, event)
    assert sum(tally.exposures for tally in whole.experiment.tallies) == 3_000
    assert len(whole.experiment.units) == 8 * 2_048


# ---------------------------------------------------------------- what came of it
def test_sums_are_those_of_the_outcomes() -> None:
    registry = Registry().in_canary()
    seen: dict[str, list[float]] = {"control": [], "candidate": []}
    for index, unit in enumerate(registry.units(60)):
        given = registry.assign(unit)
        quality = (index % 7) / 10
        assert registry.observe(given, quality=quality).counted
        seen[given.variant].append(quality)
    for name, tally in zip(PLAN.variants, registry.experiment.tallies, strict=True):
        assert tally.outcomes == len(seen[name]) == tally.sums["quality"].n == tally.latency.n
        assert tally.sums["quality"].mean == pytest.approx(sum(seen[name]) / len(seen[name]))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.1, 1.1, "0.5", None])
def test_a_metric_that_is_no_number_of_its_range_is_refused_and_changes_nothing(value: Any) -> None:
    registry = Registry().in_canary()
    given = registry.assign("u")
    before = to_json(registry.state)
    with pytest.raises(BadInput, match="quality"):
        registry.do(Observe(given.variant, {"quality": value}, given.epoch))
    assert to_json(registry.state) == before


def test_a_variant_that_appears_while_it_runs_is_refused() -> None:
    registry = Registry().in_canary()
    given = registry.assign("u")
    with pytest.raises(BadInput, match=r"no variant 'newcomer'.*start it anew"):
        registry.do(Observe("newcomer", GOOD, given.epoch))


def test_a_plan_that_changes_while_it_runs_changes_nothing_until_it_starts_anew() -> None:
    registry = Registry(plan=THREE)
    registry.start()
    registry.plan = PLAN  # a release that has no small and tiny any more
    assert registry.assign("u").shadowed == ("small", "tiny")
    registry.roll_back()
    registry.start()
    assert registry.assign("u").shadowed == ("candidate",)


@pytest.mark.parametrize("metrics", [{}, {"quality": 0.5, "charm": 1.0}])
def test_an_outcome_with_no_metric_or_one_that_the_plan_has_not_is_refused(metrics: dict[str, float]) -> None:
    registry = Registry().in_canary()
    given = registry.assign("u")
    with pytest.raises(BadInput):
        registry.do(Observe(given.variant, metrics, given.epoch))


def test_an_outcome_of_an_earlier_phase_does_not_count() -> None:
    registry = Registry().in_canary()
    late = registry.assign("u")
    registry.lived(72)
    assert isinstance(registry.promote(), Moved)
    counted = registry.observe(late)
    assert (counted.counted, counted.phase) == (False, Phase.ACTIVE)
    registry.roll_back()
    assert not registry.observe(late).counted


def test_no_more_outcomes_count_than_there_were_exposures() -> None:
    registry = Registry().in_canary()
    given = registry.assign("u")
    assert registry.observe(given).counted
    assert not registry.observe(given).counted
    outside = Assigned("control", Phase.CANARY, given.epoch)
    other = "control" if given.variant == "candidate" else "candidate"
    assert not registry.observe(replace(outside, variant=other)).counted


def test_pairs_count_in_shadow_alone_and_outcomes_do_not() -> None:
    registry = Registry()
    registry.start()
    given = registry.assign("u")
    assert not registry.observe(given).counted
    assert registry.pair({}, {"quality": 0.9}).counted
    assert registry.evidence.outcomes == {"candidate": 1, "control": 1}
    registry.lived(72)
    registry.promote()
    assert not registry.pair({}, {}).counted


@pytest.mark.parametrize("covariates", [{"quality": math.nan}, {"charm": 0.5}, {"quality": 1e13}])
def test_a_covariate_without_its_metric_or_that_is_no_number_is_refused(covariates: dict[str, float]) -> None:
    registry = Registry().in_canary()
    given = registry.assign("u")
    with pytest.raises(BadInput, match="covariate"):
        registry.do(Observe(given.variant, {"quality": 0.5}, given.epoch, covariates))


def test_a_covariate_makes_the_interval_narrower() -> None:
    plan = ExperimentPlan("cuped", (Metric("quality"),), canary_share=1.0, least_outcomes=5)
    widths = []
    for known in (False, True):
        registry = Registry("cuped", plan).in_canary_at_once()
        for index, unit in enumerate(registry.units(600)):
            given, usual = registry.assign(unit), (index * 37 % 100) / 100
            metrics = {"quality": 0.9 * usual + (index % 10) / 100}
            registry.do(Observe(given.variant, metrics, given.epoch, {"quality": usual} if known else {}))
        gain = registry.evidence.gains[0]
        assert gain.low is not None
        assert gain.high is not None
        widths.append(gain.high - gain.low)
    assert widths[1] < widths[0] / 3
