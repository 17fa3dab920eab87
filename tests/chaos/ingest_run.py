"""A crash test of ingest: three guilds follow a channel, everybody who works on that is killed, and then it is judged.

python -m tests.chaos.ingest_run --videos 100 --kills 100
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import ray

from actors.runtime import ActorSpec, spawn
from actors.supervisor import Supervisor
from core.journal import Step
from tests.chaos.ingest_cast import GUILDS, WORKERS, IngestCast, Processes, ingest_cast
from tests.chaos.ingest_judge import FAULTS, Tell, Watcher, curator_of, judged, told_all, undisturbed
from tests.chaos.ingest_points import Point, Post
from tests.chaos.ingest_site import RudeTube
from tests.chaos.killer import RANDOM, Killer, Shards
from tests.chaos.run import RULES, SUPERVISOR
from tests.chaos.stage import Plan, connected

# Nothing grows old enough in such a run to be compacted.
_SHARD_WAYS = (RANDOM, Step.BEFORE_APPEND, Step.BEFORE_COMMIT, Step.BEFORE_REPLY, Step.SNAPSHOT)
WORKER_WAYS = (*Point, RANDOM, RANDOM)
POSTER_WAYS = (*Post, RANDOM)
EVERYWHERE = {f"IngestWorker: {way}" for way in WORKER_WAYS} | {f"Poster: {way}" for way in POSTER_WAYS}
_DONE_S = 120.0
LONGEST_S = 150.0


@dataclass(frozen=True)
class Options:
    """How much is to happen: `videos` for each guild, at least so many kills and seconds."""

    videos: int = 100
    kills: int = 100
    seconds: float = 0.0
    seed: int = field(default_factory=lambda: random.randrange(1_000_000))


async def run(options: Options, folder: Path, tell: Tell) -> Mapping[str, object]:
    """Run and judge; returns the figures."""
    began_s = time.monotonic()

    def told(line: str) -> None:
        tell(f"{time.monotonic() - began_s:5.0f} s: {line}")

    ours = {"num_cpus": 2, "include_dashboard": False, "_temp_dir": str(folder / "ray")}
    async with RudeTube(options.videos, options.seed) as tube, connected("local", **ours):
        address = ray.get_runtime_context().gcs_address
        plan = Plan(f"sqlite:///{folder}/journal.db", str(folder), address, began_s, options.seed, 0)
        parts = ingest_cast(plan, tube.port)
        killers = _killers(plan, parts)
        watch = await spawn(ActorSpec(SUPERVISOR), Supervisor, parts.kinds(), rules=RULES)
        await watch.start()
        watcher = Watcher(curator_of(parts), told)
        told(f"Seed {options.seed}. {len(GUILDS)} guilds follow a channel of {options.videos} uploads.")
        beside = asyncio.ensure_future(parts.go_on())
        await _disturbed(options, tube, killers, watcher, told)
        stalled = await _done(options, tube, watcher, told)
        stalled += not await told_all(plan.journal_url, _DONE_S)
        beside.cancel()
        told("judging.")
        wanted = await undisturbed(tube.port, options.videos)
        found = await judged(parts.store, str(folder), wanted, told)
    kills = _kills(killers)
    return {
        "kills": kills.total(),
        "kills_by_kind": dict(sorted(kills.items())),
        "jobs": options.videos * len(GUILDS),
        "ingested": 0,
        "announced": 0,
        **dict.fromkeys(FAULTS, 0),
        **found,
        "unbalanced": len(watcher.unbalanced),
        "stalled": stalled,
        "looks": watcher.looks,
        "given_up_and_retried": watcher.retried,
        "troubles": dict(tube.troubles),
        "seconds": round(time.monotonic() - began_s, 1),
    }


def _kills(killers: Sequence[Killer]) -> Counter[str]:
    """How often each kind was killed, and in which way."""
    return Counter({f"{killer.name}: {way}": kills for killer in killers for way, kills in killer.kills.items()})


def _killers(plan: Plan, parts: IngestCast) -> Sequence[Killer]:
    """One for each kind."""
    workers = Processes("IngestWorker", tuple(f"IngestWorker-{number}" for number in range(WORKERS)))
    # The longest pause after a kill, in seconds, and the ways: everybody has to get some work done in between.
    ways: dict[Shards, tuple[float, Sequence[str]]] = dict.fromkeys(parts.kinds(), (6.0, _SHARD_WAYS))
    ways |= {
        workers: (2.0, WORKER_WAYS),
        Processes("Poster", ("Poster",)): (6.0, POSTER_WAYS),
        Processes("Announcer", ("Announcer",)): (20.0, (RANDOM,)),
        Processes(SUPERVISOR, (SUPERVISOR,)): (40.0, (RANDOM,)),
    }
    killers = []
    for kind, (pause_s, its_ways) in ways.items():
        folder = Path(plan.folder, kind.name)
        folder.mkdir()
        killers.append(Killer(kind, str(folder), its_ways, Random(f"{plan.seed} {kind.name}"), pause_s))
    return killers


async def _disturbed(options: Options, tube: RudeTube, killers: Sequence[Killer], watcher: Watcher, tell: Tell) -> None:
    """Follow, and kill until there was enough of it; uploads go on coming."""
    began_s = time.monotonic()

    def enough() -> bool:
        """At every point of a recording's way and of a post too, while there is time for it."""
        kills = _kills(killers)
        passed_s = time.monotonic() - began_s
        wanted = kills.keys() >= EVERYWHERE or passed_s > LONGEST_S
        return wanted and kills.total() >= options.kills and passed_s >= options.seconds

    async def watching() -> None:
        while True:
            await watcher.look()
            open_, kills = watcher.open(options.videos - len(tube.later)), _kills(killers).total()
            tell(f"{kills} kills, {open_} uploads to go, {watcher.looks} looks.")
            await asyncio.sleep(1.0)

    async def weather() -> None:
        while True:
            tube.consent_until = time.monotonic() + 6.0
            for _ in range(5):
                await asyncio.sleep(2.0)
                tube.upload()

    following = [asyncio.ensure_future(watcher.follow(guild)) for guild in GUILDS]
    beside = [asyncio.ensure_future(watching()), asyncio.ensure_future(weather())]
    await asyncio.gather(*(killer.go_on(enough) for killer in killers))
    await asyncio.gather(*following)
    for task in beside:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _done(options: Options, tube: RudeTube, watcher: Watcher, tell: Tell) -> int:
    """Until everything that was uploaded is decided about; how many are not in the end."""
    tube.rude, tube.consent_until = False, 0.0
    while tube.later:
        tube.upload()
    tell("all is well again.")
    until_s = time.monotonic() + _DONE_S
    while True:
        await watcher.retry()
        await watcher.look()
        open_ = watcher.open(options.videos)
        if not open_ or time.monotonic() > until_s:
            tell(f"{open_} uploads are open.")
            await watcher.told()
            return open_
        await asyncio.sleep(0.5)


def main() -> int:
    """Run once; the last line is the figures as JSON. Exit code: 0 if nothing was found that must not be."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.ingest_run", description=__doc__)
    parser.add_argument("--videos", type=int, help="uploads of the channel, for each of three guilds")
    parser.add_argument("--kills", type=int, help="kill at least so often")
    parser.add_argument("--seconds", type=float, help="go on killing for at least so long")
    parser.add_argument("--seed", type=int, help="repeat the choices of another run")
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        figures = asyncio.run(run(Options(**given), Path(folder), _tell))
    sys.stdout.write(json.dumps(figures) + "\n")
    return int(any(figures[fault] for fault in FAULTS))


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
