"""What trimming is measured on: for each query the hits that a model would be sent, and what its answer rests on."""

import re
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from actors.qdrant_edge_index import EdgeIndex
from actors.qdrant_points import Scope
from actors.transcript_store import TranscriptStore
from core.fillers import without_fillers
from core.messages import Hit, SearchQuery
from core.ports import Vectors
from core.prompting import Evidence
from core.retrieval import Leg, Place, question_weights
from core.trimming import everything
from core.words import content_stems, count_tokens
from evals.retrieval import Encode, Meeting, Query

PASSAGES = 8
_ALL = 100_000
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")


@dataclass(frozen=True, slots=True)
class Case:
    """One query: its hits, the vectors and words of its reference answer, and both legs over the whole meeting.

    `answer` has a vector for each sentence of the reference answer. `vectors` has one for each text that a model may be
    sent. `legs` are BM25 and cosine for every passage of `meeting`, in order.
    """

    meeting: Meeting
    query: Query
    hits: tuple[Hit, ...]
    answer: Vectors
    vectors: Mapping[str, Vectors]
    legs: tuple[Sequence[float], Sequence[float]]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return everything(self.hits)

    def is_gold(self, turn: float) -> bool:
        return any(first <= turn <= last for first, last in self.query.spans)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a selection does to one query, as shares of what was there before: each 0 where nothing is lost.

    `support` can be below 0: without its fillers a sentence may be nearer to the answer. `gold` is NaN where the hits
    have none. `sentences` is the loss of support where what was there before had lost its fillers too.
    """

    tokens: float
    support: float
    sentences: float
    words: float
    gold: float


def effect(case: Case, kept: Sequence[Evidence]) -> Effect:
    """The share of tokens removed, and of support, of the answer's words and of gold tokens lost, with `kept`."""
    found = case.evidence
    before, after = _support(case, found), _support(case, kept)
    asked = _stems(case.query.answer)
    said, left = _words(found) & asked, _words(kept) & asked
    gold = sum(count_tokens(without_fillers(it.sentence.text)) for it in found if case.is_gold(it.sentence.start_s))
    kept_gold = sum(_tokens(without_fillers(it.sentence.text)) for it in kept if case.is_gold(it.sentence.start_s))
    return Effect(
        tokens=1 - tokens_of(kept) / tokens_of(found),
        support=1 - after / before,
        sentences=1 - after / _support(case, _spoken(found)),
        words=1 - len(left) / len(said) if said else 0.0,
        gold=1 - kept_gold / gold if gold else float("nan"),
    )


def _spoken(evidence: Sequence[Evidence]) -> list[Evidence]:
    """All that was said, without the fillers."""
    left = [replace(it, sentence=replace(it.sentence, text=without_fillers(it.sentence.text))) for it in evidence]
    return [it for it in left if it.sentence.text]


def tokens_of(evidence: Iterable[Evidence]) -> int:
    """Words and punctuation marks."""
    return sum(_tokens(item.sentence.text) for item in evidence)


def _support(case: Case, evidence: Sequence[Evidence]) -> float:
    """For each sentence of the answer the highest cosine with a sentence of `evidence`, averaged."""
    if not evidence:
        return 0.0
    rows = np.stack([case.vectors[item.sentence.text] for item in evidence])
    return float((rows @ case.answer.T).max(axis=0).mean())


def _words(evidence: Iterable[Evidence]) -> frozenset[str]:
    return frozenset().union(*(_stems(item.sentence.text) for item in evidence))


# The same sentences are judged again and again, for each point of each curve.
_tokens = lru_cache(200_000)(count_tokens)


@lru_cache(200_000)
def _stems(text: str) -> frozenset[str]:
    return frozenset(content_stems(text))


async def read_cases(meetings: Sequence[Meeting], encode: Encode) -> list[Case]:
    """The queries of `meetings` that have an answer and hits, searched for by the code that answers questions."""
    cases: list[Case] = []
    begun = time.monotonic()
    for number, meeting in enumerate(meetings, start=1):
        queries = [query for query in meeting.queries if query.answer.strip()]
        if queries and meeting.passages:
            with tempfile.TemporaryDirectory() as folder:
                cases += await _of_meeting(meeting, queries, encode, Path(folder))
        print(f"meeting {number} of {len(meetings)}, {time.monotonic() - begun:.0f} s", flush=True)
    return cases


async def _of_meeting(meeting: Meeting, queries: Sequence[Query], encode: Encode, folder: Path) -> list[Case]:
    of_passages = encode([passage.text for passage in meeting.passages])
    dimensions = of_passages.shape[1]
    vectors = _embedded({it.text for passage in meeting.passages for it in passage.sentences}, {}, encode)
    of_sentences = [np.stack([vectors[it.text] for it in passage.sentences]) for passage in meeting.passages]
    index = EdgeIndex(folder, dimensions)
    store = TranscriptStore(folder, dimensions, index=index)
    await store.replace_recording(meeting.tenant, meeting.passages, of_passages, of_sentences)
    cases = []
    scope = Scope.of(meeting.tenant)
    for query, asked in zip(queries, encode([query.text for query in queries]), strict=True):
        hits = tuple(await store.search(SearchQuery(meeting.tenant, query.text, PASSAGES), asked))
        dense, lexical = await index.legs(scope, scope, asked, question_weights(query.text), _ALL)
        vectors |= _embedded(_sent(hits), vectors, encode)
        answer = encode([part for part in _SENTENCE_END.split(query.answer) if part.strip()])
        cases.append(Case(meeting, query, hits, answer, vectors, (_every(lexical, meeting), _every(dense, meeting))))
    await store.close()
    return cases


def _sent(hits: Sequence[Hit]) -> set[str]:
    """What may be sent of `hits` without its fillers."""
    return {without_fillers(it.text) for hit in hits for it in hit.passage.sentences} - {""}


def _embedded(texts: set[str], known: Mapping[str, Vectors], encode: Encode) -> dict[str, Vectors]:
    new = sorted(texts - known.keys())
    return dict(zip(new, encode(new), strict=True)) if new else {}


def _every(leg: Leg, meeting: Meeting) -> list[float]:
    name = meeting.meeting_id
    return [leg.get(Place(name, passage.index), 0.0) for passage in meeting.passages]
