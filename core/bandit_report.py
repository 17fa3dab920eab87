"""What a routing policy has learned, for people and for the gate before it takes charge."""

from dataclasses import dataclass

import numpy as np

from core.bandit_messages import BanditRules
from core.bandit_state import Routing
from core.linear_thompson import Arm, posterior
from core.off_policy import OffPolicyReport, off_policy_report

PROMOTION_GAIN = 0.03


@dataclass(frozen=True, slots=True)
class ArmReport:
    """An arm: how often it was used and preferred, its rewards, and what is believed of it at an average question.

    `weight` is how many observations its evidence still counts as; `missed` how many rewards never came. `believed` and
    `believed_sd` are the mean and standard deviation of its expected reward.
    """

    name: str
    used: int
    preferred: int
    rewards: int
    mean_reward: float
    missed: int
    weight: float
    believed: float
    believed_sd: float
    alarms: int
    alarmed_at: float


@dataclass(frozen=True, slots=True)
class BanditReport:
    """A policy. `gain` compares it with its baseline.

    `gain_from` is the lower bound of its gain, as a share of what the baseline earned, that holds at every look. It may
    take charge where that is PROMOTION_GAIN or more.
    """

    feature_version: str
    waiting: int
    arms: tuple[ArmReport, ...]
    gain: OffPolicyReport
    gain_from: float
    may_take_charge: bool


def bandit_report(state: Routing, rules: BanditRules) -> BanditReport:
    """What the policy has learned so far."""
    gain = off_policy_report(state.compared)
    # Not known is not promising: without a reward of the baseline there is nothing to gain on.
    gain_from = gain.doubly_robust.always_from / gain.baseline if gain.baseline > 1e-3 else -1.0
    return BanditReport(
        state.feature_version, len(state.waiting), _arms(state, rules), gain, gain_from, gain_from >= PROMOTION_GAIN
    )


def _arms(state: Routing, rules: BanditRules) -> tuple[ArmReport, ...]:
    if not state.arms or state.dimensions != rules.prior.dimensions:
        return ()
    arms = tuple(Arm(arm.evidence) for arm in state.arms.values())
    weight = sum(arm.evidence.weight for arm in arms)
    # The first row of a gram is the sum of its contexts, as the first feature is 1.
    sums = np.sum([np.frombuffer(arm.evidence.gram, "<f8")[: state.dimensions] for arm in arms], axis=0)
    average = sums / weight if weight > 0.0 else np.eye(state.dimensions)[0]
    means, covariance = posterior(rules.prior, arms).scores(average)
    deviations = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return tuple(
        ArmReport(
            name,
            arm.used,
            arm.preferred,
            arm.rewards,
            arm.reward_sum / arm.rewards if arm.rewards else 0.0,
            arm.missed,
            arm.evidence.weight,
            float(mean),
            float(deviation),
            arm.alarms,
            arm.alarmed_at,
        )
        for (name, arm), mean, deviation in zip(state.arms.items(), means, deviations, strict=True)
    )
