"""Abstention: does the extractive answer say nothing where the transcripts say nothing?

Over a directory of the form that `evals.retrieval` reads. Each query is asked three times, by the code that answers
questions: of its own meeting (which answers it), of a meeting of another domain (which does not) and of another meeting
of the same domain (which now and then does, so that figure is a lower bound). `answered` is the share of queries
answered from their own meeting, `abstained_*` the share left without an answer. `auc_*` is the chance that the best
support of a query in its own meeting is above that of one in another: how well any threshold could do.
"""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from actors.transcript_store import TranscriptStore
from core.extractive import answer
from core.messages import SearchQuery
from core.ports import Vectors
from core.prompting import Prompt
from core.trimming import everything, supports
from evals.retrieval import Encode, Meeting, packaged_encoder, read_meetings

_HITS = 8
_KINDS = ("own", "other", "same_domain")


def run(data: Path, *, meetings: int = 15) -> Mapping[str, object]:
    """The figures over `meetings` of the meetings in `data`, spread evenly over it, with the packaged model."""
    found = [meeting for meeting in read_meetings(data) if meeting.queries]
    step = max(1, len(found) // max(1, meetings))
    with tempfile.TemporaryDirectory() as folder:
        return measure(found[::step][:meetings], packaged_encoder(Path(folder)))


def measure(meetings: Sequence[Meeting], encode: Encode) -> Mapping[str, object]:
    """The figures over `meetings` with any embedding model."""
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(_results(meetings, encode, Path(folder)))
    own = results["own"]
    figures: dict[str, object] = {"queries": len(own), "answered": _share(answered for answered, _ in own)}
    for kind in _KINDS[1:]:
        if results[kind]:
            figures[f"abstained_{kind}"] = _share(not answered for answered, _ in results[kind])
            figures[f"auc_{kind}"] = _auc([best for _, best in own], [best for _, best in results[kind]])
    return figures


async def _results(meetings: Sequence[Meeting], encode: Encode, folder: Path) -> Mapping[str, list[tuple[bool, float]]]:
    """For each kind of meeting asked, a pair for each query: whether it was answered, and the best support found."""
    queries = [encode([query.text for query in meeting.queries]) for meeting in meetings]
    store = TranscriptStore(folder, queries[0].shape[1])
    for meeting in meetings:
        await _store(store, meeting, encode)
    results: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for number, meeting in enumerate(meetings):
        others = list(islice(cycle(meetings), number + 1, number + len(meetings)))
        asked = {
            "own": meeting,
            "other": next((it for it in others if it.domain != meeting.domain), None),
            "same_domain": next((it for it in others if it.domain == meeting.domain), None),
        }
        for query, vector in zip(meeting.queries, queries[number], strict=True):
            for kind, source in asked.items():
                if source is not None:
                    results[kind].append(await _ask(store, source, query.text, vector))
    await store.close()
    return results


async def _store(store: TranscriptStore, meeting: Meeting, encode: Encode) -> None:
    sentences = [sentence.text for passage in meeting.passages for sentence in passage.sentences]
    ends = np.cumsum([len(passage.sentences) for passage in meeting.passages])[:-1]
    of_sentences = np.split(encode(sentences), ends)
    texts = [passage.text for passage in meeting.passages]
    await store.replace_recording(meeting.tenant, meeting.passages, encode(texts), of_sentences)


async def _ask(store: TranscriptStore, source: Meeting, question: str, vector: Vectors) -> tuple[bool, float]:
    hits = await store.search(SearchQuery(source.tenant, question, _HITS), vector)
    evidence = everything(hits)
    return bool(answer(Prompt(question, evidence))), max(supports(question, evidence), default=0.0)


def _share(values: Iterable[bool]) -> float:
    return round(float(np.mean(list(values))), 4)


def _auc(higher: Sequence[float], lower: Sequence[float]) -> float:
    """The chance that a value of `higher` is above one of `lower`, ties counted half (Mann and Whitney's U)."""
    differences = np.asarray(higher)[:, None] - np.asarray(lower)[None, :]
    return round(float(np.mean((differences > 0) + (differences == 0) / 2)), 4)
