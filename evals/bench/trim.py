"""Trimming what a search found, beside scoring the same sentences with the embedding model when the question comes.

Both sides take the same `contexts` in turn in each round: the first 8 passages from some place of a meeting, with one
of its questions. Ours works on the vectors that were stored at ingest, and no sentence was seen before; the other side
embeds the sentences and takes their cosines with the question. Milliseconds for 1,000 tokens (words and punctuation
marks) on all cores; what a reader of the prompt saves is not counted.
"""

import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import BadInput
from core.fillers import without_fillers
from core.messages import Hit
from core.trimming import select
from core.words import count_tokens
from evals.measure.spread import percentile, spread
from evals.retrieval import Encode, Meeting, packaged_encoder, read_meetings

_OWN = Path(__file__).parent.parent / "data" / "qmsum"
_PASSAGES = 8


@dataclass(frozen=True, slots=True)
class _Context:
    question: str
    hits: tuple[Hit, ...]

    @property
    def texts(self) -> list[str]:
        return [sentence.text for hit in self.hits for sentence in hit.passage.sentences]


def run(data: Path = _OWN, *, contexts: int = 12, rounds: int = 5, seed: int = 0) -> Mapping[str, object]:
    """Load the packaged model, embed the contexts as ingest does, measure both sides."""
    with tempfile.TemporaryDirectory() as folder:
        return measure(read_meetings(data, markers=True), packaged_encoder(Path(folder)), contexts, rounds, seed)


def measure(meetings: Sequence[Meeting], encode: Encode, contexts: int, rounds: int, seed: int) -> Mapping[str, object]:
    """The figures with any embedding model. Raises BadInput for fewer than one context or round."""
    if contexts < 1 or rounds < 1:
        raise BadInput("There is nothing to measure.", "Give --contexts and --rounds at least 1.")
    rng = random.Random(seed)
    asked = [meeting for meeting in meetings if meeting.queries]
    chosen = [_context(rng.choice(asked), encode, rng) for _ in range(contexts)]
    thousands = sum(count_tokens(text) for each in chosen for text in each.texts) / 1000
    sides: Mapping[str, Callable[[_Context], object]] = {
        "ours": _ours,
        "model": lambda each: _by_model(each, encode),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-1, rounds):  # the first round warms up
        for name, side in sides.items():
            taken = _time_ms(side, chosen) / thousands
            if number >= 0:
                times[name].append(taken)
        if number >= 0:
            print(", ".join(f"{name} {of_side[-1]:.2f} ms" for name, of_side in times.items()))
    ratios = [theirs / ours for ours, theirs in zip(times["ours"], times["model"], strict=True)]
    return {
        "ms_per_1000_tokens": round(percentile(times["ours"], 50), 3),
        "model_ms_per_1000_tokens": round(percentile(times["model"], 50), 3),
        "ratio_to_model": spread(ratios, 1),
        "ms": spread(times["ours"]),
        "tokens": round(1000 * thousands),
    }


def _context(meeting: Meeting, encode: Encode, rng: random.Random) -> _Context:
    query = rng.choice(meeting.queries)
    asked = encode([query.text])[0]
    first = rng.randrange(max(1, len(meeting.passages) - _PASSAGES))
    hits = []
    for passage in meeting.passages[first : first + _PASSAGES]:
        rows = encode([sentence.text for sentence in passage.sentences]).astype("<f2")
        cosines = rows.astype(np.float32) @ asked
        hits.append(Hit(passage, 1.0, tuple(cosines.tolist()), rows.tobytes()))
    return _Context(query.text, tuple(hits))


def _ours(context: _Context) -> object:
    without_fillers.cache_clear()
    return select(context.hits, context.question)


def _by_model(context: _Context, encode: Encode) -> object:
    vectors = encode([context.question, *context.texts])
    return vectors[1:] @ vectors[0]


def _time_ms(side: Callable[[_Context], object], contexts: Sequence[_Context]) -> float:
    begun = time.perf_counter()
    for each in contexts:
        side(each)
    return 1000 * (time.perf_counter() - begun)
