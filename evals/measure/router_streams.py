"""Streams of questions through the bandit that the product runs: one pass, each reward known for the arm used alone."""

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
    nothing_seen,
    posterior,
    seen,
)

Order = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Stream:
    """Contexts (questions, features) and rewards (questions, arms), both in the order of the stream, and its beginning.

    A reward comes `delay` questions after its decision, with those of its batch.
    """

    contexts: Floats
    rewards: Floats
    prior: Prior
    beliefs: tuple[float, ...]
    start: tuple[Evidence, ...] = ()
    keep: float = 1.0
    draws: int = 128
    delay: int = 1

    def arms(self) -> list[Arm]:
        start = self.start or (nothing_seen(self.contexts.shape[1]),) * len(self.beliefs)
        return [Arm(evidence, belief) for evidence, belief in zip(start, self.beliefs, strict=True)]


def thompson(stream: Stream, rng: np.random.Generator) -> NDArray[np.intp]:
    """The arm that linear Thompson sampling used for each question."""
    arms, used = stream.arms(), np.empty(len(stream.contexts), np.intp)
    believed = posterior(stream.prior, tuple(arms))
    for at, context in enumerate(stream.contexts):
        shares = drawn_shares(*believed.scores(context), stream.prior.scale, stream.draws, rng)
        used[at] = rng.choice(len(arms), p=shares)
        believed = _learned(stream, arms, believed, at, used)
    return used


def by_gain(stream: Stream, strong: int, share: float) -> NDArray[np.intp]:
    """The arm used of a pair when a `share` of the calls may go to the `strong` one: those of the largest expected gain.

    The bar is the quantile of the gains that were expected in this stream so far, moved by what was spent too much or
    too little: nothing of the future is known. The share that was really spent is within 0.01 of `share` after some
    hundreds of questions.
    """
    arms, used = stream.arms(), np.empty(len(stream.contexts), np.intp)
    believed = posterior(stream.prior, tuple(arms))
    gains: list[float] = []
    spent = 0
    for at, context in enumerate(stream.contexts):
        means = believed.weights() @ context
        gains.append(float(means[strong] - means[1 - strong]))
        owed = share * (at + 1) - spent
        level = float(np.clip(1.0 - share - owed / 50.0, 0.0, 1.0))
        bar = float(np.partition(gains, min(int(level * at), at))[min(int(level * at), at)])
        used[at] = strong if gains[-1] >= bar and owed > 0.0 else 1 - strong
        spent += int(used[at] == strong)
        believed = _learned(stream, arms, believed, at, used)
    return used


def _learned(
    stream: Stream, arms: list[Arm], believed: Posterior, at: int, used: NDArray[np.intp]
) -> Posterior:
    """What is believed after question `at`: the rewards of a batch come together, when its last one is answered."""
    if (at + 1) % stream.delay and at + 1 < len(used):
        return believed
    for past in range(at + 1 - stream.delay if stream.delay > 1 else at, at + 1):
        arm = arms[used[past]]
        reward = float(stream.rewards[past, used[past]])
        arms[used[past]] = Arm(seen(arm.evidence, stream.contexts[past], reward, stream.keep), arm.prior_mean)
    return posterior(stream.prior, tuple(arms))
