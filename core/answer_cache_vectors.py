"""The vectors of a cache's entries: the nearest by cosine, in one product over all, or by a rough look first."""

import numpy as np
from numpy.typing import NDArray

# Below this one product over everything is as fast as anything else.
_ROUGH_FROM = 2_048
_ROUGH_DIMENSIONS = 48
_RESCORED = 384
_FIRST_ROWS = 64


class EntryVectors:
    """Vectors of length 1 by entry id.

    From `_ROUGH_FROM` entries on a search first looks at their `_ROUGH_DIMENSIONS` strongest principal components, and
    computes the cosines of the `_RESCORED` best exactly: it reads an eighth of the memory. The components are computed
    anew whenever the number of entries has doubled.
    """

    def __init__(self, dimensions: int) -> None:
        self._rows = np.zeros((_FIRST_ROWS, dimensions), np.float32)
        self._ids: list[str] = []
        self._place: dict[str, int] = {}
        self._basis: NDArray[np.float32] | None = None
        self._rough = np.zeros((0, _ROUGH_DIMENSIONS), np.float32)
        self._based_on = 0

    def add(self, entry_id: str, vector: NDArray[np.float32]) -> None:
        """Add a vector of an entry that is not there."""
        count = len(self._ids)
        if count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[count] = vector
        self._ids.append(entry_id)
        self._place[entry_id] = count
        if self._basis is not None:
            if count >= len(self._rough):
                self._rough = np.concatenate([self._rough, np.zeros_like(self._rough)])
            self._rough[count] = vector @ self._basis

    def take_out(self, entry_id: str) -> NDArray[np.float32]:
        """Take an entry's vector out, and return it. The last one moves to its place."""
        place, last = self._place.pop(entry_id), len(self._ids) - 1
        vector: NDArray[np.float32] = self._rows[place].copy()
        if place != last:
            self._rows[place] = self._rows[last]
            if self._basis is not None:
                self._rough[place] = self._rough[last]
            self._ids[place] = self._ids[last]
            self._place[self._ids[place]] = place
        self._ids.pop()
        return vector

    def nearest(self, vector: NDArray[np.float32], count: int) -> tuple[list[str], NDArray[np.float32]]:
        """The ids and cosines of the `count` nearest entries, nearest first; of equals the older first."""
        size = len(self._ids)
        if size < _ROUGH_FROM:
            cosines = self._rows[:size] @ vector
            places = _best(cosines, count)
            return [self._ids[place] for place in places], cosines[places]
        if self._basis is None or size >= 2 * self._based_on:
            self._base(size)
        assert self._basis is not None
        rough = self._rough[:size] @ (vector @ self._basis)
        likely = np.sort(np.argpartition(-rough, _RESCORED - 1)[:_RESCORED])
        cosines = self._rows[likely] @ vector
        places = _best(cosines, count)
        return [self._ids[place] for place in likely[places]], cosines[places]

    def _base(self, size: int) -> None:
        # A sample does: what is looked for are directions that most vectors share.
        sample = self._rows[: size : max(1, size // 4_096)].astype(np.float64)
        _, directions = np.linalg.eigh(sample.T @ sample)
        self._basis = np.ascontiguousarray(directions[:, -_ROUGH_DIMENSIONS:], np.float32)
        self._rough = np.zeros((len(self._rows), _ROUGH_DIMENSIONS), np.float32)
        self._rough[:size] = self._rows[:size] @ self._basis
        self._based_on = size


def _best(cosines: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """The places of the `count` highest, highest first; of equals the first."""
    if count < len(cosines):
        likely = np.sort(np.argpartition(-cosines, count - 1)[:count])
        return likely[np.argsort(-cosines[likely], kind="stable")]
    return np.argsort(-cosines, kind="stable")
