"""A choice of a model and the learning from its reward: ours beside MABWiser's LinTS, and as a durable entity.

Nine arms, contexts of 33 features, rewards of a linear truth with noise, one question after the other in one process.
In each round both sides answer the same questions, in turn: `choose` then `learn`, by

- ours: the posterior of all arms, its draws (128 for each choice, which give its exact probability), and the learning;
- mabwiser: `MAB.predict` and `MAB.partial_fit` with LinTS, one draw for each choice and no probability.

`entity_calls_per_s` are calls (a choice or an observation) of a ModelBandit on Ray with a SQLite journal, `at_once`
of them under way; `ratio_to_empty_entity` compares that with the smallest entity of the same runtime, a counter.
"""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actors.model_bandit import ModelBandit
from actors.runtime_host import ShardConfig
from actors.runtime_references import entity
from core.bandit_messages import BanditRules
from core.linear_thompson import Arm, Floats, Prior, drawn_shares, nothing_seen, posterior, seen
from deployments.local_ray import local_ray
from evals.measure.counter import Counter
from evals.measure.spread import spread

ARMS, FEATURES, DRAWS = 9, 33, 128


@dataclass(frozen=True, slots=True)
class Questions:
    """Contexts (questions, FEATURES) and rewards (questions, ARMS)."""

    contexts: Floats
    rewards: Floats


def run(
    *, questions: int = 400, rounds: int = 5, seconds: float = 3.0, at_once: int = 50, seed: int = 7
) -> Mapping[str, object]:
    """Measure both sides, then start Ray for the entities and stop it."""
    asked = questions_of(questions, np.random.default_rng(seed))
    times = measure_sides(asked, rounds, seed)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, local_ray():
        rates = asyncio.run(_entity_rates(Path(folder), asked, rounds, seconds, at_once))
    ratios = [theirs / mine for mine, theirs in zip(times["ours"], times["mabwiser"], strict=True)]
    shares = [bandit / empty for bandit, empty in zip(rates["bandit"], rates["empty"], strict=True)]
    return {
        "ratio_to_mabwiser": spread(ratios, 1),
        "ours_us": spread([1e6 * time_s for time_s in times["ours"]], 0),
        "mabwiser_us": spread([1e6 * time_s for time_s in times["mabwiser"]], 0),
        "entity_calls_per_s": spread(rates["bandit"], 0),
        "empty_entity_calls_per_s": spread(rates["empty"], 0),
        "ratio_to_empty_entity": spread(shares),
        "arms": ARMS,
        "features": FEATURES,
    }


def measure_sides(asked: Questions, rounds: int, seed: int) -> dict[str, list[float]]:
    """Seconds for one choice and its learning, of both sides in each round."""
    times: dict[str, list[float]] = {"ours": [], "mabwiser": []}
    sides = {"ours": _ours(seed), "mabwiser": _mabwiser(seed)}
    for number in range(-1, rounds):  # the first round warms up
        for name, answer in sides.items():
            began_s = time.perf_counter()
            for context, rewards in zip(asked.contexts, asked.rewards, strict=True):
                answer(context, rewards)
            if number >= 0:
                times[name].append((time.perf_counter() - began_s) / len(asked.contexts))
        if number >= 0:
            print(", ".join(f"{name} {of_side[-1] * 1e6:,.0f} us" for name, of_side in times.items()))
    return times


def questions_of(count: int, rng: np.random.Generator) -> Questions:
    contexts = rng.normal(size=(count, FEATURES)) * 0.4
    contexts[:, 0] = 1.0
    truth = contexts @ (0.1 * rng.normal(size=(ARMS, FEATURES))).T
    return Questions(contexts, np.clip(0.5 + truth + 0.2 * rng.normal(size=(count, ARMS)), 0.0, 1.0))


def _ours(seed: int) -> Callable[[Floats, Floats], None]:
    prior, rng = Prior(FEATURES), np.random.default_rng(seed)
    arms = [Arm(nothing_seen(FEATURES))] * ARMS

    def answer(context: Floats, rewards: Floats) -> None:
        means, covariance = posterior(prior, tuple(arms)).scores(context)
        shares = drawn_shares(means, covariance, prior.scale, DRAWS, rng)
        used = min(int(np.searchsorted(np.cumsum(shares), rng.random(), side="right")), ARMS - 1)
        arms[used] = Arm(seen(arms[used].evidence, context, float(rewards[used]), 0.9995))

    return answer


def _mabwiser(seed: int) -> Callable[[Floats, Floats], None]:
    from mabwiser.mab import MAB, LearningPolicy

    bandit = MAB(list(range(ARMS)), LearningPolicy.LinTS(alpha=0.5), seed=seed)
    # It wants to be trained on something before it chooses: every arm once.
    bandit.fit(list(range(ARMS)), [0.5] * ARMS, np.eye(ARMS, FEATURES))

    def answer(context: Floats, rewards: Floats) -> None:
        used = bandit.predict(context[None])
        bandit.partial_fit([used], [float(rewards[used])], context[None])

    return answer


async def _entity_rates(
    folder: Path, asked: Questions, rounds: int, seconds: float, at_once: int
) -> dict[str, list[float]]:
    """Calls a second of the bandit and of the counter, in turn."""
    config = ShardConfig(f"sqlite:///{folder}/journal.db")
    bandit = entity(ModelBandit, config, BanditRules(Prior(FEATURES)), "bench")
    counter, numbers = entity(Counter, config), itertools.count()
    contexts = [context.astype("<f4").tobytes() for context in asked.contexts]
    names = tuple(f"model-{number}" for number in range(ARMS))

    async def answer() -> None:
        number = next(numbers)
        await bandit.choose("policy", str(number), contexts[number % len(contexts)], names, names[0])
        await bandit.observe("policy", str(number), float(asked.rewards[number % len(contexts), 0]), 1.0, 0.001)

    async def count() -> None:
        await counter.add("count", 1)
        await counter.add("count", 1)

    rates: dict[str, list[float]] = {"bandit": [], "empty": []}
    for number in range(-1, rounds):
        for name, ask in (("bandit", answer), ("empty", count)):
            rate = 2.0 * await _rate(ask, seconds, at_once)
            if number >= 0:
                rates[name].append(rate)
        if number >= 0:
            print(", ".join(f"{name} {of_side[-1]:,.0f} calls/s" for name, of_side in rates.items()))
    return rates


async def _rate(ask: Callable[[], Awaitable[None]], seconds: float, under_way: int) -> float:
    began_s, done = time.perf_counter(), 0

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() - began_s < seconds:
            await ask()
            done += 1

    await asyncio.gather(*(caller() for _ in range(under_way)))
    return done / (time.perf_counter() - began_s)
