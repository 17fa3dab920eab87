"""Which sentences stand for all: facility location, greedily (Lin and Bilmes, "A class of submodular functions for
document summarization", 2011; lazily evaluated after Minoux, 1978)."""

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def cover(similarity: Floats, worth: Floats, cost: Sequence[float] | Floats, floor: float) -> list[int]:
    """The positions of few cheap sentences that cover at least `floor` (0 to 1) of the rest, ascending.

    A set covers a sentence as well as the most similar one in it does: the sum of worth x highest `similarity` (n, n;
    below 0 counts as 0), as a share of what all sentences together reach. Each step takes the sentence that adds most
    for its `cost`. Sentences without cost or worth are never taken. The same input gives the same answer everywhere.
    """
    usable = (np.asarray(cost, dtype=float) > 0) & (worth > 0)
    near = np.maximum(similarity, 0.0)
    weights = np.where(usable, worth, 0.0)
    whole = float(near[usable].max(axis=0) @ weights) if usable.any() else 0.0
    if whole <= 0:
        return []
    best = np.zeros(len(weights))
    queue = [(-float(near[at] @ weights) / cost[at], at) for at in np.flatnonzero(usable).tolist()]
    heapq.heapify(queue)
    taken: list[int] = []
    covered = 0.0
    while queue and covered < floor * whole:
        _, at = heapq.heappop(queue)
        gain = float(np.maximum(near[at] - best, 0.0) @ weights)
        # Gains only fall as more is covered, so one that is still the first is the best.
        if queue and (-gain / cost[at], at) > queue[0]:
            heapq.heappush(queue, (-gain / cost[at], at))
            continue
        if gain <= 0:
            break
        taken.append(at)
        covered += gain
        np.maximum(best, near[at], out=best)
    return sorted(taken)
