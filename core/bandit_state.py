"""What a routing policy holds, and how events change it."""

from collections.abc import Mapping

import msgspec
import numpy as np
from msgspec.structs import replace

from core.bandit_messages import ArmJoined, Begun, Chosen, Drifted, Event, Missed, Observed
from core.entities import State, checked_key
from core.linear_thompson import Evidence, faded, nothing_seen, seen
from core.off_policy import Logged, OffPolicySums, logged

MAX_OFFERED = 32
MAX_ARMS = 64
# Of the decisions whose reward is waited for, the oldest give way: a state stays some hundred kilobytes.
MAX_WAITING = 1_000


class ArmState(State, frozen=True):
    """An arm. `up` and `down` are the two sums of the drift alarm: how far rewards were above and below expectation."""

    evidence: Evidence
    used: int = 0
    preferred: int = 0
    rewards: int = 0
    reward_sum: float = 0.0
    missed: int = 0
    up: float = 0.0
    down: float = 0.0
    alarms: int = 0
    alarmed_at: float = 0.0


class Waiting(State, frozen=True):
    """A decision whose reward has not come; the fields are those of `Chosen`."""

    at: float
    context: bytes
    arm: str
    used: float
    target: float
    baseline: float
    expected: float
    expected_of_target: float
    expected_of_baseline: float
    compared: bool


class Routing(State, frozen=True):
    """A policy. `waiting` is in the order of the decisions; `compared` is what the gain over the baseline rests on."""

    feature_version: str = ""
    dimensions: int = 0
    arms: dict[str, ArmState] = msgspec.field(default_factory=dict)
    waiting: dict[str, Waiting] = msgspec.field(default_factory=dict)
    compared: OffPolicySums = OffPolicySums()


def initial(key: str) -> Routing:
    checked_key(key)
    return Routing()


def evolve(state: Routing, event: Event) -> Routing:
    match event:
        case Begun():
            return Routing(event.feature_version, event.dimensions)
        case ArmJoined():
            start = event.start or nothing_seen(state.dimensions)
            kept = {name: arm for name, arm in state.arms.items() if name != event.forgets}
            return replace(state, arms=kept | {event.name: ArmState(start)})
        case Chosen():
            return _chosen(state, event)
        case Observed():
            return _observed(state, event)
        case Missed():
            return _missed(state, event)
        case Drifted():
            arm = state.arms[event.arm]
            evidence = faded(arm.evidence, event.keep)
            alarmed = replace(arm, evidence=evidence, up=0.0, down=0.0, alarms=arm.alarms + 1, alarmed_at=event.at)
            return replace(state, arms=state.arms | {event.arm: alarmed})


def drift_sums(arm: ArmState, surprise: float, slack: float) -> tuple[float, float]:
    """The two sums of an arm's drift alarm after a reward that was `surprise` above what was expected (Page 1954)."""
    return max(0.0, arm.up + surprise - slack), max(0.0, arm.down - surprise - slack)


def _chosen(state: Routing, event: Chosen) -> Routing:
    arms = dict(state.arms)
    arms[event.arm] = replace(arms[event.arm], used=arms[event.arm].used + 1)
    preferred = arms[event.would_choose]
    arms[event.would_choose] = replace(preferred, preferred=preferred.preferred + 1)
    waiting = Waiting(
        event.at,
        event.context,
        event.arm,
        event.used,
        event.target,
        event.baseline,
        event.expected,
        event.expected_of_target,
        event.expected_of_baseline,
        event.compared,
    )
    return replace(state, arms=arms, waiting=state.waiting | {event.decision_id: waiting})


def _observed(state: Routing, event: Observed) -> Routing:
    decision = state.waiting[event.decision_id]
    waiting = {key: other for key, other in state.waiting.items() if key != event.decision_id}
    # An arm may have been forgotten, to make room, while its reward was on its way.
    arms: Mapping[str, ArmState] = state.arms
    if arm := state.arms.get(decision.arm):
        context = np.frombuffer(decision.context, "<f4").astype(np.float64)
        up, down = drift_sums(arm, event.reward - decision.expected, event.slack)
        learned = replace(
            arm,
            evidence=seen(arm.evidence, context, event.reward, event.keep),
            rewards=arm.rewards + 1,
            reward_sum=arm.reward_sum + event.reward,
            up=up,
            down=down,
        )
        arms = state.arms | {decision.arm: learned}
    compared = state.compared
    if decision.compared:
        entry = Logged(
            decision.used,
            decision.target,
            decision.baseline,
            event.reward,
            decision.expected,
            decision.expected_of_target,
            decision.expected_of_baseline,
        )
        compared = logged(compared, entry)
    return replace(state, arms=dict(arms), waiting=waiting, compared=compared)


def _missed(state: Routing, event: Missed) -> Routing:
    gone = frozenset(event.decision_ids)
    arms = dict(state.arms)
    for decision_id in event.decision_ids:
        name = state.waiting[decision_id].arm
        if name in arms:
            arms[name] = replace(arms[name], missed=arms[name].missed + 1)
    waiting = {key: decision for key, decision in state.waiting.items() if key not in gone}
    return replace(state, arms=arms, waiting=waiting)
