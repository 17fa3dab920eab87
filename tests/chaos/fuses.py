"""Ends a process at a named step of a write: a fuse is a file, and who takes it away ends itself."""

import os
import signal
from enum import StrEnum
from pathlib import Path


class Fuses:
    """The fuses of one kind, in a folder. Called at each step of a write, it burns the one that is lit for it.

    Whoever burns it ends by SIGKILL, and leaves its process id behind.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __call__(self, step: StrEnum) -> None:
        pid = os.getpid()
        try:
            # Of all processes at that step one alone can rename it.
            os.rename(self._lit(step), f"{self._folder}/{pid}.burnt")  # noqa: PTH104 - at every step of every write
        except FileNotFoundError:
            return
        os.kill(pid, signal.SIGKILL)

    def light(self, step: StrEnum) -> None:
        """From now on the next process at `step` ends there."""
        Path(self._lit(step)).touch()

    def burnt(self) -> int | None:
        """The process that has ended, told once; None while nobody came by."""
        for burnt in Path(self._folder).glob("*.burnt"):
            burnt.unlink()
            return int(burnt.stem)
        return None

    def put_out(self, step: StrEnum) -> bool:
        """Take the fuse away; False where somebody has burnt it meanwhile."""
        try:
            Path(self._lit(step)).unlink()
        except FileNotFoundError:
            return False
        return True

    def _lit(self, step: StrEnum) -> str:
        return f"{self._folder}/{step.name}"
