"""Serves the sample channel on this machine. `python -m demo.site` does only that, until it is interrupted."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHANNEL = Path(__file__).with_name("channel")
# Settings with which a bot reads a site on this machine, which needs no politeness.
HERE = {"INGEST_ALLOW_LOOPBACK": "true", "PACE_INTERVAL_S": "0.001", "PACE_BURST": "1000"}
# The same port each time, so that the recordings keep their links and a second run finds them unchanged.
PREFERRED_PORT = 8766


class _Files(SimpleHTTPRequestHandler):
    """The files of one folder, without a log."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".vtt": "text/vtt; charset=utf-8",
        ".xml": "application/atom+xml; charset=utf-8",
    }

    delay_s = 0.0

    def do_GET(self) -> None:
        """Answer after `delay_s` seconds, as a site far away does."""
        time.sleep(self.delay_s)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Say nothing: the terminal belongs to the demo."""


@contextmanager
def served(folder: Path = CHANNEL, port: int = PREFERRED_PORT, delay_s: float = 0.0) -> Iterator[str]:
    """Serve `folder` on 127.0.0.1, on `port` or, if that is taken, on any other; gives the address of its feed.

    Every answer comes after `delay_s` seconds.
    """
    files = type("_SlowFiles", (_Files,), {"delay_s": delay_s})
    handler = partial(files, directory=str(folder))
    with _bound(handler, port) as server:
        thread = threading.Thread(target=server.serve_forever, name="sample channel", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/feed.xml"
        finally:
            server.shutdown()
            thread.join()


def _bound(handler: partial[_Files], port: int) -> ThreadingHTTPServer:
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        return ThreadingHTTPServer(("127.0.0.1", 0), handler)


def main(wait: Callable[[], object] | None = None) -> None:
    """Serve the sample channel until `wait` is interrupted by Ctrl-C."""
    with served() as feed:
        sys.stdout.write(f"The sample channel is at {feed}; Ctrl-C stops it.\n")
        try:
            (wait or threading.Event().wait)()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


if __name__ == "__main__":  # pragma: no cover
    main()
