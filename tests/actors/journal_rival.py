"""An incarnation that fights for a shard: `python -m tests.actors.journal_rival URL NAME COUNT`.

It claims the shard whenever it was fenced, and appends until `COUNT` entries were acknowledged and it was fenced at
least once; then it claims once more and leaves. It prints, as JSON, what it was told.
"""

import json
import random
import sys
import time

from core.errors import Fenced
from core.journal import Journal, Write
from tests.actors.journals import SHARD, entry, kept, opened

STREAM = "Counter/fought over"


class Rival:
    """Remembers the ids of the commands that were acknowledged, in order, and of those that were not."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name, self._number = url, name, 0
        self.acknowledged: list[str] = []
        self.refused: list[str] = []

    def fight(self, count: int) -> None:
        """Claim and append, until `count` were acknowledged and the other one was met."""
        with opened(self._url) as journal:
            while len(self.acknowledged) < count or not self.refused:
                journal.claim(SHARD, self._name)
                seq = len(kept(journal, STREAM))
                while self._append(journal, seq + 1, self._name) and (
                    len(self.acknowledged) < count or not self.refused
                ):
                    seq += 1
                time.sleep(random.random() / 100)  # so that the other one gets somewhere
            journal.claim(SHARD, self._name)

    def impersonate(self, count: int, incarnation: str) -> None:
        """Append as if it was `incarnation`, which others are too: nobody is fenced."""
        with opened(self._url) as journal:
            while len(self.acknowledged) < count:
                self._append(journal, len(kept(journal, STREAM)) + 1, incarnation)

    def _append(self, journal: Journal, seq: int, incarnation: str) -> bool:
        self._number += 1
        command_id = f"{self._name}:{self._number}"
        write = Write(STREAM, entry(STREAM, seq, 1.0, command_id=command_id))
        try:
            lost = bool(journal.commit(SHARD, incarnation, [write]))
        except Fenced:
            lost = True
        (self.refused if lost else self.acknowledged).append(command_id)
        return not lost


if __name__ == "__main__":
    rival = Rival(sys.argv[1], sys.argv[2])
    rival.fight(int(sys.argv[3]))
    print(json.dumps([rival.acknowledged, rival.refused]))  # noqa: T201  # its answer
