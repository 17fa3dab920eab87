"""A crash test from beginning to end: callers call in many processes, shards are killed, and then all is judged."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median

import ray
from ray.exceptions import RayActorError

from actors.runtime import NAMESPACE, ActorSpec, spawn
from actors.runtime_references import EntityRef
from actors.supervisor import Supervisor
from core.entity_codec import to_json
from core.errors import Unavailable
from core.journal import Step
from core.supervision import Rules
from tests.chaos.judge import Evidence, gathered
from tests.chaos.killer import BACK_S, RANDOM, STOPPED, Killer
from tests.chaos.stage import Plan, cast_of, connected, grow_old
from tests.chaos.workload import work
from tests.fakes.postgres import server

SUPERVISOR, DATABASE = "Supervisor", "database"
WAYS = (RANDOM, *Step, RANDOM)
RULES = Rules(hung_s=3.0, silent_probes=3, wait_s=10.0, forgiven_s=5.0)
TELL_EVERY_S = 10.0
TOLD_FINDINGS = 30
FAULTS = ("lost", "doubled", "undone", "differing", "stale", "altered", "over_admitted", "overspent")
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How much is to happen: at least so many kills and seconds, on SQLite or PostgreSQL."""

    kills: int = 200
    seconds: float = 0.0
    postgres: bool = False
    processes: int = 3
    callers: int = 24
    seed: int = field(default_factory=lambda: random.randrange(1_000_000))


@dataclass
class Kills:
    """What was killed so far, by how, and how long until each was back."""

    killers: Sequence[Killer]
    others: Counter[str] = field(default_factory=Counter)

    def by_way(self) -> Counter[str]:
        return sum((killer.kills for killer in self.killers), self.others.copy())

    def back_s(self, way: str) -> Mapping[str, float]:
        """How long those that were killed so took until they were back, in seconds."""
        times_s = sorted(back_s for killer in self.killers for back_s in killer.back_s[way])
        return {"median": round(median(times_s), 2), "max": round(times_s[-1], 2)} if times_s else {}


async def run(options: Options, folder: Path, tell: Tell) -> Mapping[str, object]:
    """Run and judge; returns the figures. Raises AssertionError where a shard stayed away or a caller failed."""
    began_s, since = time.monotonic(), time.time()
    url = server().fresh() if options.postgres else f"sqlite:///{folder}/journal.db"
    async with connected("local", num_cpus=2, include_dashboard=False, _temp_dir=str(folder / "ray")):
        address = ray.get_runtime_context().gcs_address
        plan = Plan(url, str(folder), address, began_s, options.seed, options.callers)
        kinds = cast_of(plan)
        killers = _killers(plan, kinds.kinds())
        old = await grow_old(plan, max(2.5 * options.kills, 4 * options.seconds))
        watch = await spawn(ActorSpec(SUPERVISOR), Supervisor, kinds.kinds(), rules=RULES)
        await watch.start()
        tell(f"Seed {options.seed}. {options.processes + 1} processes with {options.callers} callers each.")
        kills = Kills(killers)
        await _let_go(options, plan, kills, tell)
        tell(f"{time.monotonic() - began_s:5.0f} s: all callers have ended.")
        await _all_well(watch)
        evidence = await gathered(plan, kinds.kinds(), since, old)
        tell(f"{time.monotonic() - began_s:5.0f} s: judging.")
    return _figures(evidence, kills, time.monotonic() - began_s, tell)


def _killers(plan: Plan, kinds: Sequence[EntityRef]) -> Sequence[Killer]:
    """One for each kind. Shards of one of them are also stopped, first of all, which takes long to be noticed."""
    stopped = Random(plan.seed).choice(kinds)
    killers = []
    for kind in kinds:
        folder = Path(plan.folder, kind.name)
        folder.mkdir()
        ways = (STOPPED, *WAYS, *WAYS) if kind is stopped else WAYS
        killers.append(Killer(kind, str(folder), ways, Random(f"{plan.seed} {kind.name}")))
    return killers


async def _let_go(options: Options, plan: Plan, kills: Kills, tell: Tell) -> None:
    """Callers call and killers kill until there was enough of it; then the callers finish what they are at."""
    let_go_s = time.monotonic()

    def enough() -> bool:
        return kills.by_way().total() >= options.kills and time.monotonic() - let_go_s >= options.seconds

    async with asyncio.TaskGroup() as callers:
        callers.create_task(work(plan, 0))
        for number in range(1, options.processes + 1):
            callers.create_task(_elsewhere(plan, number))
        beside = [callers.create_task(_told(kills, plan.began_s, tell))]
        beside += [callers.create_task(_repeated(_kill_supervisor, SUPERVISOR, 45.0, kills))]
        if options.postgres:
            beside += [callers.create_task(_repeated(_restart_database, DATABASE, 15.0, kills))]
        await asyncio.gather(*(killer.go_on(enough) for killer in kills.killers))
        for task in beside:
            task.cancel()
        plan.end()


async def _elsewhere(plan: Plan, number: int) -> None:
    """Let callers go on in a process of their own. Raises AssertionError with what it said where it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos.workload",
        to_json(plan),
        str(number),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode(errors="replace")[-3000:]


async def _repeated(kill: Callable[[], Awaitable[None]], way: str, every_s: float, kills: Kills) -> None:
    while True:
        await asyncio.sleep(random.uniform(0.5, 1.5) * every_s)
        # One that has not come back yet is not killed again.
        with suppress(RayActorError):
            await kill()
            kills.others[way] += 1


async def _kill_supervisor() -> None:
    """Nobody watches until Ray has started it again."""
    pid = await ray.get_actor(SUPERVISOR, NAMESPACE).__ray_call__.remote(lambda _: os.getpid())
    os.kill(pid, signal.SIGKILL)


async def _all_well(watch: Supervisor) -> None:
    """Until the supervisor finds every shard well. Raises TimeoutError where it does not."""
    async with asyncio.timeout(BACK_S):
        while True:
            with suppress(Unavailable):
                if all(part.healthy for part in await watch.health()):
                    return
            await asyncio.sleep(0.5)


async def _restart_database() -> None:
    # To its end, also where the run is over meanwhile.
    await asyncio.shield(asyncio.to_thread(_crash_database, random.uniform(0, 1)))


def _crash_database(away_s: float) -> None:
    server().stop(signal.SIGQUIT)
    time.sleep(away_s)
    server().start()


async def _told(kills: Kills, began_s: float, tell: Tell) -> None:
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        tell(f"{time.monotonic() - began_s:5.0f} s: {kills.by_way().total()} kills.")


def _figures(evidence: Evidence, kills: Kills, seconds: float, tell: Tell) -> Mapping[str, object]:
    findings = list(evidence.findings())
    for finding in findings[:TOLD_FINDINGS]:
        tell(f"{finding.what}: {finding.text}")
    by_way = kills.by_way()
    acknowledged = sum(1 for note in evidence.notes if note.reply)
    return {
        "kills": by_way.total(),
        "kills_by_step": dict(sorted(by_way.items())),
        "acknowledged": acknowledged,
        "unanswered": dict(Counter(note.error for note in evidence.notes if note.error)),
        **dict.fromkeys(FAULTS, 0),
        **Counter(finding.what for finding in findings),
        "back_s": {way: kills.back_s(way) for way in (*dict.fromkeys(WAYS), STOPPED)},
        "seconds": round(seconds, 1),
    }
