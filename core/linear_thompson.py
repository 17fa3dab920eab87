"""Linear Thompson sampling over arms that have much in common: a Bayesian linear model for each, tied by a shared one.

    reward of arm a at context x = x . w_a + noise,    w_a = w + d_a,    w ~ N(0, shared), d_a ~ N(m_a, own)

`w` is what all arms share (how hard a question is), `d_a` what sets an arm apart. So an arm that was hardly tried is
judged by what the others met, and an informative prior costs no draws (a hierarchical linear model, Lindley and Smith
1972; hybrid linear bandits, Li et al. 2010; Thompson sampling of them, Agrawal and Goyal 2013). The full covariance of
all arms' weights is used: between features, and between arms.

What is kept of an arm is its `Evidence`: sums of x x' and of x * reward. They are made by single multiplications and
additions, each rounded by itself, so the same observations give the same bits on every machine. Everything else is
derived: an arm's precision matrix is prior plus evidence, and is factorised anew when the arm is observed. At the sizes
of a context that is cheaper than a rank-one update of a factor, and no error adds up.

Precisions are bounded below by the prior, contexts and rewards by `checked_context` and `checked_reward`: nothing here
becomes NaN.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.entities import State
from core.errors import BadInput

Floats = NDArray[np.float64]

MAX_DIMENSIONS = 256
# What a feature may be at most. Ours are below 10; sums of squares of this stay far from what a float64 can hold.
MAX_FEATURE = 1e3


class Prior(State, frozen=True):
    """What is believed before anything was seen.

    The first feature is the constant 1. `shared_bias_sd` and `own_bias_sd` are the standard deviations of its weight in
    w and in d_a; `shared_sd` and `own_sd` those of all other weights. `noise_sd` is that of a reward around its mean.
    A draw's deviation from the mean is multiplied by `scale`: below 1 explores less than the posterior would.
    """

    dimensions: int
    noise_sd: float = 0.4
    shared_bias_sd: float = 0.5
    own_bias_sd: float = 0.15
    shared_sd: float = 0.1
    own_sd: float = 0.03
    scale: float = 0.5

    def check(self) -> "Prior":
        """This prior. Raises BadInput, naming the field, where one is out of its range."""
        if not 1 <= self.dimensions <= MAX_DIMENSIONS:
            raise BadInput(f"A context of {self.dimensions} features.", f"Give it 1 to {MAX_DIMENSIONS}.")
        for name in ("noise_sd", "shared_bias_sd", "own_bias_sd", "shared_sd", "own_sd"):
            if not 1e-4 <= getattr(self, name) <= 1e2:
                raise BadInput(f"The prior's {name} is {getattr(self, name):g}.", "Give it 0.0001 to 100.")
        if not 0.0 <= self.scale <= 10.0:
            raise BadInput(f"The prior's scale is {self.scale:g}.", "Give it 0 to 10.")
        return self


class Evidence(State, frozen=True):
    """What was observed of one arm: `weight` observations (those that faded count less), and their sums.

    `gram` is the upper triangle of the sum of x x' by rows, `moment` the sum of x * reward; float64, little-endian.
    """

    weight: float
    gram: bytes
    moment: bytes


def nothing_seen(dimensions: int) -> Evidence:
    """The evidence of an arm that was never observed."""
    return Evidence(0.0, bytes(8 * (dimensions * (dimensions + 1) // 2)), bytes(8 * dimensions))


def seen(evidence: Evidence, context: Floats, reward: float, keep: float = 1.0) -> Evidence:
    """`evidence` times `keep`, and one observation more."""
    rows, columns = _triangle(len(context))
    gram = _floats(evidence.gram) * keep + context[rows] * context[columns]
    moment = _floats(evidence.moment) * keep + context * reward
    return Evidence(evidence.weight * keep + 1.0, gram.tobytes(), moment.tobytes())


def faded(evidence: Evidence, keep: float) -> Evidence:
    """`evidence` times `keep`."""
    gram, moment = _floats(evidence.gram) * keep, _floats(evidence.moment) * keep
    return Evidence(evidence.weight * keep, gram.tobytes(), moment.tobytes())


def evidence_of(contexts: Floats, rewards: Floats) -> Evidence:
    """The evidence of many observations at once: shapes (n, dimensions) and (n,)."""
    rows, columns = _triangle(contexts.shape[1])
    gram = contexts.T @ contexts
    return Evidence(float(len(rewards)), gram[rows, columns].tobytes(), (contexts.T @ rewards).tobytes())


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm as the model sees it: its evidence, and by how much it is believed better than others beforehand."""

    evidence: Evidence
    prior_mean: float = 0.0


@dataclass(frozen=True, slots=True)
class _OwnPart:
    """An arm given the shared weights w: its weights are N(offset + (covariance * own precision) w, covariance).

    `precision` and `information` are what the arm tells about w.
    """

    covariance: Floats
    offset: Floats
    precision: Floats
    information: Floats


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of some arms' weights together. Shapes: A arms, D features.

    Given the shared weights, arm a has the mean `offset[a] + pull[a] w` and the covariance `covariance[a]`; the shared
    ones have `shared_mean` (D,) and `shared_covariance` (D, D).
    """

    offset: Floats
    pull: Floats
    covariance: Floats
    shared_mean: Floats
    shared_covariance: Floats

    def scores(self, context: Floats) -> tuple[Floats, Floats]:
        """Mean (A,) and covariance (A, A) of the arms' expected rewards at `context` (D,)."""
        own = context @ self.covariance
        pulled = context @ self.pull
        covariance = pulled @ self.shared_covariance @ pulled.T
        covariance[np.diag_indices_from(covariance)] += np.maximum(own @ context, 0.0)
        return self.offset @ context + pulled @ self.shared_mean, covariance

    def weights(self) -> Floats:
        """The mean weights of each arm, shape (A, D)."""
        return self.offset + self.pull @ self.shared_mean


def posterior(prior: Prior, arms: tuple[Arm, ...]) -> Posterior:
    """What is believed of `arms` after their evidence."""
    shared, own = _precisions(prior)
    parts = [_own_part(prior, arm) for arm in arms]
    shared_covariance = _inverse(np.diag(shared) + np.sum([part.precision for part in parts], axis=0))
    covariance = np.array([part.covariance for part in parts])
    return Posterior(
        np.array([part.offset for part in parts]),
        covariance * own,
        covariance,
        shared_covariance @ np.sum([part.information for part in parts], axis=0),
        shared_covariance,
    )


def drawn_shares(means: Floats, covariance: Floats, scale: float, draws: int, rng: np.random.Generator) -> Floats:
    """The share of `draws` draws of the arms' expected rewards in which each arm was the best: adds up to 1.

    Whoever picks an arm by these shares does Thompson sampling, as one of the draws picked at random would, and the
    share is the exact probability of that pick. It estimates that of the ideal sampler with a standard error of
    `share_error`.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * (scale * np.sqrt(np.maximum(values, 0.0)))
    scores = means + rng.standard_normal((draws, len(means))) @ root.T
    return np.bincount(scores.argmax(axis=1), minlength=len(means)) / draws


def explored(shares: Floats, epsilon: float) -> Floats:
    """The probabilities of a pick by `shares` that goes to any arm alike in a share `epsilon` of the cases."""
    return (1.0 - epsilon) * shares + epsilon / len(shares)


def share_error(share: float, draws: int) -> float:
    """The standard error of a share of `draws` draws; never 0, as no finite number of draws makes sure."""
    smoothed = (share * draws + 0.5) / (draws + 1.0)
    return math.sqrt(smoothed * (1.0 - smoothed) / draws)


def checked_context(context: bytes, dimensions: int) -> Floats:
    """The features in `context` (float32, little-endian) as float64.

    Raises BadInput where they are of another number, not finite, beyond MAX_FEATURE, or do not begin with the constant
    1: all zero is no context.
    """
    if len(context) != 4 * dimensions:
        problem = f"The context has {len(context) / 4:g} features; this policy knows {dimensions}."
        raise BadInput(problem, "Compute it by the policy's feature version.")
    features = np.frombuffer(context, "<f4").astype(np.float64)
    # Not the other way round: NaN is neither above nor below anything.
    if not (np.abs(features) <= MAX_FEATURE).all():
        raise BadInput(f"A feature is not within {MAX_FEATURE:g}.", "Compute the context from a sound embedding.")
    if features[0] != 1.0:
        raise BadInput(f"The context begins with {features[0]:g}.", "Its first feature is the constant 1.")
    return features


def checked_reward(reward: float) -> float:
    """`reward`. Raises BadInput where it is not a number from 0 to 1."""
    if isinstance(reward, bool) or not isinstance(reward, int | float) or not 0.0 <= reward <= 1.0:
        raise BadInput(f"The reward {str(reward)[:40]} is not within 0 and 1.", "Scale it, or leave it out.")
    return float(reward)


# The memo is by value, so it changes no result; evidence is replaced, never altered. Its size holds a shard's policies.
@lru_cache(maxsize=512)
def _own_part(prior: Prior, arm: Arm) -> _OwnPart:
    _, own = _precisions(prior)
    per_variance = prior.noise_sd**-2.0
    rows, columns = _triangle(prior.dimensions)
    precision = np.empty((prior.dimensions, prior.dimensions))
    gram = _floats(arm.evidence.gram) * per_variance
    precision[rows, columns] = gram
    precision[columns, rows] = gram
    precision[np.diag_indices_from(precision)] += own
    covariance = _inverse(precision)
    believed = np.zeros(prior.dimensions)
    believed[0] = arm.prior_mean
    offset = covariance @ (own * believed + _floats(arm.evidence.moment) * per_variance)
    told = np.diag(own) - own[:, None] * covariance * own
    return _OwnPart(covariance, offset, told, own * (offset - believed))


@lru_cache(maxsize=64)
def _precisions(prior: Prior) -> tuple[Floats, Floats]:
    shared, own = np.full(prior.dimensions, prior.shared_sd), np.full(prior.dimensions, prior.own_sd)
    shared[0], own[0] = prior.shared_bias_sd, prior.own_bias_sd
    return shared**-2.0, own**-2.0


@lru_cache(maxsize=16)
def _triangle(dimensions: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.triu_indices(dimensions)
    return rows, columns


def _inverse(precision: Floats) -> Floats:
    """The inverse of a symmetric positive definite matrix by its Cholesky factor, exactly symmetric."""
    factor = np.linalg.inv(np.linalg.cholesky(precision))
    inverse: Floats = factor.T @ factor
    return inverse


def _floats(stored: bytes) -> Floats:
    return np.frombuffer(stored, "<f8")
