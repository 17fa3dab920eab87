"""Outcomes of several models on the same prompts: reading them, and their contexts as routing computes them."""

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput
from core.linear_thompson import Floats
from core.ports import Vectors
from core.routing_context import Projection, context_of

Encode: TypeAlias = Callable[[Sequence[str]], Vectors]

NINE, PAIR, TWO = "nine_models", "pair_gpt4_mixtral", "two_models_tokens"
_NORMAL = re.compile(r"[^a-z0-9]+")
_ENCODED_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Questions, arms by name, the quality (questions, arms) of each, 0 to 1, and prices (USD a million tokens out)."""

    name: str
    questions: tuple[str, ...]
    arms: tuple[str, ...]
    quality: Floats
    prices: Floats

    @property
    def numbers(self) -> NDArray[np.uint64]:
        """The `question_number` of each question."""
        return np.array([question_number(text) for text in self.questions], np.uint64)


def question_number(text: str) -> int:
    """The same for the same question, whatever its case, spaces and punctuation."""
    return int.from_bytes(hashlib.sha256(_NORMAL.sub(" ", text.lower()).strip().encode()).digest()[:8], "big")


def read_outcomes(data: Path, name: str) -> Outcomes:
    """The file `name` of a data set. Raises BadInput where it is not there or of another form."""
    rows, prices = _rows(data, name), _prices(data)
    try:
        field = "score" if "score" in rows[0] else "correct"
        arms = tuple(sorted(rows[0][field]))
        # A few scores are a hair below 0: as rewards they are 0.
        quality = np.clip(np.array([[float(row[field][arm]) for arm in arms] for row in rows]), 0.0, 1.0)
        costs = np.array([float(prices[arm]["output_usd_per_mtok"]) for arm in arms])
        questions = tuple(str(row["question"]) for row in rows)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f"{name} in {data} has rows of another form ({error!r}).", "Fetch the data set again."
        ) from error
    if len(arms) < 2 or not np.isfinite(quality).all():
        raise BadInput(f"{name} in {data} has one arm only, or scores that are no numbers.", "Fetch it again.")
    return Outcomes(name, questions, arms, quality, costs)


def encoded(texts: Sequence[str], encode: Encode) -> Vectors:
    """The embeddings of `texts`, a few at a time: memory stays small."""
    starts = range(0, len(texts), _ENCODED_AT_ONCE)
    return np.concatenate([encode(texts[start : start + _ENCODED_AT_ONCE]) for start in starts])


def contexts_of(projection: Projection, vectors: Vectors, texts: Sequence[str]) -> Floats:
    """The contexts of questions without a tenant or a time, shape (questions, FEATURES)."""
    rows = [context_of(projection, vector, text) for vector, text in zip(vectors, texts, strict=True)]
    return np.frombuffer(b"".join(rows), "<f4").reshape(len(rows), -1).astype(np.float64)


def _rows(data: Path, name: str) -> list[dict[str, Any]]:
    path = next((path for end in (".jsonl.gz", ".jsonl") if (path := data / f"{name}{end}").is_file()), None)
    if path is None:
        raise BadInput(f"There is no {name}.jsonl.gz in {data}.", "Give --data a directory of outcomes of models.")
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        # Not by `splitlines`: a question may hold a line separator.
        rows = [json.loads(line) for line in raw.decode().split("\n") if line.strip()]
    except (ValueError, EOFError, gzip.BadGzipFile) as error:
        raise BadInput(f"{path} cannot be read ({error!r}).", "Fetch the data set again.") from error
    if not rows:
        raise BadInput(f"{path} is empty.", "Fetch the data set again.")
    return rows


def _prices(data: Path) -> Mapping[str, Any]:
    try:
        prices: Mapping[str, Any] = json.loads((data / "prices.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"The prices.json of {data} cannot be read ({error!r}).", "Fetch it again.") from error
    return prices
