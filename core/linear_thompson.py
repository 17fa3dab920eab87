"""Linear Thompson sampling over arms that have much in common: a Bayesian linear model for each, tied by a shared one.

    reward of arm a at context x = x . w_a + noise,    w_a = w + d_a,    w ~ N(0, shared), d_a ~ N(m_a, own)

`w` is what all arms share (how hard a question is), `d_a` what sets an arm apart. So an arm that was hardly tried is
judged by what the others met, and an informative prior costs no draws (a hierarchical linear model, Lindley and Smith
1972; hybrid linear bandits, Li et al. 2010; Thompson sampling of them, Agrawal and Goyal 2013). The full covariance of
all arms' weights is used: between features, and between arms.

What is kept of an arm is its `Evidence`: sums of x x' and of x * reward. They are made by single multiplications and
additions, each rounded by itself, so the same observations give the same bits on every machine. Everything else is
derived: an arm's precision matrix is prior plus evidence, and is inverted anew when the arm was observed. At the size
of a context that takes 25 us, no error adds up, and evidence may fade while the prior does not, which no rank-one
update of a factor could follow.

Precisions are bounded below by the prior, contexts by `checked_context`, rewards are 0 to 1: nothing here becomes
NaN.
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
MAX_FEATURE = 100.0
_MAX_SUM = 1e12
# Of a matrix with ones on its diagonal: an eigenvalue below this is rounding.
_LEAST = 1e-9


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
            if not 1e-3 <= getattr(self, name) <= 10.0:
                raise BadInput(f"The prior's {name} is {getattr(self, name):g}.", "Give it 0.001 to 10.")
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
class Posterior:
    """What is believed of some arms' weights together. Shapes: A arms, D features.

    Given the shared weights w, those of arm a are N(offset[a] + covariance[a] (own w), covariance[a]), where `own` (D,)
    are the precisions of d. The shared ones are N(shared_mean, shared_covariance).
    """

    offset: Floats
    covariance: Floats
    own: Floats
    shared_mean: Floats
    shared_covariance: Floats

    def scores(self, context: Floats) -> tuple[Floats, Floats]:
        """Mean (A,) and covariance (A, A) of the arms' expected rewards at `context` (D,)."""
        spread = self.covariance @ context
        pulled = spread * self.own
        covariance = pulled @ self.shared_covariance @ pulled.T
        covariance.flat[:: len(covariance) + 1] += np.maximum(spread @ context, 0.0)
        return self.offset @ context + pulled @ self.shared_mean, covariance

    def weights(self) -> Floats:
        """The mean weights of each arm, shape (A, D)."""
        return self.offset + self.covariance @ (self.own * self.shared_mean)


def posterior(prior: Prior, arms: tuple[Arm, ...]) -> Posterior:
    """What is believed of `arms` after their evidence."""
    shared, own = _precisions(prior)
    parts = [_own_part(prior, arm) for arm in arms]
    covariance, offset = np.array([part[0] for part in parts]), np.array([part[1] for part in parts])
    # What the arms tell about w, each with its own weights integrated out: the precision own - own covariance own, and
    # own (offset - what was believed beforehand).
    precision = covariance.sum(axis=0) * -np.outer(own, own)
    precision.flat[:: len(own) + 1] += shared + len(arms) * own
    information = own * offset.sum(axis=0)
    information[0] -= own[0] * sum(arm.prior_mean for arm in arms)
    shared_covariance = _inverse(precision)
    return Posterior(offset, covariance, own, shared_covariance @ information, shared_covariance)


def drawn_shares(means: Floats, covariance: Floats, scale: float, draws: int, rng: np.random.Generator) -> Floats:
    """The share of `draws` draws of the arms' expected rewards in which each arm was the best: adds up to 1.

    Whoever picks an arm by these shares does Thompson sampling, as one of the draws picked at random would, and the
    share is the exact probability of that pick. It estimates that of the ideal sampler with a standard error of
    `share_error`.
    """
    try:
        root = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        # Definite, but for rounding: two arms of which the same is known.
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
    # Each deviation is drawn with its opposite: half the work, and steadier.
    deviations = rng.standard_normal(((draws + 1) // 2, len(means))) @ (scale * root.T)
    best = np.concatenate(((means + deviations).argmax(axis=1), (means - deviations).argmax(axis=1)))
    return np.bincount(best, minlength=len(means)) / len(best)


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


def checked_evidence(evidence: Evidence, prior: Prior) -> Evidence:
    """`evidence`. Raises BadInput where it is no sum of observations of the prior's dimensions."""
    size = prior.dimensions
    fits = len(evidence.moment) == 8 * size and len(evidence.gram) == 4 * size * (size + 1)
    problem = f"Evidence to start with is not of {size} features, not finite, or too large."
    if not fits or not 0.0 <= evidence.weight <= _MAX_SUM:
        raise BadInput(problem, "Make it anew: python -m evals router_prior.")
    if not all((np.abs(_floats(part)) <= _MAX_SUM).all() for part in (evidence.gram, evidence.moment)):
        raise BadInput(problem, "Make it anew: python -m evals router_prior.")
    try:
        np.linalg.cholesky(_precision(prior, evidence))
    except np.linalg.LinAlgError as error:
        raise BadInput("Evidence to start with is no sum of squares.", "Make it anew.") from error
    return evidence


# The memo is by value, so it changes no result; evidence is replaced, never altered. Its size holds a shard's policies.
@lru_cache(maxsize=512)
def _own_part(prior: Prior, arm: Arm) -> tuple[Floats, Floats]:
    """The covariance (D, D) of an arm's weights given the shared ones, and their mean (D,) where those are 0."""
    information = _floats(arm.evidence.moment) * prior.noise_sd**-2.0
    information[0] += prior.own_bias_sd**-2.0 * arm.prior_mean
    covariance = _inverse(_precision(prior, arm.evidence))
    return covariance, covariance @ information


def _precision(prior: Prior, evidence: Evidence) -> Floats:
    """The precision (D, D) of an arm's weights given the shared ones."""
    _, own = _precisions(prior)
    precision: Floats = (_floats(evidence.gram) * prior.noise_sd**-2.0)[_square(prior.dimensions)]
    precision.flat[:: prior.dimensions + 1] += own
    return precision


@lru_cache(maxsize=64)
def _precisions(prior: Prior) -> tuple[Floats, Floats]:
    shared, own = np.full(prior.dimensions, prior.shared_sd), np.full(prior.dimensions, prior.own_sd)
    shared[0], own[0] = prior.shared_bias_sd, prior.own_bias_sd
    return shared**-2.0, own**-2.0


@lru_cache(maxsize=16)
def _triangle(dimensions: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.triu_indices(dimensions)
    return rows, columns


@lru_cache(maxsize=16)
def _square(dimensions: int) -> NDArray[np.intp]:
    """Where each number of a symmetric matrix stands in its upper triangle."""
    rows, columns = _triangle(dimensions)
    square = np.empty((dimensions, dimensions), np.intp)
    square[rows, columns] = square[columns, rows] = np.arange(len(rows))
    return square


def _inverse(precision: Floats) -> Floats:
    """The inverse of a positive definite matrix; where rounding has made it another, that of the nearest one."""
    try:
        inverse = np.asarray(np.linalg.inv(precision), np.float64)
        if inverse.diagonal().min() > 0.0:
            return inverse
    except np.linalg.LinAlgError:
        pass
    # With ones on the diagonal, so that features of very different sizes count the same.
    sizes = np.sqrt(np.maximum(precision.diagonal(), 1e-12))
    values, vectors = np.linalg.eigh(precision / np.outer(sizes, sizes))
    return np.asarray((vectors / np.maximum(values, _LEAST)) @ vectors.T / np.outer(sizes, sizes), np.float64)


def _floats(stored: bytes) -> Floats:
    return np.frombuffer(stored, "<f8")
