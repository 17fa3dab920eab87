"""Streams of questions through the bandit that the product runs: one pass, each reward known for the arm used alone."""

import bisect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.linear_thompson import (
    Arm,
    Evidence,
    Floats,
    Posterior,
    Prior,
    drawn_shares,
    explored,
    nothing_seen,
    posterior,
    seen,
)
from core.off_policy import Logged, OffPolicyReport, OffPolicySums, logged, off_policy_report

# Over how many questions a share that was missed is made up for.
_PATIENCE = 150.0


@dataclass(frozen=True, slots=True)
class Stream:
    """Contexts (questions, features) and rewards (questions, arms), both in the order of the stream, and its beginning.

    `beliefs` are the arms' prior means, `start` the evidence that it begins with. A reward comes with those of its
    batch of `delay` questions, when the last one is answered.
    """

    contexts: Floats
    rewards: Floats
    prior: Prior
    beliefs: tuple[float, ...]
    start: tuple[Evidence, ...] = ()
    keep: float = 1.0
    draws: int = 128
    delay: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """The arm used for each question, and at how many an expectation was no finite number."""

    used: NDArray[np.intp]
    nan: int


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What the shadow's log says of its gain over the baseline, and the truth: means over the questions of the stream.

    The truth is that of the policy as it was at each question: what it would have earned in the mean of its chance,
    which nobody in charge could know. `of_baseline` is what the baseline would have earned.
    """

    report: OffPolicyReport
    gain: float
    of_baseline: float
    nan: int


class _Learner:
    """The bandit's belief on its way through a stream."""

    def __init__(self, stream: Stream) -> None:
        start = stream.start or (nothing_seen(stream.contexts.shape[1]),) * len(stream.beliefs)
        self._stream = stream
        self._arms = [Arm(evidence, belief) for evidence, belief in zip(start, stream.beliefs, strict=True)]
        self.used = np.zeros(len(stream.contexts), np.intp)
        self.nan = 0
        self.believed: Posterior = posterior(stream.prior, tuple(self._arms))

    def scores(self, at: int) -> tuple[Floats, Floats]:
        means, covariance = self.believed.scores(self._stream.contexts[at])
        self.nan += int(not (np.isfinite(means).all() and np.isfinite(covariance).all()))
        return means, covariance

    def use(self, at: int, arm: int) -> None:
        """Use `arm` for question `at`, and learn from the batch that this may end."""
        stream, self.used[at] = self._stream, arm
        if (at + 1) % stream.delay and at + 1 < len(self.used):
            return
        for past in range(at - at % stream.delay, at + 1):
            index = self.used[past]
            before, reward = self._arms[index], float(stream.rewards[past, index])
            evidence = seen(before.evidence, stream.contexts[past], reward, stream.keep)
            self._arms[index] = Arm(evidence, before.prior_mean)
        self.believed = posterior(stream.prior, tuple(self._arms))


def thompson(stream: Stream, rng: np.random.Generator) -> Run:
    """Linear Thompson sampling in charge."""
    learner = _Learner(stream)
    for at in range(len(stream.contexts)):
        shares = drawn_shares(*learner.scores(at), stream.prior.scale, stream.draws, rng)
        learner.use(at, int(rng.choice(len(shares), p=shares)))
    return Run(learner.used, learner.nan)


def by_gain(stream: Stream, strong: int, share: float) -> Run:
    """A pair of which the `strong` arm may take a `share` of the calls: those of the largest expected gain.

    The bar is a quantile of the gains that were expected in this stream so far, moved by what was spent too much or too
    little: nothing of the future is known, and the share that is really spent is close to `share` in the end.
    """
    learner, gains, spent = _Learner(stream), list[float](), 0
    for at in range(len(stream.contexts)):
        means, _ = learner.scores(at)
        gain = float(means[strong] - means[1 - strong])
        bisect.insort(gains, gain)
        level = 1.0 - share - (share * (at + 1) - spent) / _PATIENCE
        bar = gains[min(max(int(level * (at + 1)), 0), at)]
        spent += int(gain >= bar)
        learner.use(at, strong if gain >= bar else 1 - strong)
    return Run(learner.used, learner.nan)


def shadow(stream: Stream, baseline: int, epsilon: float, rng: np.random.Generator) -> Shadowed:
    """The bandit behind a baseline that is in charge, and gives any arm alike a share `epsilon` of the calls.

    It learns from the rewards of the arms that were really used, whatever it would have used itself.
    """
    learner, sums, gain = _Learner(stream), OffPolicySums(), 0.0
    charge = explored(np.eye(len(stream.beliefs))[baseline], epsilon)
    for at in range(len(stream.contexts)):
        means, covariance = learner.scores(at)
        target = drawn_shares(means, covariance, stream.prior.scale, stream.draws, rng)
        arm, rewards = int(rng.choice(len(charge), p=charge)), stream.rewards[at]
        entry = Logged(
            used=float(charge[arm]),
            target=float(target[arm]),
            baseline=float(arm == baseline),
            reward=float(rewards[arm]),
            expected=float(means[arm]),
            expected_of_target=float(target @ means),
            expected_of_baseline=float(means[baseline]),
        )
        sums = logged(sums, entry)
        gain += float(target @ rewards - rewards[baseline])
        learner.use(at, arm)
    of_baseline = float(stream.rewards[:, baseline].mean())
    return Shadowed(off_policy_report(sums), gain / len(stream.contexts), of_baseline, learner.nan)
