"""Retrieval: does a search find the passages that hold the answer, and does fusing beat each leg alone?

Over a directory with `meetings.jsonl.gz` (or `.jsonl`): one meeting a row with `meeting_id`, `domain`, `turns`
(speaker, text) and `queries` (query, spans of turns). Each meeting is cut into passages of whole sentences and stored
in a workspace of its own; each query with spans is searched there by the code that answers questions. A passage is gold
if one of its turns lies in a span. `hit_at_5`: queries with a gold passage among the first 5; `chunk_recall_at_10`: the
mean share of a query's gold passages among the first 10. `bm25_` and `dense_` are the two legs alone, over the same
passages.
"""

import asyncio
import gzip
import json
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from actors.qdrant_edge_index import EdgeIndex
from actors.qdrant_points import Scope
from actors.transcript_store import TranscriptStore
from core.errors import BadInput
from core.messages import Passage, Recording, SearchQuery, Sentence
from core.passages import to_passages
from core.ports import Vectors
from core.retrieval import Leg, Place, question_weights
from core.tenancy import TenantContext

Encode: TypeAlias = Callable[[Sequence[str]], Vectors]

_MARKERS = re.compile(r"\{[^}]*\}")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_HITS = 10
_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Query:
    """A question about one stretch or more of a meeting; a span is its first and last turn.

    `answer` is the reference answer that a person wrote, "" where there is none.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting as passages. The `start_s` of a sentence is the number of its turn."""

    meeting_id: str
    domain: str
    passages: tuple[Passage, ...]
    queries: tuple[Query, ...]

    @property
    def tenant(self) -> TenantContext:
        return TenantContext("evals", self.meeting_id)

    def gold(self, query: Query) -> frozenset[int]:
        """The numbers of the passages that have a turn in one of the query's spans."""
        return frozenset(
            passage.index
            for passage in self.passages
            if any(first <= it.start_s <= last for it in passage.sentences for first, last in query.spans)
        )


def run(data: Path) -> Mapping[str, object]:
    """The figures over the meetings in `data`, with the packaged embedding model."""
    with tempfile.TemporaryDirectory() as folder:
        return measure(read_meetings(data), packaged_encoder(Path(folder)))


def measure(meetings: Sequence[Meeting], encode: Encode) -> Mapping[str, object]:
    """The figures over `meetings` with any embedding model."""
    with tempfile.TemporaryDirectory() as folder:
        scores = asyncio.run(_scores(meetings, encode, Path(folder)))
    figures: dict[str, object] = {}
    for name, prefix in (("fused", ""), ("bm25", "bm25_"), ("dense", "dense_")):
        hits, recalls = _means(scores[name])
        figures |= {f"{prefix}hit_at_5": hits, f"{prefix}chunk_recall_at_10": recalls}
    worst = min(sorted({domain for domain, _, _ in scores["fused"]}), key=lambda it: _of(scores["fused"], it)[0])
    hits, recalls = _of(scores["fused"], worst)
    return figures | {
        "queries": len(scores["fused"]),
        "passages": sum(len(meeting.passages) for meeting in meetings),
        "worst_domain": worst,
        "worst_domain_hit_at_5": hits,
        "worst_domain_chunk_recall_at_10": recalls,
    }


def read_meetings(data: Path, *, markers: bool = False) -> list[Meeting]:
    """The meetings of a data set, with the transcribers' `markers` ({vocalsound}) in the text or without.

    Raises BadInput where there are none that can be read.
    """
    path = next((path for name in ("meetings.jsonl.gz", "meetings.jsonl") if (path := data / name).is_file()), None)
    if path is None:
        raise BadInput(f"There is no meetings.jsonl.gz in {data}.", "Give --data a directory of meetings with queries.")
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        meetings = [_meeting(json.loads(line), markers) for line in raw.decode().split("\n") if line.strip()]
    except (ValueError, KeyError, TypeError, EOFError, gzip.BadGzipFile) as error:
        raise BadInput(f"{path} cannot be read ({error!r}).", "Fetch the data set again.") from error
    if not any(meeting.gold(query) for meeting in meetings for query in meeting.queries):
        raise BadInput(f"{path} has no query with a span.", "Give --data a directory of meetings with queries.")
    return meetings


def packaged_encoder(cache: Path) -> Encode:
    """The packaged embedding model. Loaded late, because that takes seconds."""
    from deployments.encoder import PACKAGED, load_encoder

    return load_encoder(PACKAGED, "auto", cache, threads=os.cpu_count() or 1).encode


def _meeting(row: Mapping[str, Any], markers: bool) -> Meeting:
    recording = Recording(row["meeting_id"], f"https://meetings.example/{row['meeting_id']}", row["meeting_id"])
    queries = tuple(
        Query(query["query"], tuple((first, last) for first, last in query["spans"]), str(query.get("answer") or ""))
        for query in row["queries"]
        if query["spans"]
    )
    return Meeting(
        row["meeting_id"],
        str(row.get("domain", "")),
        to_passages(recording, _sentences(row["turns"], markers)),
        queries,
    )


def _sentences(turns: Sequence[Mapping[str, str]], markers: bool) -> Iterator[Sentence]:
    for number, turn in enumerate(turns):
        text = " ".join((turn["text"] if markers else _MARKERS.sub(" ", turn["text"])).split())
        for part in filter(None, _SENTENCE_END.split(text)):
            yield Sentence(float(number), float(number), part, turn["speaker"])


async def _scores(
    meetings: Sequence[Meeting], encode: Encode, folder: Path
) -> Mapping[str, list[tuple[str, float, float]]]:
    """For each way of searching, a row for each query: domain, hit at 5, recall at 10."""
    vectors = encode([passage.text for meeting in meetings for passage in meeting.passages])
    index = EdgeIndex(folder, vectors.shape[1])
    store = TranscriptStore(folder, vectors.shape[1], index=index)
    scores: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for meeting in meetings:
        own, vectors = vectors[: len(meeting.passages)], vectors[len(meeting.passages) :]
        # The vectors of single sentences do not take part in the ranking, so they are not computed here.
        blanks = [np.zeros((len(passage.sentences), own.shape[1]), np.float32) for passage in meeting.passages]
        if meeting.passages:
            await store.replace_recording(meeting.tenant, meeting.passages, own, blanks)
        asked = [query for query in meeting.queries if meeting.gold(query)]
        for query, vector in zip(asked, encode([query.text for query in asked]) if asked else (), strict=True):
            scope = Scope.of(meeting.tenant)
            hits = await store.search(SearchQuery(meeting.tenant, query.text, _HITS), vector)
            dense, bm25 = await index.legs(scope, scope, vector, question_weights(query.text), _DEPTH)
            ranked = {"fused": [hit.passage.index for hit in hits], "dense": _order(dense), "bm25": _order(bm25)}
            for name, order in ranked.items():
                scores[name].append((meeting.domain, *_judge(order, meeting.gold(query))))
    await store.close()
    return scores


def _order(leg: Leg) -> list[int]:
    ranked: list[Place] = sorted(leg, key=lambda place: (-leg[place], place))
    return [place.index for place in ranked]


def _judge(order: Sequence[int], gold: frozenset[int]) -> tuple[float, float]:
    return float(bool(gold & set(order[:5]))), len(gold & set(order[:10])) / len(gold)


def _of(rows: Sequence[tuple[str, float, float]], domain: str) -> tuple[float, float]:
    return _means([row for row in rows if row[0] == domain])


def _means(rows: Sequence[tuple[str, float, float]]) -> tuple[float, float]:
    hits, recalls = np.mean([row[1:] for row in rows], axis=0)
    return round(float(hits), 4), round(float(recalls), 4)
