"""A conversation's history as the next model sees it: the latest turns whole, of the earlier ones what matters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.coverage import cover
from core.fillers import without_fillers
from core.lines import Floats, cosines_of
from core.trimming import QUALITY_FLOOR, support
from core.words import content_stems, count_tokens

LATEST = 2


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said, as sentences in order. `role` is user or assistant, as chat models name them."""

    role: str
    sentences: tuple[str, ...]


def trim_history(
    question: str, turns: Sequence[Turn], vectors: Floats, asked: Floats, floor: float = QUALITY_FLOOR
) -> tuple[Turn, ...]:
    """The turns in order, the `LATEST` of them word for word; a turn of which nothing is left goes.

    `vectors` (all sentences of all turns in order, dimensions) and `asked` (dimensions,) are of the embedding model. A
    sentence of an earlier turn is worth its support for the question (`core.trimming.support`) times the subjects that
    it has, and the cheapest sentences stay that cover `floor` of the worth of all, the latest turns' for nothing.
    Raises ValueError where there is not one vector for each sentence.
    """
    texts = [text for turn in turns for text in turn.sentences]
    if len(vectors) != len(texts):
        raise ValueError(f"{len(vectors)} vectors for {len(texts)} sentences")
    owners = [number for number, turn in enumerate(turns) for _ in turn.sentences]
    whole = [owner >= len(turns) - LATEST for owner in owners]
    left = [text if is_whole else without_fillers(text) for text, is_whole in zip(texts, whole, strict=True)]
    near = cosines_of(np.vstack([asked[None, :], vectors]))
    scores = np.maximum(support(question, left, near[0, 1:].tolist()), 0.0)
    worth = scores * np.minimum([len(content_stems(text)) for text in left], 3)
    # What is sent anyway covers its part before anything else is chosen.
    cost = [1e-9 if is_whole else float(count_tokens(text)) for text, is_whole in zip(left, whole, strict=True)]
    chosen = set(cover(near[1:, 1:], np.where(whole, np.maximum(worth, 1e-9), worth), cost, floor))
    kept: list[Turn] = []
    for number, turn in enumerate(turns):
        said = tuple(left[at] for at, owner in enumerate(owners) if owner == number and (whole[at] or at in chosen))
        if said or number >= len(turns) - LATEST:
            kept.append(replace(turn, sentences=said))
    return tuple(kept)
