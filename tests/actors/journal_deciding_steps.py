"""What is done to experiments, routing policies and answer caches in the small journal of `make_journal_fixture`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core import answer_cache_messages, bandit_messages, canary_slots, experiment_messages, feature_flags
from core.experiment_exposures import assign_command
from core.experiment_plans import HOUR_S, ExperimentPlan, Goal, Metric
from core.linear_thompson import Prior, evidence_of
from core.routing_rewards import RewardWeights

Steps = Sequence[tuple[float, Any]]
PLAN = ExperimentPlan(
    "trimming",
    (Metric("prompt_tokens", Goal.LOWER, high=1e6), Metric("grounded")),
    canary_share=1.0,
    least_outcomes=2,
    least_phase_s=HOUR_S,
)
RULES = bandit_messages.BanditRules(Prior(3), draws=16, patience_s=60.0)


def experiment_steps() -> Steps:
    """Seconds since the last step, and a command: off, shadow, canary, back, and once more to the end."""
    m = experiment_messages
    pair = m.ObservePair("candidate", {"prompt_tokens": 900.0}, {"prompt_tokens": 400.0, "error": 0.0}, 1)
    slot = canary_slots.CanarySlot("trimming", 1, 1_767_250_000.0)
    exposed = tuple((1.0, assign_command(PLAN, "guild-1", f"question-{number}")) for number in range(6))
    measured = {"prompt_tokens": 412.5, "grounded": 0.75, "error": 0.0, "latency_ms": 1_234.5}
    return (
        (0.0, m.Start(PLAN, "operator é€𝄞", "It is cheaper.")),
        (1.0, pair),
        (1.0, pair),
        *(((HOUR_S, pair)) for _ in range(4)),
        (1.0, m.Promote("operator", slot=slot)),
        *exposed,
        (1.0, m.Observe("candidate", measured, 2)),
        (1.0, m.Observe("control", measured, 2)),
        (1.0, m.RollBack("operator", "It is late.")),
    )


def canary_steps() -> Steps:
    """The slots of the canaries: two are taken, a third is refused, one is freed."""
    m = canary_slots
    return (
        (0.0, m.ReserveSlot("trimming")),
        (1.0, m.ReserveSlot("routing")),
        (1.0, m.ReserveSlot("answer_cache")),
        (600.0, m.FreeSlot("trimming", 1)),
    )


def flag_steps() -> Steps:
    """A server's own switches."""
    known = ("routing", "trimming")
    return (
        (0.0, feature_flags.SetFlag("trimming", True, "ada é€𝄞", known)),
        (1.0, feature_flags.SetFlag("routing", False, "ada", known)),
        (1.0, feature_flags.SetFlag("trimming", None, "bob", known)),
    )


def context(*features: float) -> bytes:
    return np.array(features, "<f4").tobytes()


def bandit_steps() -> Steps:
    """Arms that join, with and without evidence, choices in shadow and in charge, rewards, and one that never comes."""
    m = bandit_messages
    start = evidence_of(np.array([[1.0, 0.5, -0.25], [1.0, 0.0, 2.0]]), np.array([0.25, 0.75]))
    arms = (m.Offered("first", 0.1, start), m.Offered("second é€𝄞"))
    weights = RewardWeights()
    return (
        (0.0, m.Choose(RULES, "1-a", "q1", context(1.0, 0.5, -1.0), arms, "first", shadow=True)),
        (1.0, m.Choose(RULES, "1-a", "q2", context(1.0, 0.125, 0.3), arms, "first")),
        (1.0, m.Observe(RULES, weights, "q1", 0.75, 2.0, 0.001)),
        (1.0, m.Observe(RULES, weights, "nobody's", 0.75, 2.0, 0.001)),
        (120.0, m.Choose(RULES, "1-a", "q3", context(1.0, 0.0, 0.0), (*arms, m.Offered("third")))),
        (1.0, m.Observe(RULES, weights, "q3", 1.0, 0.5, 0.0)),
        (1.0, m.Choose(RULES, "2-b", "q4", context(1.0, 0.0, 0.0), arms[1:])),
    )


def cache_steps() -> Steps:
    """Answers that are kept, served, audited, and go with their source, their library or a user's word."""
    m = answer_cache_messages
    rules, scores = m.CacheRules(max_entries=2), tuple([1 / 32] * 32)

    def kept(number: int, **more: Any) -> answer_cache_messages.Keep:
        entry = m.Entry("room/", "", 0.0, 0.0, (f"youtube:{number}",), 0.01)
        return m.Keep(rules, "library-1", entry, f"words {number} é€𝄞", "ada", cost_usd=0.01, **more)

    def judged(*found: answer_cache_messages.Judged, **more: Any) -> answer_cache_messages.Judge:
        return m.Judge(rules, "room/", more.pop("library", "library-1"), found, scores, **more)

    near = m.Judged("entry/1", "entry/1", 7.5)
    return (
        (0.0, judged()),
        (1.0, kept(1)),
        (1.0, judged(near)),
        (1.0, judged(exact="entry/1")),
        (1.0, judged(near, shadow=True)),
        (1.0, kept(2, score=7.5, right=True, audited=True)),
        (1.0, kept(3, score=0.25, right=False)),
        (1.0, m.Drop("source", recordings=("youtube:2",))),
        (90_000.0, m.Prune(rules.max_age_s)),
        (1.0, judged(library="library-2")),
    )
