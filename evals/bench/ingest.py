"""Bringing captioned talks in, through the whole bot: queue, workers, yt-dlp, embedding deployment and store.

Three sides in turn in each round, on the same talks from the same site on this machine, each of whose answers comes
after `delay_ms`. A talk takes two requests here, so that 400 ms make 0.8 s of waiting for it; YouTube takes yt-dlp
0.7 s to describe a video, in a process that runs already, and then a moment for its captions (yt-dlp's issue 4346;
others report 5 s, issue 4558):

- ours: the site's feed is given to the bot, as /analyze gives it;
- one at a time: a loop that fetches, parses, embeds and stores a talk before it begins the next, with the same yt-dlp,
  the same embedding model in its own process, the same store, and no queue, no journal and no pace to keep;
- the embedding model alone, in this process too, on all texts of the talks at once.

Two more rounds are nearer: one with `near_ms`, one with no delay. In the last a loop has nothing to wait for, and what
is left is what the queue costs. The model takes every core, so on few cores the first ratio is bounded by (fetch +
embed) / embed of a talk; `embed_share_of_loop` says which part of the loop's time the model had.

Beside that: the largest PSS of the ingest process, with yt-dlp's below it, while `few` and then `many` short talks are
brought in, and what it costs to look at `channels` followed feeds that have no news.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from actors.transcript_store import TranscriptStore
from core.captions import parse
from core.errors import Unavailable
from core.messages import IngestReport, IngestRequest, IngestState, Passage
from core.passages import to_passages
from core.ports import Assistant
from core.sentences import to_sentences
from core.tenancy import TenantContext
from demo.site import served
from deployments.embedder import Embedder, EmbedderConfig
from deployments.encoder import PACKAGED
from deployments.media_source import MediaSource
from deployments.storing import Storing
from evals.measure.local_bot import local_bot
from evals.measure.polls import poll_cost
from evals.measure.process_peak import peak_mb
from evals.measure.spread import spread
from evals.measure.talk_site import Talk, pieces, write_site

DIMENSIONS, THREADS, MAX_BATCH = 384, 2, 128
SETTINGS = {"INGEST_MAX_RECORDINGS": "1000"}


def run(
    *,
    talks: int = 40,
    length_s: float = 240.0,
    rounds: int = 3,
    delay_ms: float = 400.0,
    near_ms: float = 150.0,
    few: int = 50,
    many: int = 500,
    channels: int = 1_000,
) -> Mapping[str, object]:
    """Start the bot, measure, stop it."""

    async def measured() -> Mapping[str, object]:
        async with local_bot(**SETTINGS) as bot:
            figures = await throughput(bot.assistant, talks, length_s, rounds, delay_ms / 1000, near_ms / 1000)
            memory = await peak_memory(bot.assistant, few, many)
        return {**figures, "peak_memory_mb_by_n": memory, **await poll_cost(channels)}

    return asyncio.run(measured())


# ---------------------------------------------------------------- speed
async def throughput(
    assistant: Assistant, talks: int, length_s: float, rounds: int, delay_s: float, near_s: float
) -> Mapping[str, object]:
    """The figures of `rounds` rounds with a delay, of one with a smaller one, and of one without."""
    async with _loop() as loop:
        await _round(assistant, loop, "warm", pieces(2, length_s), 0.0)
        taken = [
            await _round(assistant, loop, f"round {number}", pieces(talks, length_s, 1 + 3 * number), delay_s)
            for number in range(rounds)
        ]
        nearer = {
            f"{delay * 1000:g}": await _round(
                assistant, loop, f"{delay * 1000:g} ms", pieces(talks, length_s, shift), delay
            )
            for delay, shift in ((near_s, 2 + 3 * rounds), (0.0, 5 + 3 * rounds))
        }
    return {
        "ratio_to_sequential": spread([loop_s / ours_s for ours_s, loop_s, _, _ in taken]),
        "ratio_to_embedder": spread([model_s / ours_s for ours_s, _, model_s, _ in taken]),
        "talk_hours_per_min": spread([hours * 60 / ours_s for ours_s, _, _, hours in taken]),
        "videos_per_min": spread([talks * 60 / ours_s for ours_s, _, _, _ in taken], 1),
        "sequential_videos_per_min": spread([talks * 60 / loop_s for _, loop_s, _, _ in taken], 1),
        "embed_share_of_loop": spread([model_s / loop_s for _, loop_s, model_s, _ in taken]),
        "by_smaller_delay_ms": {
            delay: {
                "ratio_to_sequential": round(loop_s / ours_s, 3),
                "ratio_to_embedder": round(model_s / ours_s, 3),
                "videos_per_min": round(talks * 60 / ours_s, 1),
            }
            for delay, (ours_s, loop_s, model_s, _) in nearer.items()
        },
        "talks": talks,
        "delay_ms": delay_s * 1000,
    }


async def _round(
    assistant: Assistant, loop: "OneByOne", name: str, talks: Sequence[Talk], delay_s: float
) -> tuple[float, float, float, float]:
    """Seconds of the bot, of the loop and of the model alone for these talks, and their hours."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        write_site(Path(folder), talks)
        with served(Path(folder), 0, delay_s) as feed:
            started = time.perf_counter()
            await bring_in(assistant, feed, len(talks))
            ours_s = time.perf_counter() - started
            started = time.perf_counter()
            texts = await loop.bring_in(feed)
            loop_s = time.perf_counter() - started
    started = time.perf_counter()
    await loop.embedder.embed(texts)
    model_s = time.perf_counter() - started
    hours = sum(talk.length_s for talk in talks) / 3600
    print(
        f"{name}: {len(talks)} talks, {hours:.2f} h, {len(texts)} texts; "
        f"bot {ours_s:.1f} s, one at a time {loop_s:.1f} s, model alone {model_s:.1f} s"
    )
    return ours_s, loop_s, model_s, hours


async def bring_in(assistant: Assistant, feed: str, expected: int) -> None:
    """Bring in what a feed names. Raises Unavailable where not all of it came in: then no figure means anything."""
    async for event in assistant.ingest(IngestRequest(TenantContext("bench", "bench"), feed)):
        if isinstance(event, IngestReport):
            states = [outcome.state for outcome in event.outcomes]
            if states != [IngestState.INGESTED] * expected:
                reasons = {outcome.reason for outcome in event.outcomes}
                raise Unavailable("The bot", f"It brought in {states.count(IngestState.INGESTED)} talks: {reasons}.")


class OneByOne:
    """The loop that one would write first."""

    def __init__(self, source: MediaSource, embedder: Embedder, store: TranscriptStore) -> None:
        self.embedder = embedder
        self._source, self._store, self._storing = source, store, Storing(embedder, store)

    async def bring_in(self, feed: str) -> list[str]:
        """Bring in what a feed names, one after the other; gives the texts that were embedded."""
        tenant, texts = TenantContext("loop", "loop"), []
        for entry in (await self._source.list(feed)).entries:
            described = await self._source.describe(entry)
            if described.captions is None:
                raise Unavailable("The site", f"{entry.url} has no captions.")
            cues = parse(await self._source.captions(described.captions)).cues
            passages = to_passages(described.recording, to_sentences(cues, described.recording.language))
            embedded = await self._storing.embedded(passages)
            await self._storing.store(tenant, passages, embedded)
            texts += _texts(passages)
        return texts


def _texts(passages: Sequence[Passage]) -> list[str]:
    sentences = [sentence.text for passage in passages for sentence in passage.sentences]
    return list(dict.fromkeys([passage.text for passage in passages] + sentences))


@asynccontextmanager
async def _loop() -> AsyncIterator[OneByOne]:
    source = MediaSource.of_the_web(
        language="en", max_recordings=1_000, max_caption_bytes=20_000_000, timeout_s=60.0, allow_loopback=True
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        config = EmbedderConfig(PACKAGED, DIMENSIONS, "auto", Path(folder) / "models", MAX_BATCH, THREADS)
        store = TranscriptStore(Path(folder) / "transcripts", DIMENSIONS)
        try:
            yield OneByOne(source, Embedder(config), store)
        finally:
            await store.close()
            await source.close()


# ---------------------------------------------------------------- memory
async def peak_memory(assistant: Assistant, few: int, many: int) -> Mapping[str, float]:
    """The ingest process's largest PSS in MB while `few`, then `many` more, short talks are brought in."""
    peaks: dict[str, float] = {}
    for count, shift in ((few, 100), (many, 200)):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            write_site(Path(folder), pieces(count, 20.0, shift))
            with served(Path(folder), 0) as feed, peak_mb("bot:IngestReplica") as peak:
                await bring_in(assistant, feed, count)
        peaks[str(count)] = round(peak.mb, 1)
        print(f"{count} talks: the ingest process took {peak.mb:.1f} MB at most")
    return peaks
