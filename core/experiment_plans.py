"""What an experiment is before it begins: who gets what, what is measured, and when it may go further.

A plan is code: those who build a feature write it, and the registry keeps a copy of the one that a run began with.
"""

import math
import re
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from core.assignment import Slice, checked_fractions
from core.canary_slots import CANARIES
from core.entities import State
from core.errors import BadInput

CONTROL = "control"
ERROR, LATENCY_MS = "error", "latency_ms"
HOUR_S = 3_600.0
MAX_VARIANTS, MAX_METRICS = 8, 8
# What a sample-ratio check may come to by chance before it is an alarm (issue: 0.001).
RATIO_ALARM = 0.001
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")


class Goal(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"


class Metric(State, frozen=True):
    """A number of each outcome, from `low` to `high`: what lies beyond is refused."""

    name: str
    goal: Goal = Goal.HIGHER
    low: float = 0.0
    high: float = 1.0

    def read(self, value: float) -> float:
        """`value`. Raises BadInput where it is no number of this metric."""
        # Not the other way round: NaN is neither above nor below anything.
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            problem = f"The metric {self.name} is {str(value)[:40]}; it may be {self.low:g} to {self.high:g}."
            raise BadInput(problem, "Observe what was measured, and leave out what was not.")
        return float(value)

    def gain(self, effect: float) -> float:
        """How much better `effect` (candidate less control) is; negative where it is worse."""
        return effect if self.goal is Goal.HIGHER else -effect


# Every experiment measures these two beside its own: the guard rails watch them.
WATCHED = (Metric(ERROR, Goal.LOWER), Metric(LATENCY_MS, Goal.LOWER, high=86_400_000.0))


class ExperimentPlan(State, frozen=True):
    """An experiment. `metrics[0]` is the primary one; an `error` (0 or 1) and `latency_ms` are measured besides.

    In the canary `canary_share` of all units are in the experiment, and `fractions` (they make 1) share these out to
    the variants; whoever is not in it has `control`. In active everybody has one variant. Experiments with `place` in
    the same layer never meet in one unit.

    A phase ends at the earliest after `least_phase_s`, or before that when the anytime-valid interval of the primary
    metric, at level `alpha`, excludes 0 on the good side; and with at least `least_outcomes` of each variant, which is
    what the rail of the latency needs. With `least_gain` the lower end of that interval must reach so much, in the
    metric's own unit, however long it lasts.
    """

    name: str
    metrics: tuple[Metric, ...]
    fractions: dict[str, float] = msgspec.field(default_factory=lambda: {CONTROL: 0.5, "candidate": 0.5})
    control: str = CONTROL
    place: Slice | None = None
    canary_share: float = 0.1
    alpha: float = 0.05
    least_phase_s: float = 72 * HOUR_S
    least_outcomes: int = 300
    least_gain: float | None = None

    @property
    def variants(self) -> tuple[str, ...]:
        """All variants, by name."""
        return tuple(sorted(self.fractions))

    @property
    def candidates(self) -> tuple[str, ...]:
        """All variants but the control, by name."""
        return tuple(name for name in self.variants if name != self.control)

    @property
    def measured(self) -> tuple[Metric, ...]:
        """The plan's metrics, then those that every experiment has."""
        return (*self.metrics, *WATCHED)

    @property
    def primary(self) -> Metric:
        return self.metrics[0]

    @property
    def policy(self) -> str:
        """The conditions of a promotion in words, for the record of a decision."""
        told = [f"{self.least_phase_s / HOUR_S:g} h, or an interval at alpha {self.alpha:g} above 0"]
        if self.least_gain is not None:
            told.append(f"a gain of {self.primary.name} of at least {self.least_gain:g}")
        told.append(f"{self.least_outcomes} outcomes of each variant")
        told.append(f"sample ratios at {RATIO_ALARM:g}")
        return "; ".join(told)

    def check(self) -> "ExperimentPlan":
        """This plan. Raises BadInput, saying what to correct, where it is none."""
        if self.name == CANARIES:
            raise BadInput(f"No experiment can be called {CANARIES}.", "Rename it: that is where their slots are kept.")
        for name in (self.name, *self.fractions, *(metric.name for metric in self.metrics)):
            checked_name(name)
        self._check_variants()
        self._check_metrics()
        if self.place is not None:
            self.place.check()
        ranges = {
            "canary_share": (1e-4, 1.0),
            "alpha": (1e-9, 0.5),
            "least_phase_s": (0.0, 365 * 24 * HOUR_S),
            "least_outcomes": (1, 10**9),
            "least_gain": (-1e12, 1e12),
        }
        for field, (least, most) in ranges.items():
            value = getattr(self, field)
            if value is not None and not least <= value <= most:
                problem = f"The {field} of the experiment {self.name} is {value:g}; it may be {least:g} to {most:g}."
                raise BadInput(problem, "Correct the plan.")
        return self

    def _check_variants(self) -> None:
        fractions = checked_fractions(self.fractions)
        if self.control not in fractions or not 2 <= len(fractions) <= MAX_VARIANTS:
            problem = f"The experiment {self.name} has the variants {', '.join(fractions)}."
            advice = f"Give it the control {self.control!r} and at least one other, {MAX_VARIANTS} at most."
            raise BadInput(problem, advice)
        for name, fraction in fractions.items():
            if fraction == 0.0:
                raise BadInput(f"The variant {name} of {self.name} gets nobody.", "Leave it out, or give it a share.")

    def _check_metrics(self) -> None:
        names = [metric.name for metric in self.measured]
        if not 1 <= len(self.metrics) <= MAX_METRICS or len(set(names)) != len(names):
            problem = f"The experiment {self.name} measures {', '.join(names)}."
            advice = f"Give it 1 to {MAX_METRICS} metrics with names of their own, the primary one first."
            raise BadInput(problem, advice)
        for metric in self.metrics:
            if not (math.isfinite(metric.low) and math.isfinite(metric.high) and metric.low < metric.high):
                problem = f"The metric {metric.name} goes from {metric.low:g} to {metric.high:g}."
                raise BadInput(problem, "Give it a finite low below a finite high.")


def checked_name(name: str) -> str:
    """`name`, if it can be an experiment's, a variant's or a metric's. Raises BadInput."""
    if not _NAME.fullmatch(name):
        problem = f"{name[:60]!r} names no experiment, variant or metric."
        raise BadInput(problem, "Use up to 50 small letters, digits and _, a letter first.")
    return name


def checked_plans(plans: Sequence[ExperimentPlan]) -> dict[str, ExperimentPlan]:
    """The plans by name. Raises BadInput where one is none, two have a name, or two overlap in a layer."""
    by_name: dict[str, ExperimentPlan] = {}
    for plan in plans:
        if plan.check().name in by_name:
            raise BadInput(f"There are two experiments {plan.name}.", "Rename one.")
        for other in by_name.values():
            if overlap(plan.place, other.place):
                problem = f"The experiments {other.name} and {plan.name} overlap in a layer."
                raise BadInput(problem, "Give them slices that do not, or layers of their own.")
        by_name[plan.name] = plan
    return by_name


def overlap(one: Slice | None, other: Slice | None) -> bool:
    """Whether a unit can be in both, though they are in one layer."""
    if one is None or other is None or one.layer != other.layer:
        return False
    return one.start < other.stop and other.start < one.stop
