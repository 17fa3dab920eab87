"""One running bot for each data folder: who holds it, and where it can be reached."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import StartupFailed, WriteFailed


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running bot is: its process, Ray's address, the HTTP API and the dashboard."""

    pid: int
    ray: str
    api: str
    dashboard: str


class Instance:
    """The right to run on a data folder. The lock belongs to the process, so a crash gives it back."""

    def __init__(self, record: Path) -> None:
        self._record = record

    def publish(self, addresses: Addresses) -> None:
        """Let others on this machine find this bot."""
        partial = self._record.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(addresses)))
        partial.replace(self._record)


@contextmanager
def held(folder: Path) -> Iterator[Instance]:
    """Hold `folder` for this process.

    Raises StartupFailed where another process holds it, and WriteFailed where it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "bot.lock").open("a")
    except OSError as error:
        raise WriteFailed(f"The data folder {folder}", "Set DATA_DIR to a folder that this user may write.") from error
    record = folder / "bot.json"
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = running(folder)
            who = f"process {other.pid}, API at {other.api}" if other else "it is just starting or stopping"
            raise StartupFailed(
                f"The bot already runs on the data folder {folder} ({who}).",
                'Ask it with `python -m bot.console ask "…"`, stop it, or set DATA_DIR, API_PORT and '
                "CLUSTER_DASHBOARD_PORT to other values.",
            ) from None
        try:
            yield Instance(record)
        finally:
            record.unlink(missing_ok=True)


def running(folder: Path) -> Addresses | None:
    """Where the bot on `folder` is, or None where none runs."""
    try:
        with (folder / "bot.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None  # nobody holds the folder: what stands there was left by a crash
    except BlockingIOError:
        pass
    except OSError:
        return None
    try:
        return Addresses(**json.loads((folder / "bot.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
