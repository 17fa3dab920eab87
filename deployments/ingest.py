"""Brings recordings in: a link -> a listing -> captions -> sentences -> passages -> vectors -> the store.

While one recording is embedded and stored, the next ones are fetched: at most `ahead` of them, so that a long channel
fills no memory and no site is asked for everything at once. Outcomes keep the order of the listing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

import numpy as np

from core.captions import parse
from core.captiontracks import CaptionSource
from core.errors import BadInput
from core.messages import (
    IngestOutcome,
    IngestProgress,
    IngestReport,
    IngestRequest,
    IngestState,
    IngestStep,
    Passage,
    Recording,
)
from core.passages import to_passages
from core.ports import Embedder, Pace, TranscriptStore, Vectors
from core.results import ErrorCategory, Fail, Ok, Skip, StepResult
from core.sentences import to_sentences
from core.speakers import with_speakers
from core.stages import stage
from core.tenancy import TenantContext
from deployments.media_source import Described, Listing
from deployments.pacing import admit
from deployments.ytdlp_info import Entry

T = TypeVar("T")

log = logging.getLogger(__name__)

# Texts in one call of the embedder: enough to fill its batches, few enough for a message.
_TEXTS_A_CALL = 256
# Somebody who talks for 24 hours says about 220,000 words in 20,000 sentences; more is no talk, and a vector of each
# sentence is kept in memory until all are stored.
MAX_WORDS = 400_000
MAX_SENTENCES = 40_000

Event: TypeAlias = IngestProgress | IngestReport


class Source(Protocol):
    """`deployments.media_source.MediaSource`, as far as it is needed here."""

    async def list(self, url: str) -> Listing: ...

    async def describe(self, entry: Entry) -> Described: ...

    async def captions(self, source: CaptionSource) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A recording that is ready to be embedded."""

    recording: Recording
    passages: tuple[Passage, ...]


class Ingest:
    """Ingests links, `at_once` of them; the others wait.

    It keeps nothing: every state is in the store, and doing it again changes and embeds nothing.
    """

    def __init__(
        self,
        source: Source,
        embedder: Embedder,
        store: TranscriptStore,
        pace: Pace,
        *,
        ahead: int = 2,
        at_once: int = 4,
    ) -> None:
        self._source = source
        self._embedder = embedder
        self._store = store
        self._pace = pace
        self._ahead = max(1, ahead)
        self._places = asyncio.Semaphore(at_once)

    async def run(self, request: IngestRequest) -> AsyncIterator[Event]:
        """Progress while it goes on, and the report last. What fails is an outcome in the report, with a sentence.

        Raises RateLimited, before anything is fetched, where the tenant or user asks too much at once.
        """
        await admit(self._pace, request.tenant)
        yield IngestProgress(IngestStep.LISTING, 0, 0)
        async with self._places, aclosing(self._run(request)) as events:
            async for event in events:
                yield event

    async def _run(self, request: IngestRequest) -> AsyncGenerator[Event, None]:
        listed = await self._stage_list(request.url)
        if not isinstance(listed, Ok):
            yield IngestReport(request.url, (_unread(Entry(request.url), listed),))
            return
        outcomes: list[IngestOutcome] = []
        # Closed here and now where nobody listens any more, so that what is being fetched stops too.
        async with aclosing(self._recordings(request.tenant, listed.data, outcomes)) as events:
            async for event in events:
                yield event
        of_the_list = ((IngestState.FAILED, listed.data.problem), (IngestState.SKIPPED, listed.data.left_out))
        outcomes += [
            IngestOutcome(request.url, listed.data.title, state, reason=reason)
            for state, reason in of_the_list
            if reason
        ]
        yield IngestReport(request.url, tuple(outcomes))

    async def _recordings(
        self, tenant: TenantContext, listing: Listing, outcomes: list[IngestOutcome]
    ) -> AsyncGenerator[IngestProgress, None]:
        """Ingest each entry in order and add its outcome to `outcomes`."""
        fetching: deque[asyncio.Future[StepResult[Prepared]]] = deque()
        waiting = deque(listing.entries)
        total = len(listing.entries)
        try:
            for entry in listing.entries:
                while waiting and len(fetching) <= self._ahead:
                    fetching.append(asyncio.ensure_future(self._stage_prepare(waiting.popleft())))
                yield IngestProgress(IngestStep.CAPTIONS, len(outcomes), total, entry.title)
                prepared = await _settled(fetching[0])
                fetching.popleft()
                if not isinstance(prepared, Ok):
                    outcomes.append(_unread(entry, prepared))
                    continue
                title = prepared.data.recording.title
                yield IngestProgress(IngestStep.EMBEDDING, len(outcomes), total, title)
                stored = await _settled(asyncio.ensure_future(self._stage_store(tenant, prepared.data)))
                outcomes.append(_outcome(prepared.data, stored))
                yield IngestProgress(IngestStep.STORING, len(outcomes), total, title)
        finally:
            for task in fetching:
                task.cancel()

    @stage("list")
    async def _stage_list(self, url: str) -> StepResult[Listing]:
        return Ok(await self._source.list(url))

    @stage("prepare")
    async def _stage_prepare(self, entry: Entry) -> StepResult[Prepared]:
        """Everything up to the passages of one recording."""
        described = await self._source.describe(entry)
        if described.captions is None or described.skip:
            return Skip(described.skip or "It has no captions.")
        data = await self._source.captions(described.captions)
        # Parsing an hour of captions takes tens of milliseconds: not in the loop that others wait for.
        passages = await asyncio.to_thread(_passages, described.recording, data)
        return Ok(Prepared(described.recording, passages))

    @stage("store")
    async def _stage_store(self, tenant: TenantContext, prepared: Prepared) -> StepResult[bool]:
        """Embed and store; False where the store held the same already."""
        if await self._store.is_stored(tenant, prepared.passages):
            return Ok(False)
        vectors, sentence_vectors = await self._embedded(prepared.passages)
        return Ok(await self._store.replace_recording(tenant, prepared.passages, vectors, sentence_vectors))

    async def _embedded(self, passages: Sequence[Passage]) -> tuple[Vectors, list[Vectors]]:
        """The passages' vectors, and for each passage those of its sentences; a text that occurs twice is sent once."""
        texts = [passage.text for passage in passages]
        for passage in passages:
            texts += [sentence.text for sentence in passage.sentences]
        unique = list(dict.fromkeys(texts))
        parts = [
            await self._embedder.embed(unique[start : start + _TEXTS_A_CALL])
            for start in range(0, len(unique), _TEXTS_A_CALL)
        ]
        row_of = {text: row for row, text in enumerate(unique)}
        rows = np.concatenate(parts)[[row_of[text] for text in texts]]
        ends = np.cumsum([len(passages), *(len(passage.sentences) for passage in passages)])
        vectors, *sentence_vectors = np.split(rows, ends[:-1])
        return vectors, sentence_vectors


def _passages(recording: Recording, data: bytes) -> tuple[Passage, ...]:
    cues = with_speakers(parse(data).cues, recording.speaker)
    words = sum(cue.text.count(" ") + 1 for cue in cues)
    if words > MAX_WORDS:
        problem = f"Its captions have {words:,} words; at most {MAX_WORDS:,} can be read."
        raise BadInput(problem, "Link to a part of it.")
    sentences = to_sentences(cues, recording.language)
    if len(sentences) > MAX_SENTENCES:
        problem = f"Its captions have {len(sentences):,} sentences; at most {MAX_SENTENCES:,} can be read."
        raise BadInput(problem, "Link to a part of it.")
    return to_passages(recording, sentences)


async def _settled(task: asyncio.Future[StepResult[T]]) -> StepResult[T]:
    """The task's result. A defect of ours becomes a `Fail`, so that one odd recording does not end a whole channel."""
    try:
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        task.cancel()
        raise
    defect = task.exception()
    if defect is None:
        return task.result()
    log.error("a recording could not be ingested", exc_info=defect)
    return Fail(ErrorCategory.INTERNAL, "Something in the bot went wrong with it; its operator finds it in the log.")


def _outcome(prepared: Prepared, stored: StepResult[bool]) -> IngestOutcome:
    recording = prepared.recording
    if not isinstance(stored, Ok):
        return _unread(Entry(recording.url, recording.title), stored)
    state = IngestState.INGESTED if stored.data else IngestState.UNCHANGED
    return IngestOutcome(recording.url, recording.title, state, len(prepared.passages))


def _unread(entry: Entry, result: Skip | Fail) -> IngestOutcome:
    if isinstance(result, Skip):
        return IngestOutcome(entry.url, entry.title, IngestState.SKIPPED, reason=result.reason)
    return IngestOutcome(entry.url, entry.title, IngestState.FAILED, reason=result.message)
