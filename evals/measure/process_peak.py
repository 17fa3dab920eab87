"""The largest size of a process while something goes on."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import Unavailable
from evals.measure.memory import named, pss_mb, tree

_EVERY_S = 0.25


@dataclass(slots=True)
class Peak:
    """The largest PSS so far, in MB."""

    mb: float = 0.0


@contextmanager
def peak_mb(name: str) -> Iterator[Peak]:
    """Look every 250 ms at the processes that call themselves `name`, with those that they started.

    They are looked for below this process. Raises Unavailable where there is none.
    """
    pids = named(os.getpid(), name)
    if not pids:
        raise Unavailable(name, "No process has that name.")
    peak, ended = Peak(), threading.Event()

    def look() -> None:
        while True:
            peak.mb = max(peak.mb, sum(pss_mb(each) for pid in pids for each in tree(pid)))
            if ended.wait(_EVERY_S):
                return

    looking = threading.Thread(target=look, name="peak memory", daemon=True)
    looking.start()
    try:
        yield peak
    finally:
        ended.set()
        looking.join()
