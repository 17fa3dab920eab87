"""/v1/embeddings beside raw sentence-transformers on the same cores, both sides in turn in one run.

- throughput: `clients` OpenAI clients at once, each sending `inputs` texts, beside `SentenceTransformer.encode` of the
  same texts at its default batch; sentences a second, and their ratio in each round;
- latency: one client with one text beside `encode` of one text; milliseconds at the median.

The texts are sentences of the sample channel. The clients run in this process, so their work is part of the cost.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import openai
from sentence_transformers import SentenceTransformer

from deployments.encoder import packaged_model
from evals.measure.local_bot import local_bot, sample_sentences
from evals.measure.spread import percentile, spread


def run(
    *, clients: int = 32, inputs: int = 16, rounds: int = 7, singles: int = 60, seed: int = 7
) -> Mapping[str, object]:
    """Start the bot, measure, stop it."""

    async def measured() -> Mapping[str, object]:
        async with local_bot() as bot:
            return await measure(bot.addresses.api, clients, inputs, rounds, singles, seed)

    return asyncio.run(measured())


async def measure(api: str, clients: int, inputs: int, rounds: int, singles: int, seed: int) -> Mapping[str, object]:
    """The figures for the API at the address `api`."""
    rng = random.Random(seed)
    texts = sample_sentences()
    raw = SentenceTransformer(str(packaged_model()))
    service = openai.AsyncOpenAI(api_key="none", base_url=f"{api}/v1", max_retries=0)
    await _throughput(raw, service, [texts[:inputs]] * clients)
    both = [await _throughput(raw, service, [rng.sample(texts, inputs) for _ in range(clients)]) for _ in range(rounds)]
    alone = [await _latency(raw, service, rng.choice(texts)) for _ in range(singles)]
    for ours, theirs in both:
        print(f"{ours:8.1f} sentences/s over HTTP, {theirs:8.1f} raw, ratio {ours / theirs:.2f}")
    return {
        "ratio_to_raw": spread([ours / theirs for ours, theirs in both]),
        "sentences_per_s": spread([ours for ours, _ in both], 1),
        "raw_sentences_per_s": spread([theirs for _, theirs in both], 1),
        "single_p50_ms": round(percentile([ours for ours, _ in alone], 50), 2),
        "raw_single_p50_ms": round(percentile([theirs for _, theirs in alone], 50), 2),
        "clients": clients,
        "inputs": inputs,
    }


async def _throughput(
    raw: SentenceTransformer, service: openai.AsyncOpenAI, requests: Sequence[Sequence[str]]
) -> tuple[float, float]:
    """Sentences a second: the service, then the raw model."""
    count = sum(len(request) for request in requests)
    calls = (service.embeddings.create(model="bench", input=list(request)) for request in requests)
    ours_s = await _timed(asyncio.gather(*calls))
    every = [text for request in requests for text in request]
    theirs_s = await _timed(asyncio.to_thread(raw.encode, every, show_progress_bar=False))
    return count / ours_s, count / theirs_s


async def _latency(raw: SentenceTransformer, service: openai.AsyncOpenAI, text: str) -> tuple[float, float]:
    """Milliseconds for one text: the service, then the raw model."""
    ours_s = await _timed(service.embeddings.create(model="bench", input=text))
    theirs_s = await _timed(asyncio.to_thread(raw.encode, [text], show_progress_bar=False))
    return ours_s * 1000, theirs_s * 1000


async def _timed(work: Awaitable[Any]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started
