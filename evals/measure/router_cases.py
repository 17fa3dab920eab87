"""A set of outcomes as the routing evaluation replays it: contexts, rewards at a price, and an honest beginning."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.linear_thompson import Evidence, Floats, Prior, nothing_seen
from core.routing_context import FEATURES
from core.routing_rewards import price_belief
from deployments.routing_prior import OfflineEvidence
from evals.measure.router_streams import Stream

PRIOR = Prior(FEATURES)
# An arm's memory is its last 2,000 observations: the product's default.
KEEP = 0.9995


@dataclass(frozen=True, slots=True)
class Case:
    """`known` are the rows that `learned` was fitted on; rows of the same `group` hold the same question."""

    arms: tuple[str, ...]
    contexts: Floats
    quality: Floats
    prices: Floats
    groups: NDArray[np.int64]
    known: NDArray[np.bool_]
    learned: OfflineEvidence | None

    @property
    def costs(self) -> Floats:
        """Of each arm, from the cheapest (0) to the dearest (1)."""
        width = float(self.prices.max() - self.prices.min())
        return (self.prices - self.prices.min()) / width if width > 0.0 else np.zeros(len(self.prices))

    def utility(self, price: float) -> Floats:
        """Quality - `price` * cost, shape (rows, arms)."""
        return self.quality - price * self.costs

    def rewards(self, price: float) -> Floats:
        """The utility as a reward, 0 to 1."""
        return (self.utility(price) + price) / (1.0 + price)

    def stream(self, rows: NDArray[np.intp], price: float, *, warm: bool, delay: int = 1) -> Stream:
        """The stream of `rows`. A warm one begins with what was learned from all other questions."""
        added = price * (1.0 - self.costs) / (1.0 + price)
        lowest, highest = float(self.prices.min()), float(self.prices.max())
        believed = [price_belief(float(one), lowest, highest) / (1.0 + price) for one in self.prices]
        # What an arm costs is known beforehand, and so part of the belief.
        beliefs = tuple(float(belief + cheap - added.min()) for belief, cheap in zip(believed, added, strict=True))
        start = self._start(rows, 1.0 / (1.0 + price), added) if warm else ()
        return Stream(self.contexts[rows], self.rewards(price)[rows], PRIOR, beliefs, start, KEEP, delay=delay)

    def halves(self, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
        """A shuffle of the rows to run warm: all of them, or two halves of the questions where any row is known."""
        order = rng.permutation(len(self.contexts))
        if not self.known.any():
            yield order
            return
        side = rng.random(int(self.groups.max()) + 1) < 0.5
        for half in (True, False):
            yield order[side[self.groups[order]] == half]

    def _start(self, rows: NDArray[np.intp], share: float, added: Floats) -> tuple[Evidence, ...]:
        if self.learned is None:
            return ()
        own = rows[self.known[rows]]
        there = [arm in self.arms for arm in self.learned.arms]
        quality = np.zeros((len(own), len(there)))
        quality[:, there] = self.quality[own][
            :, [self.arms.index(arm) for arm in self.learned.arms if arm in self.arms]
        ]
        learned = self.learned.without(self.contexts[own], quality)
        return tuple(
            learned.evidence(arm, share, float(constant)) if arm in learned.arms else nothing_seen(FEATURES)
            for arm, constant in zip(self.arms, added, strict=True)
        )
