"""A process that commits and is killed at a named step: `python -m tests.actors.journal_victim URL STEP`.

It prints the number of each commit that was acknowledged, compacts now and then, and ends by SIGKILL the third time
that it comes to the step.
"""

import asyncio
import os
import signal
import sys

from actors.runtime_commits import GroupCommit
from core.journal import Step
from tests.actors.journal_commits import writes
from tests.actors.journals import SHARD, opened

LETHAL = 3
COMPACTED_AT = 5


class Killer:
    """Ends the process at the step, as a power cut would."""

    def __init__(self, step: Step) -> None:
        self._step, self._times = step, 0

    def __call__(self, step: Step) -> None:
        self._times += step is self._step
        if self._times == LETHAL:
            os.kill(os.getpid(), signal.SIGKILL)


def unexpected(*told: object) -> None:
    raise AssertionError(told)


async def main(url: str, step: Step) -> None:
    at_step = Killer(step)
    with opened(url, "one", at_step) as journal:
        commits = GroupCommit(journal, SHARD, "one", unexpected, unexpected, at_step)
        for number in range(1, 20):
            (batch, *_) = [commits.append(write) for write in writes(number)]
            await batch.wait()
            assert batch.error_of("") is None
            print(number, flush=True)  # noqa: T201  # acknowledged
            if number == COMPACTED_AT:
                await commits.run(lambda: journal.compact(4.0, 100))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Step(sys.argv[2])))
