"""When a cached answer may be served: thresholds that are learned online, so that few hits are wrong.

In the manner of vCache (Schroeder et al., 2025): a logistic model of P(right | score), a conservative reading of it,
and a share of hits that are asked anyway. Unlike there, the model is pooled over all entries of a tenant: the score is
the logit of a verifier (`core.answer_cache_verifier`) that was fitted beforehand, and what is learned is how far to
trust it here. So a few dozen labels do what each entry would otherwise need for itself.

The promise: of the answers that are served, at most the share `delta` is wrong in expectation, by the model's lower
bound. Labels are what a running system has: whenever the model was asked, because of a miss or of an audit, its answer
is compared with the one that the cache would have given. A hit that was not audited teaches nothing.
"""

import math
from collections.abc import Sequence

from msgspec.structs import replace

from core.entities import State

# Bins of the score; the first and the last are open.
BIN_WIDTH = 0.25
BINS = 32
_Z_95 = 1.959963985
# How surely the verifier's logits hold for another tenant than those that it was fitted on: precisions, 1 / variance,
# of their slope (0.25 either way) and their offset (1 either way).
_SLOPE_PRECISION = 16.0
_OFFSET_PRECISION = 1.0
# How much the scores of the prior count, in look-ups.
_PRIOR_LOOK_UPS = 200.0
_FORGETTING = 0.995
_LEAST_AUDITS = 10.0


class HitBounds(State, frozen=True, gc=False):
    """What was learned of one tenant's look-ups.

    P(right) = sigmoid(slope * score + offset); the precision matrix of (slope, offset) is given by its three values.
    `scores` counts look-ups by the bin of their best candidate's score. `audits` of would-be hits, and how many of them
    were wrong, fade: the last 200 count.
    """

    slope: float = 1.0
    offset: float = 0.0
    slope_precision: float = _SLOPE_PRECISION
    cross_precision: float = 0.0
    offset_precision: float = _OFFSET_PRECISION
    scores: tuple[float, ...] = ()
    audits: float = 0.0
    audits_wrong: float = 0.0


def learned(bounds: HitBounds, score: float, right: bool) -> HitBounds:
    """The bounds after the model was asked, and its answer found equal to the candidate's, or not.

    One Newton step on the posterior of a logistic regression with a Gaussian prior (Laplace approximation, online).
    What scores below 0 is never served, and would only bend the line where nothing is decided: it teaches nothing.
    """
    if score < 0.0:
        return bounds
    score = _clipped(score)
    chance = probability_of(bounds.slope * score + bounds.offset)
    weight = chance * (1.0 - chance)
    slope_precision = bounds.slope_precision + weight * score * score
    cross = bounds.cross_precision + weight * score
    offset_precision = bounds.offset_precision + weight
    surprise = float(right) - chance
    determinant = slope_precision * offset_precision - cross * cross
    slope = bounds.slope + surprise * (offset_precision * score - cross) / determinant
    offset = bounds.offset + surprise * (slope_precision - cross * score) / determinant
    return replace(
        bounds,
        # A falling curve would trust what is least alike.
        slope=max(slope, 0.1),
        offset=offset,
        slope_precision=slope_precision,
        cross_precision=cross,
        offset_precision=offset_precision,
    )


def seen(bounds: HitBounds, score: float) -> HitBounds:
    """The bounds after one more look-up with this best score."""
    scores = list(bounds.scores or (0.0,) * BINS)
    scores[_bin(score)] += 1.0
    return replace(bounds, scores=tuple(scores))


def audited(bounds: HitBounds, right: bool) -> HitBounds:
    """The bounds after a would-be hit was asked anyway."""
    wrong = bounds.audits_wrong * _FORGETTING + (not right)
    return replace(bounds, audits=bounds.audits * _FORGETTING + 1.0, audits_wrong=wrong)


def lower_probability(bounds: HitBounds, score: float, caution: float) -> float:
    """P(right) at `score`, less `caution` standard errors of the logit."""
    score = _clipped(score)
    a, c, b = bounds.slope_precision, bounds.cross_precision, bounds.offset_precision
    variance = (b * score * score - 2.0 * c * score + a) / (a * b - c * c)
    return probability_of(bounds.slope * score + bounds.offset - caution * math.sqrt(max(variance, 0.0)))


def threshold(bounds: HitBounds, delta: float, caution: float, prior_scores: Sequence[float]) -> float:
    """The least score at which to serve; infinity while nothing may be.

    Lowered bin by bin, as long as the expected share of wrong answers among all look-ups above stays within `delta`.
    Whether the audits allow any of it is `halted`'s to say.
    `prior_scores` are shares of `BINS` bins, which stand in for look-ups that are yet to come.
    """
    expected, looked, least = 0.0, 0.0, math.inf
    own = bounds.scores or (0.0,) * BINS
    for place in range(BINS - 1, -1, -1):
        edge = place * BIN_WIDTH
        count = own[place] + _PRIOR_LOOK_UPS * prior_scores[place]
        wrong = 1.0 - lower_probability(bounds, edge + BIN_WIDTH / 2, caution)
        if expected + count * wrong > delta * (looked + count) or wrong > 0.5:
            break
        expected, looked, least = expected + count * wrong, looked + count, edge
    return least


def halted(bounds: HitBounds, delta: float) -> bool:
    """Whether the audits say, surely, that more than `delta` are wrong: then nothing is served, and all is audited."""
    return bounds.audits >= _LEAST_AUDITS and interval(bounds.audits_wrong, bounds.audits)[0] > delta


def audit_probability(bounds: HitBounds, least: float) -> float:
    """How probably a would-be hit is asked anyway: 1 in 10 at first, then ever fewer, and never below `least`."""
    return max(least, 1.0 / (_LEAST_AUDITS + bounds.audits))


def interval(wrong: float, count: float) -> tuple[float, float]:
    """The 95 % interval of a share: Wilson's (1927), which is right for few and for none too."""
    if count <= 0.0:
        return 0.0, 1.0
    share, z2 = wrong / count, _Z_95 * _Z_95
    centre = share + z2 / (2.0 * count)
    half = _Z_95 * math.sqrt(share * (1.0 - share) / count + z2 / (4.0 * count * count))
    scale = 1.0 + z2 / count
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def _bin(score: float) -> int:
    return min(max(int(score / BIN_WIDTH), 0), BINS - 1)


def _clipped(score: float) -> float:
    return min(max(score, -BINS * BIN_WIDTH), BINS * BIN_WIDTH)


def probability_of(logit: float) -> float:
    """The probability of a logit."""
    return 1.0 / (1.0 + math.exp(-min(max(logit, -60.0), 60.0)))
