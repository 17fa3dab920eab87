"""How probably a cached answer is the right one: a logistic model over `core.answer_cache_index.FEATURES`.

It sees each feature, and each product of two. Its coefficients are fitted beforehand on pairs of questions whose
answers are known (`python -m evals cache_prior`) and committed as `core.answer_cache_prior`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput

# Features this many standard deviations out say no more than that they are far out.
_FARTHEST = 4.0


def products(standard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each column of `standard`, shape (rows, features), then each product of two of them, squares included."""
    count = standard.shape[1]
    pairs = list(combinations_with_replacement(range(count), 2))
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    return np.concatenate([standard, standard[:, first] * standard[:, second]], axis=1)


def standardised(
    features: NDArray[np.float64], means: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`features` in standard deviations from their means, none farther than four."""
    return np.clip((features - means) / scales, -_FARTHEST, _FARTHEST)


@dataclass(frozen=True)
class Verifier:
    """The fitted model. `weights` has one value for each column of `products`."""

    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float
    # Shares of look-ups by the bin of their best score, as `core.hit_bounds` counts them.
    scores: tuple[float, ...]

    @classmethod
    def of(
        cls,
        means: Sequence[float],
        scales: Sequence[float],
        weights: Sequence[float],
        intercept: float,
        scores: Sequence[float],
    ) -> "Verifier":
        """The model of these coefficients. Raises BadInput where their numbers don't fit together."""
        count = len(means)
        if len(scales) != count or len(weights) != count + count * (count + 1) // 2:
            raise BadInput("The verifier's coefficients don't fit together.", "Run python -m evals cache_prior.")
        arrays = [np.asarray(values, np.float64) for values in (means, scales, weights)]
        return cls(arrays[0], arrays[1], arrays[2], intercept, tuple(scores))

    def logits(self, features: Sequence[Sequence[float]]) -> list[float]:
        """The logit of P(right) for each row of features."""
        if not features:
            return []
        rows = standardised(np.asarray(features, np.float64), self.means, self.scales)
        logits: list[float] = (products(rows) @ self.weights + self.intercept).tolist()
        return logits
