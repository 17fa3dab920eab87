"""The context of a routing decision: what is known of a question before any model has seen it, as 33 numbers.

A constant, the embedding of the question projected to 20 numbers, 8 signs of the text, who asks and at what time of
day. The projection is a principal component analysis that is committed; a direction that varies less counts less, so
the prior shrinks it more. No feature comes from Python's salted `hash()`.

A posterior means something only for the features that it was learned with. `feature_version` names them: the code of
this file and the bits of the projection. Change `LAYOUT` with any change of a feature.
"""

import hashlib
import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput

LAYOUT = "1"
PROJECTED = 20
FEATURES = 1 + PROJECTED + 8 + 2 + 2
_DAY_S = 86_400.0
# Long enough for every sign; what a person pastes may be a book.
_READ_CHARS = 20_000
_LIMIT = 4.0
_OPTION = re.compile(r"^\s*\(?[A-H1-9][.)]\s", re.MULTILINE)
_MATHS = frozenset("\\$={}^+*/<>")


@dataclass(frozen=True, slots=True)
class Projection:
    """From an embedding (E,) to `(embedding - mean) @ matrix` (PROJECTED,); float32, shapes (E,) and (E, PROJECTED)."""

    mean: NDArray[np.float32]
    matrix: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Raises BadInput where the parts don't fit or hold what is no finite number."""
        if self.mean.ndim != 1 or self.matrix.shape != (len(self.mean), PROJECTED):
            problem = f"A projection of the shapes {self.mean.shape} and {self.matrix.shape}."
            raise BadInput(problem, "Fit it anew: python -m evals router_prior.")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.matrix).all()):
            raise BadInput("A projection holds numbers that are not finite.", "Fit it anew.")

    @property
    def feature_version(self) -> str:
        """Names what the features mean; another one is another past."""
        digest = hashlib.sha256(np.ascontiguousarray(self.mean, "<f4").tobytes())
        digest.update(np.ascontiguousarray(self.matrix, "<f4").tobytes())
        return f"{LAYOUT}-{digest.hexdigest()[:16]}"


def context_of(
    projection: Projection, embedding: NDArray[np.floating], text: str, tenant: str = "", at: float | None = None
) -> bytes:
    """The context of one question: FEATURES float32, little-endian.

    `embedding` is the question's, of any length but 0. An empty `tenant` and a time `at` (unix s) of None are left out.
    Raises BadInput where the embedding has other dimensions than the projection, is all zero, or is not finite.
    """
    vector = np.asarray(embedding, dtype=np.float64)
    if vector.shape != projection.mean.shape:
        problem = f"The embedding has the shape {vector.shape}, the routing projection takes {projection.mean.shape}."
        raise BadInput(problem, "Fit a projection for this embedding model: python -m evals router_prior.")
    largest = float(np.abs(vector).max(initial=0.0))
    if not 0.0 < largest < math.inf:
        raise BadInput("The embedding is all zero, or holds what is no finite number.", "Embed the question again.")
    # By the largest first: the square of a huge number is infinite, that of a tiny one 0.
    vector = vector / largest
    vector = vector / math.sqrt(float(vector @ vector))
    projected = (vector - projection.mean) @ projection.matrix.astype(np.float64)
    features = np.concatenate(([1.0], projected, _signs(text[:_READ_CHARS]), _signs_of_tenant(tenant), _day(at)))
    return np.clip(features, -_LIMIT, _LIMIT).astype("<f4").tobytes()


def _signs(text: str) -> list[float]:
    """Eight signs of a text, each about -1 to 1."""
    length = max(len(text), 1)
    digits = sum(char.isdigit() for char in text)
    symbols = sum(not char.isalnum() and not char.isspace() for char in text)
    return [
        math.log1p(len(text)) / 4.0 - 1.5,
        5.0 * digits / length,
        5.0 * symbols / length - 0.3,
        float("\n" in text),
        math.log1p(len(_OPTION.findall(text))),
        float(text[:1].isupper()),
        20.0 * sum(char in _MATHS for char in text) / length,
        math.log1p(digits) / 2.0,
    ]


def _signs_of_tenant(tenant: str) -> tuple[float, float]:
    """Two signs by a stable hash: tenants share a policy, and differ a little."""
    if not tenant:
        return 0.0, 0.0
    first, second = hashlib.sha256(tenant.encode("utf-8", "surrogatepass")).digest()[:2]
    return (1.0 if first & 1 else -1.0), (1.0 if second & 1 else -1.0)


def _day(at: float | None) -> tuple[float, float]:
    """The time of day (UTC) as a point on a circle: midnight is near 23:59."""
    if at is None or not math.isfinite(at):
        return 0.0, 0.0
    angle = 2.0 * math.pi * ((at % _DAY_S) / _DAY_S)
    return math.sin(angle), math.cos(angle)
