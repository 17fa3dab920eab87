"""Work in a thread that a process does not wait for when it ends."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_daemon_thread(work: Callable[[], T], name: str) -> "asyncio.Future[T]":
    """Run `work` in a daemon thread, so that one that hangs cannot keep the process from ending.

    The thread goes on where nobody awaits the result any more: shield it, and give `work` a way to notice.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - nothing is swallowed: it is raised in the caller
            done.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    result = asyncio.wrap_future(done)
    result.add_done_callback(lambda late: late.cancelled() or late.exception())  # so that a late error is seen
    return result
