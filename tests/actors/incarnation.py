"""One incarnation of the counters' shard in a process of its own, with callers: `python -m tests.actors.incarnation`.

Prints a line of JSON for each command that was acknowledged: its key, and how many additions its reply tells of. With
STOP_AT the process stops itself (SIGSTOP) before it writes its commit of that number, and ends once it is fenced;
without, it takes the shard back whenever it has lost it.
"""

import asyncio
import itertools
import json
import signal
import sys
import threading
from random import Random

from actors.runtime_calls import Moved
from actors.runtime_host import ShardConfig
from core.errors import Fenced
from core.journal import Step
from tests.actors.counters import Counter
from tests.actors.shards import asked

CALLERS = 8
KEYS = 5


async def call(counter: Counter, name: str, commands: int, regain: bool) -> None:
    """Give commands to one caller's keys, each until it is acknowledged, and print what was."""
    rng = Random(name)
    for n in range(commands):
        key = f"key {rng.randrange(KEYS)}"
        request = asked("add", key, command_id=f"{name} {n}")
        while True:
            (came,) = await counter.perform([request])
            if came.error is None:
                print(json.dumps([key, came.value.adds]), flush=True)  # noqa: T201 - what the test reads
                break
            if not isinstance(came.error, Fenced | Moved):
                raise came.error
            if not regain:
                return
            await asyncio.sleep(rng.uniform(0.0, 0.1))
            if counter.pulse().fenced:
                await counter.adopt()


async def run(url: str, name: str, commands: int, stop_at: int) -> None:
    commits = itertools.count(1)

    def at_step(step: Step) -> None:
        if step is Step.BEFORE_APPEND and next(commits) == stop_at:
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # this thread goes not one step further

    counter = Counter(ShardConfig(url, at_step=at_step))
    await asyncio.gather(*(call(counter, f"{name}-{n}", commands, not stop_at) for n in range(CALLERS)))
    await counter.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
