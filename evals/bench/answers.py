"""The time from a question to its answer, warm, with the local extractive model: p50, p95, and each stage's share.

Every sentence of the sample channel can become a question; `questions` of them are drawn with `seed` and asked one by
one. The peer is a bare search on the same bot: what an answer costs beyond finding its passages.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping

from core.messages import Ask, IngestReport, IngestRequest, SearchQuery
from core.ports import Assistant
from core.results import Ok
from core.tenancy import TenantContext
from demo.site import served
from evals.measure.local_bot import local_bot, sample_sentences
from evals.measure.spread import percentile

TENANT = TenantContext("bench", "bench")
WARM_UP = 5


def run(*, questions: int = 200, seed: int = 7) -> Mapping[str, object]:
    """Start the bot, bring in the sample channel, measure, stop."""

    async def measured() -> Mapping[str, object]:
        async with local_bot() as bot:
            with served() as feed:
                started = time.perf_counter()
                await ingest(bot.assistant, feed)
                ingest_s = time.perf_counter() - started
            return {**await measure(bot.assistant, questions, seed), "ingest_s": round(ingest_s, 1)}

    return asyncio.run(measured())


async def ingest(assistant: Assistant, feed: str) -> None:
    """Bring in the sample channel."""
    async for event in assistant.ingest(IngestRequest(TENANT, feed)):
        if isinstance(event, IngestReport):
            print(f"{len(event.outcomes)} recordings")


async def measure(assistant: Assistant, questions: int, seed: int) -> Mapping[str, object]:
    """The figures for what TENANT's workspace holds."""
    rng = random.Random(seed)
    said = [sentence for sentence in sample_sentences() if 6 <= len(sentence.split()) <= 20]
    asked = [f"What do they say about this: {sentence}" for sentence in rng.sample(said, questions + WARM_UP)]
    wall_ms: list[float] = []
    search_ms: list[float] = []
    stages_ms: dict[str, list[float]] = defaultdict(list)
    answered = 0
    for number, question in enumerate(asked):
        started = time.perf_counter()
        result = await assistant.ask(Ask(TENANT, question))
        answer_s = time.perf_counter() - started
        await assistant.search(SearchQuery(TENANT, question))
        search_s = time.perf_counter() - started - answer_s
        if number < WARM_UP or not isinstance(result, Ok):
            continue
        answered += result.data.supported
        wall_ms.append(answer_s * 1000)
        search_ms.append(search_s * 1000)
        for stage in result.data.receipt.stages:
            stages_ms[stage.stage].append(stage.wall_ms)
    return {
        "p50_ms": round(percentile(wall_ms, 50), 1),
        "p95_ms": round(percentile(wall_ms, 95), 1),
        "max_ms": round(max(wall_ms), 1),
        "search_alone_p50_ms": round(percentile(search_ms, 50), 1),
        "ratio_to_search_alone": round(percentile(wall_ms, 50) / percentile(search_ms, 50), 2),
        "stage_share": _shares(stages_ms, sum(wall_ms)),
        "questions": len(wall_ms),
        "supported": answered,
    }


def _shares(stages_ms: Mapping[str, list[float]], total_ms: float) -> dict[str, float]:
    """Each stage's part of all the time; `between` is what passed outside of every stage."""
    shares = {stage: round(sum(times) / total_ms, 3) for stage, times in stages_ms.items()}
    return {**shares, "between": round(1 - sum(shares.values()), 3)}
