"""Prices, and what a stream of questions cost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput

Numbers = NDArray[np.float64]
TOKENS_PER_WORD = 1.25
"""A model's tokens for each word and punctuation mark of English."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, read and written."""

    read: float
    written: float

    def of(self, read: float, written: float) -> float:
        """US dollars for a call that reads and writes so many words and punctuation marks."""
        return TOKENS_PER_WORD * (read * self.read + written * self.written) / 1e6


@dataclass(frozen=True, slots=True)
class Bill:
    """For each question of a stream, what it cost in US dollars, and how good the answer was, 1 for the baseline.

    Questions of one `unit` are the same one, asked again.
    """

    usd: Numbers
    quality: Numbers
    unit: Sequence[str]


def read_prices(data: Path) -> Mapping[str, Price]:
    """The price list of a routing data set. Raises BadInput where there is none."""
    try:
        listed = json.loads((data / "prices.json").read_text(encoding="utf-8"))
        return {
            name: Price(float(it["input_usd_per_mtok"]), float(it["output_usd_per_mtok"]))
            for name, it in listed.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{data / 'prices.json'} cannot be read ({error!r})."
        raise BadInput(problem, "Give --data a directory with router/prices.json.") from error
