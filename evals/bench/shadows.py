"""What the shadows cost an answer: the answer path with every one of them on, beside everything off.

Two models on this machine answer at once, so that nothing hides behind them. Each of `rounds` rounds starts a bot with
everything off and one with every shadow on (experiments, routing, answer cache; trimming is counted by both), brings in
the sample channel, and asks both the same `questions`, one by one. Which of the two is first changes from round to
round. Routing explores nothing here: another model would be another answer.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from demo.site import served
from evals.bench.answers import ingest, measure
from evals.measure.local_bot import local_bot
from evals.measure.local_model import local_models
from evals.measure.spread import spread

SHADOWS = {
    "ENABLE_EXPERIMENT_HARNESS": "true",
    "ENABLE_RL_SHADOW": "true",
    "ENABLE_SEMANTIC_CACHE_SHADOW": "true",
    "ROUTING_EXPLORATION": "0",
}


def run(*, questions: int = 150, rounds: int = 3, seed: int = 7) -> Mapping[str, object]:
    """Start the bots one after the other, and measure."""
    return asyncio.run(_measured(questions, rounds, seed))


async def _measured(questions: int, rounds: int, seed: int) -> Mapping[str, object]:
    ways: dict[str, Mapping[str, str]] = {"off": {}, "on": SHADOWS}
    taken: dict[str, list[Mapping[str, object]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, local_models(Path(folder)) as models:
        for number in range(rounds):
            for way in ("off", "on") if number % 2 == 0 else ("on", "off"):
                figures = await _one(questions, seed + number, {**ways[way], "MODELS_FILE": str(models)})
                print(f"round {number}, {way}: p50 {figures['p50_ms']} ms, p95 {figures['p95_ms']} ms", flush=True)
                taken[way].append(figures)
    return {
        **{f"{kind}_{way}_ms": spread(_of(taken[way], f"{kind}_ms"), 1) for way in ways for kind in ("p50", "p95")},
        "p50_ratio": spread(
            [on / off for on, off in zip(_of(taken["on"], "p50_ms"), _of(taken["off"], "p50_ms"), strict=True)]
        ),
        "questions": questions,
    }


async def _one(questions: int, seed: int, variables: Mapping[str, str]) -> Mapping[str, object]:
    async with local_bot(**variables) as bot:
        with served() as feed:
            await ingest(bot.assistant, feed)
        return await measure(bot.assistant, questions, seed)


def _of(figures: list[Mapping[str, object]], name: str) -> list[float]:
    return [float(str(each[name])) for each in figures]
