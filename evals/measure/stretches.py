"""The stretches of one long recording that a question is about, as many as a budget of tokens holds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# In passages. Talk about one thing goes on for some minutes: measured with `python -m evals trimming`, anything from 1
# to 1.5 does about as well.
_REACH = 1.2


def best_stretches(lexical: Sequence[float], dense: Sequence[float], tokens: Sequence[int], budget: int) -> list[int]:
    """The passages of a recording, in order of time, that matter most and have at most `budget` `tokens` together.

    `lexical` (BM25) and `dense` (cosine) judge each passage. Both are brought to one scale and added, and each passage
    is lent something by those around it, less the further away (a Gaussian over their distance): an answer seldom has a
    passage to itself, and a passage among others that fit is seldom beside the point. The best are taken in turn while
    they fit. Equal ones are taken in order of time.
    """
    own = _standard(np.asarray(lexical, dtype=float)) + _standard(np.asarray(dense, dtype=float))
    places = np.arange(len(own))
    lent = np.exp(-0.5 * ((places[:, None] - places) / _REACH) ** 2) @ own
    taken: list[int] = []
    for place in sorted(range(len(own)), key=lambda at: (-lent[at], at)):
        if tokens[place] <= budget:
            budget -= tokens[place]
            taken.append(place)
    return sorted(taken)


def _standard(scores: Floats) -> Floats:
    spread = float(scores.std()) if len(scores) else 0.0
    return (scores - scores.mean()) / spread if spread > 0 else np.zeros_like(scores)
