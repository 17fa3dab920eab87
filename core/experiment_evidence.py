"""What the numbers of a phase say: how much better a candidate is, whether anything is wrong, and what still lacks."""

from collections.abc import Iterator, Mapping

from core import exposed_units
from core.decision_chain import Evidence, Gain, Phase
from core.experiment_plans import ERROR, HOUR_S, ExperimentPlan
from core.experiment_state import Experiment, Tally
from core.experiment_statistics import SampleRatio, compare, sample_ratio
from core.guard_rails import Guard, QuantileRule, RateRule, guard
from core.metric_sums import MetricSums

ERRORS, P95 = RateRule(max_increase=0.5), QuantileRule(0.95, max_increase=0.2)
_NOTHING = MetricSums()
_FITS = SampleRatio(1.0)
Tallies = Mapping[str, Tally]


def evidence(state: Experiment, now: float) -> Evidence:
    """What is known of the phase at `now`; of an experiment that is off, nothing."""
    plan = state.plan
    if plan is None or state.phase is Phase.OFF:
        return Evidence()
    tallies = _by_variant(state, plan)
    units = dict(zip(plan.variants, exposed_units.counts(state.units, len(plan.variants)), strict=True))
    mixed = state.phase is Phase.CANARY
    ratio, lost = (sample_ratio(units, plan.fractions), _losses(tallies)) if mixed else (_FITS, _FITS)
    alarms = [f"{name} does harm: {rail}" for name in plan.candidates if (rail := tripped(state, name))]
    if ratio.alarm:
        alarms.append(f"The variants do not have the shares of the plan (p = {ratio.p_value:.2g}).")
    if lost.alarm:
        alarms.append(f"One variant has fewer outcomes for its exposures than another (p = {lost.p_value:.2g}).")
    return Evidence(
        state.lived_s(now),
        {name: tally.exposures for name, tally in tallies.items()},
        {name: tally.outcomes for name, tally in tallies.items()},
        units,
        tuple(_gain(state.phase, plan, tallies, name) for name in plan.candidates),
        ratio.p_value,
        lost.p_value,
        {name: {each: sums.mean for each, sums in tally.sums.items()} for name, tally in tallies.items()},
        {name: p95 for name, tally in tallies.items() if (p95 := tally.latency.quantile(P95.quantile)) is not None},
        tuple(alarms),
    )


def lacking(plan: ExperimentPlan, known: Evidence, variant: str) -> Iterator[str]:
    """What stands against going on with `variant`, in words; nothing where the plan's conditions are met."""
    yield from known.alarms
    gain = next(each for each in known.gains if each.variant == variant)
    name = plan.primary.name
    if min(gain.control, gain.outcomes) < plan.least_outcomes:
        counted = f"{gain.outcomes:,} outcomes of {variant} and {gain.control:,} to compare them with"
        yield f"There are {counted}; {plan.least_outcomes:,} of each are asked for."
    if gain.high is not None and gain.high < 0.0:
        yield f"{variant} is worse: {name} {interval(gain)}."
    elif known.lived_s < plan.least_phase_s and not (gain.low is not None and gain.low > 0.0):
        lived = f"{known.lived_s / HOUR_S:.1f} of {plan.least_phase_s / HOUR_S:g} h"
        yield f"The phase has lasted {lived}, and the gain of {name}, {interval(gain)}, is not above 0."
    if plan.least_gain is not None and (gain.low is None or gain.low < plan.least_gain):
        yield f"The gain of {name}, {interval(gain)}, is not proven to reach {plan.least_gain:g}."


def interval(gain: Gain) -> str:
    """A gain with its interval, in words."""
    if gain.low is None or gain.high is None:
        return f"{gain.gain:+.4g} (no interval yet)"
    return f"{gain.gain:+.4g} ({gain.low:+.4g} to {gain.high:+.4g})"


def tripped(state: Experiment, variant: str) -> str:
    """Which guard rail a candidate trips, in words; "" for none.

    In active its control is that of the canary, which does not grow: then the rails' level holds for each look alone.
    """
    plan = state.plan
    if plan is None or variant == plan.control:
        return ""
    tallies = _by_variant(state, plan)
    control, mine = tallies[plan.control], tallies[variant]
    failed, its_failed = (tally.sums.get(ERROR, _NOTHING) for tally in (control, mine))
    # First what costs little: the estimate has to reach the limit in any case.
    if its_failed.mean > 0 and its_failed.mean >= failed.mean * (1 + ERRORS.max_increase):
        rail = guard(failed, its_failed, ERRORS)
        if rail.tripped:
            return f"errors {_told(rail)} against {plan.control}."
    usual, its = control.latency.quantile(P95.quantile), mine.latency.quantile(P95.quantile)
    if usual and its and its / usual - 1.0 >= P95.max_increase:
        rail = guard(control.latency, mine.latency, P95)
        if rail.tripped:
            return f"p95 latency {_told(rail)} against {plan.control}."
    return ""


def _told(rail: Guard) -> str:
    increase = "from none" if rail.increase is None else f"{rail.increase:+.0%}"
    return f"{increase} (at least {rail.low:+.0%})"


def _by_variant(state: Experiment, plan: ExperimentPlan) -> dict[str, Tally]:
    return dict(zip(plan.variants, state.tallies, strict=True))


def _losses(tallies: Tallies) -> SampleRatio:
    """Whether exposures without an outcome are spread as exposures are: one variant may not lose more than another.

    Those still under way count as lost, of every variant alike.
    """
    exposures = sum(tally.exposures for tally in tallies.values())
    if not exposures:
        return _FITS
    lost = {name: tally.exposures - tally.outcomes for name, tally in tallies.items()}
    return sample_ratio(lost, {name: tally.exposures / exposures for name, tally in tallies.items()})


def _gain(phase: Phase, plan: ExperimentPlan, tallies: Tallies, variant: str) -> Gain:
    """Of several candidates each gets its part of the plan's alpha (Bonferroni)."""
    primary = plan.primary
    control, mine = (tallies[name].sums.get(primary.name, _NOTHING) for name in (plan.control, variant))
    if phase is Phase.SHADOW:
        # Of the same questions: the difference itself, beside as many zeros. Where it is large beside its own spread
        # the
        # interval is wider than it need be, because the variance is that of all numbers together.
        mine = tallies[variant].differences.get(primary.name, _NOTHING)
        control = MetricSums(mine.n)
    found = compare(control, mine, plan.alpha / len(plan.candidates))
    low, high = found.low, found.high
    if primary.gain(1.0) < 0:
        low, high = (None if high is None else -high), (None if low is None else -low)
    return Gain(variant, primary.gain(found.effect), low, high, found.n_control, found.n_treatment)
