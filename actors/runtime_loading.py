"""Rebuilds entities from the journal when they are first called, each once however many wait for it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from actors.runtime_live import FUTURE_S, REMEMBER_S, Live
from core.entities import EntityKind
from core.entity_codec import Codec
from core.errors import BotError, JournalUnreadable, Unavailable
from core.journal import Journal, Loaded
from core.streams import stream_of

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")

_AT_ONCE = 500
_log = logging.getLogger(__name__)


class Loader(Generic[S, C, E]):
    """Puts what is called for into `live`. `reading` runs a function in a thread; without a journal all begins anew."""

    def __init__(
        self,
        kind: EntityKind[S, C, E],
        codec: Codec[S, C, E],
        journal: Journal | None,
        live: dict[str, Live[S, C, E]],
        reading: Callable[[Callable[[], Any]], Awaitable[Any]],
        clock: Callable[[], float],
    ) -> None:
        self._kind, self._codec, self._journal = kind, codec, journal
        self._live, self._reading, self._clock = live, reading, clock
        self._waited: dict[str, asyncio.Future[None]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def load(self, keys: Iterable[str]) -> dict[str, BotError]:
        """Make these entities resident; returns why, for each that cannot be."""
        wanted = {key for key in keys if key not in self._live}
        if not wanted:
            return {}
        loop = asyncio.get_running_loop()
        fresh = [key for key in wanted if key not in self._waited]
        if fresh:
            self._waited |= {key: loop.create_future() for key in fresh}
            # A task of its own: whoever asked first may be cancelled, others wait for the same.
            running = loop.create_task(self._load(fresh))
            self._running.add(running)
            running.add_done_callback(self._running.discard)
        waited = {key: self._waited[key] for key in wanted}
        await asyncio.wait(waited.values())
        failed = {key: each.exception() for key, each in waited.items()}
        return {key: error for key, error in failed.items() if isinstance(error, BotError)}

    async def ended(self) -> None:
        """Until nothing is being loaded."""
        while self._running:
            await asyncio.wait(self._running)

    async def _load(self, keys: Sequence[str]) -> None:
        for first in range(0, len(keys), _AT_ONCE):
            piece = keys[first : first + _AT_ONCE]
            found: Mapping[str, Live[S, C, E] | BotError]
            try:
                found = await self._reading(lambda piece=piece: self._read(piece))  # type: ignore[misc]
            except BotError as error:
                found = dict.fromkeys(piece, error)
            except Exception as error:  # noqa: BLE001 - whoever waits must be told
                name = f"The journal of {self._kind.name}"
                _log.exception("%s could not be read for a reason that nobody foresaw", name)
                found = dict.fromkeys(piece, Unavailable(name, f"Tell the people who run this bot ({error!r})."))
            for key in piece:
                self._end(key, found[key])

    def _read(self, keys: Sequence[str]) -> Mapping[str, Live[S, C, E] | BotError]:
        """Runs in a thread, the replay too: a long history must not hold up others."""
        if self._journal is None:
            return {key: Live(key, self._kind.initial(key)) for key in keys}
        since = self._clock() - REMEMBER_S - FUTURE_S
        streams = {key: stream_of(self._kind.name, key) for key in keys}
        found = self._journal.load(streams.values(), since)
        return {key: self._rebuilt(key, found[stream], since) for key, stream in streams.items()}

    def _rebuilt(self, key: str, loaded: Loaded, since: float) -> Live[S, C, E] | BotError:
        try:
            return Live.load(key, self._kind, self._codec, loaded, since)
        except BotError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a stream that cannot be replayed must not keep others from it
            stream = stream_of(self._kind.name, key)
            _log.exception("%s cannot be replayed", stream)
            return JournalUnreadable(f"{stream} cannot be replayed ({error!r}).", "Run the release that wrote it.")

    def _end(self, key: str, found: Live[S, C, E] | BotError) -> None:
        waited = self._waited.pop(key)
        if isinstance(found, BotError):
            waited.set_exception(found)
            waited.exception()  # whoever waits asks again; nobody may be left
        else:
            found.used_s = time.monotonic()
            self._live[key] = found
            waited.set_result(None)
