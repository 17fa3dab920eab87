"""An incarnation that fights for a shard.

`python -m tests.actors.journal_rival URL NAME COUNT` prints, as JSON, what it was told. It claims the shard whenever it was fenced, and appends until `COUNT` entries were acknowledged.
"""

import json
import random
import sys
import time

from core.errors import Fenced
from core.journal import Write
from tests.actors.journals import SHARD, entry, kept, opened

STREAM = "Counter/fought over"


def compete(url: str, name: str, count: int, incarnation: str = "") -> tuple[list[str], list[str]]:
    """Returns the ids of the commands that were acknowledged, in order, and of those that were not.

    With an `incarnation` it takes that name of another's and is never fenced.
    """
    acknowledged: list[str] = []
    refused: list[str] = []
    with opened(url) as journal:
        number = 0
        while len(acknowledged) < count:
            if not incarnation:
                journal.claim(SHARD, name)
            seq = len(kept(journal, STREAM))
            try:
                for _ in range(random.randint(1, 5)):
                    number, seq = number + 1, seq + 1
                    command_id = f"{name}:{number}"
                    write = Write(STREAM, entry(STREAM, seq, 1.0, command_id=command_id))
                    lost = journal.commit(SHARD, incarnation or name, [write])
                    (refused if lost else acknowledged).append(command_id)
                    if lost:
                        break
            except Fenced:
                refused.append(command_id)
            time.sleep(random.random() / 500)  # or the two would take turns that never meet
    return acknowledged, refused


if __name__ == "__main__":
    print(json.dumps(compete(sys.argv[1], sys.argv[2], int(sys.argv[3]))))  # noqa: T201  # its answer
