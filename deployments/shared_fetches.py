"""Two who want the same thing cost one fetch: single flight, and a short memory."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from core.errors import Unavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class SharedCounts:
    """`fetched` calls went out; `joined` waited for another's, `kept` got what had come before."""

    fetched: int = 0
    joined: int = 0
    kept: int = 0


@dataclass(slots=True)
class _Kept(Generic[V]):
    value: V
    size_bytes: int
    begun_s: float


class _Flight(Generic[V]):
    """A fetch that is under way, and how many wait for it."""

    task: asyncio.Task[V]

    def __init__(self, begun_s: float) -> None:
        self.begun_s, self.waiters = begun_s, 0


class SharedFetches(Generic[K, V]):
    """What was fetched under a key is everybody's for a while. For one event loop.

    Who asks while a fetch is under way waits for that one. Its result is kept for `fresh_s` from when it was asked for;
    its error goes to those who waited then, and to nobody later. One who goes away takes it from nobody else; when
    all have gone it is cancelled. At most `max_entries` and `max_bytes` are kept, the oldest go first.

    Tenants share it: the key must hold all that the result depends on, and nothing in it may be one tenant's own.
    Values are handed out as they are, so they must not be changed.
    """

    def __init__(
        self,
        *,
        fresh_s: float,
        max_entries: int,
        max_bytes: int,
        size_of: Callable[[V], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`size_of` tells the bytes of a value; `clock` gives seconds and never goes back."""
        self._fresh_s, self._max_entries, self._max_bytes = fresh_s, max_entries, max_bytes
        self._size_of, self._clock = size_of, clock
        self._flights: dict[K, _Flight[V]] = {}
        self._kept: dict[K, _Kept[V]] = {}  # the oldest first
        self._kept_bytes = 0
        self._counts = SharedCounts()

    async def get(self, key: K, fetch: Callable[[], Awaitable[V]]) -> V:
        """What is kept under `key`, or what `fetch` gives. Raises what `fetch` raises."""
        kept = self._kept.get(key)
        if kept is not None:
            if self._clock() < kept.begun_s + self._fresh_s:
                self._counts.kept += 1
                return kept.value
            self.forget(key)
        flight = self._flights.get(key)
        if flight is None:
            self._counts.fetched += 1
            flight = self._flights[key] = _Flight(self._clock())
            flight.task = asyncio.get_running_loop().create_task(self._fly(key, flight, fetch))
            flight.task.add_done_callback(_look_at)
        else:
            self._counts.joined += 1
        return await self._wait_for(key, flight)

    def forget(self, key: K) -> None:
        """Keep it no longer; a fetch that is under way goes on."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._kept_bytes -= kept.size_bytes

    def clear(self) -> None:
        """Keep nothing any longer; fetches that are under way go on."""
        self._kept.clear()
        self._kept_bytes = 0

    def counts(self) -> SharedCounts:
        """What happened since the beginning."""
        return replace(self._counts)

    async def close(self) -> None:
        """Cancel what is under way: those who wait for it are told Unavailable."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._flights.clear()
        self.clear()

    async def _wait_for(self, key: K, flight: _Flight[V]) -> V:
        flight.waiters += 1
        try:
            # Neither our being cancelled nor its error passes through a wait.
            await asyncio.wait((flight.task,))
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._leave(key, flight)
                flight.task.cancel()
        if flight.task.cancelled():
            raise Unavailable("What was asked for", "Fetching it was given up; try again.")
        return flight.task.result()

    async def _fly(self, key: K, flight: _Flight[V], fetch: Callable[[], Awaitable[V]]) -> V:
        try:
            value = await fetch()
        except BaseException:
            self._leave(key, flight)
            raise
        if self._leave(key, flight):
            self._keep(key, _Kept(value, self._size_of(value), flight.begun_s))
        return value

    def _leave(self, key: K, flight: _Flight[V]) -> bool:
        """Let nobody join any more; False where that was so already."""
        if self._flights.get(key) is not flight:
            return False
        del self._flights[key]
        return True

    def _keep(self, key: K, kept: _Kept[V]) -> None:
        self.forget(key)
        if kept.size_bytes > self._max_bytes or self._clock() >= kept.begun_s + self._fresh_s:
            return
        self._kept[key] = kept
        self._kept_bytes += kept.size_bytes
        while len(self._kept) > self._max_entries or self._kept_bytes > self._max_bytes:
            self.forget(next(iter(self._kept)))


def _look_at(task: asyncio.Task[V]) -> None:
    """An error that all waiters have left behind is nobody's."""
    if not task.cancelled():
        task.exception()
