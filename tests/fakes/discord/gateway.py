"""The gateway: HELLO, IDENTIFY, READY, events with sequence numbers, heartbeats, RESUME with replay.

Source: discord.com/developers/docs/events/gateway and topics/opcodes-and-status-codes.
"""

import asyncio
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import zstandard
from aiohttp import WSMsgType, web

from tests.fakes.discord.world import Json

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 3, 6, 7, 9, 10, 11
PRIVILEGED_INTENTS = (1 << 1) | (1 << 8) | (1 << 15)
ALL_INTENTS = (1 << 26) - 1
HEARTBEAT_INTERVAL_MS = 41_250


class Compressor(Protocol):
    """One stream for the life of a socket, flushed after each frame."""

    def frame(self, data: bytes) -> bytes: ...


class Zstd:
    def __init__(self) -> None:
        self._stream = zstandard.ZstdCompressor().compressobj()

    def frame(self, data: bytes) -> bytes:
        return self._stream.compress(data) + self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


class Zlib:
    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def frame(self, data: bytes) -> bytes:
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)


_COMPRESSORS: dict[str, Callable[[], Compressor]] = {"zstd-stream": Zstd, "zlib-stream": Zlib}


@dataclass
class Connection:
    """One socket, and the frames on their way to it: a single writer keeps them in order."""

    socket: web.WebSocketResponse
    request: web.Request
    compressor: Compressor | None

    async def send(self, op: int, data: object = None, event: str | None = None, seq: int | None = None) -> None:
        text = json.dumps({"op": op, "d": data, "t": event, "s": seq})
        if self.socket.closed or self.request.transport is None:
            return
        if self.compressor is None:
            await self.socket.send_str(text)
        else:
            await self.socket.send_bytes(self.compressor.frame(text.encode()))


@dataclass
class Session:
    """What a RESUME goes on from: every event so far, and the socket if one is open."""

    session_id: str
    intents: int
    events: list[tuple[str, Json]] = field(default_factory=list)
    connection: Connection | None = None


class Gateway:
    """Every socket and session. An event for a session without a socket waits for the RESUME."""

    def __init__(self, token: str, ready: Callable[[], list[tuple[str, Json]]]) -> None:
        self._token = token
        self._ready = ready
        self._sessions: dict[str, Session] = {}
        self._open: set[web.WebSocketResponse] = set()
        self.changed = asyncio.Condition()
        self.received: list[Json] = []
        self.identified = 0
        self.resumed = 0
        self.refuse_token = False
        self.url = ""

    # ------------------------------------------------------------ what a test does
    async def dispatch(self, event: str, data: Json, *, intents: int = ALL_INTENTS) -> None:
        """Send an event to each session that asked for one of `intents`, now or when it resumes."""
        for session in self._sessions.values():
            if intents & session.intents or intents == ALL_INTENTS:
                await self._emit(session, event, data)

    async def drop(self) -> None:
        """Cut every socket off without a closing frame, as a failing network does."""
        for session in self._sessions.values():
            connection, session.connection = session.connection, None
            if connection is not None and connection.request.transport is not None:
                connection.request.transport.abort()

    async def close_with(self, code: int) -> None:
        """Close every socket with a code."""
        for session in self._sessions.values():
            connection, session.connection = session.connection, None
            if connection is not None:
                await connection.socket.close(code=code)

    async def ask_to_reconnect(self) -> None:
        """Opcode 7."""
        for session in self._sessions.values():
            if session.connection is not None:
                await session.connection.send(RECONNECT)

    async def invalidate(self, *, resumable: bool) -> None:
        """Opcode 9; a session that cannot be resumed is forgotten."""
        sessions = list(self._sessions.values())
        if not resumable:
            self._sessions.clear()
        for session in sessions:
            if session.connection is not None:
                await session.connection.send(INVALID, resumable)

    def forget(self) -> None:
        """Forget every session's events and id, so that none can be resumed; the sockets stay."""
        for session in self._sessions.values():
            session.session_id = ""
        self._sessions = {f"forgotten {name}": session for name, session in self._sessions.items()}

    async def until(self, wanted: Callable[["Gateway"], bool]) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: wanted(self))

    async def stop(self) -> None:
        for socket in tuple(self._open):
            await socket.close(code=1001)

    # ------------------------------------------------------------ one socket
    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        compressor = _COMPRESSORS.get(request.query.get("compress", ""))
        connection = Connection(socket, request, compressor() if compressor else None)
        self._open.add(socket)
        try:
            if request.query.get("v") != "10":
                await socket.close(code=4012, message=b"Invalid API version.")
                return socket
            await connection.send(HELLO, {"heartbeat_interval": HEARTBEAT_INTERVAL_MS})
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(connection, message.data)
        finally:
            self._open.discard(socket)
            for session in self._sessions.values():
                if session.connection is connection:
                    session.connection = None
        return socket

    async def _take(self, connection: Connection, text: str) -> None:
        try:
            frame = json.loads(text)
            op = frame["op"]
        except (ValueError, TypeError, KeyError):
            await connection.socket.close(code=4002, message=b"Error while decoding payload.")
            return
        self.received.append(frame)
        handlers: dict[int, Callable[[Connection, Any], Any]] = {
            HEARTBEAT: self._heartbeat,
            IDENTIFY: self._identify,
            RESUME: self._resume,
            PRESENCE: _ignore,
        }
        if op not in handlers:
            await connection.socket.close(code=4001, message=b"Unknown opcode.")
            return
        await handlers[op](connection, frame.get("d"))

    async def _heartbeat(self, connection: Connection, _: object) -> None:
        await connection.send(ACK)

    async def _identify(self, connection: Connection, data: Json) -> None:
        if self.refuse_token or data["token"] != self._token:
            await connection.socket.close(code=4004, message=b"Authentication failed.")
            return
        if any(session.connection is connection for session in self._sessions.values()):
            await connection.socket.close(code=4005, message=b"Already authenticated.")
            return
        if data["intents"] & PRIVILEGED_INTENTS:
            await connection.socket.close(code=4014, message=b"Disallowed intent(s).")
            return
        session = Session(f"session-{self.identified}", data["intents"], connection=connection)
        self._sessions[session.session_id] = session
        for event, payload in self._ready():
            extra = {"session_id": session.session_id, "resume_gateway_url": self.url} if event == "READY" else {}
            await self._emit(session, event, {**payload, **extra})
        await self._note(identified=1)

    async def _resume(self, connection: Connection, data: Json) -> None:
        session = self._sessions.get(data["session_id"])
        if session is None or data["token"] != self._token or not 0 <= (data["seq"] or 0) <= len(session.events):
            await connection.send(INVALID, False)
            return
        session.connection = connection
        for seq, (event, payload) in enumerate(tuple(session.events), start=1):
            if seq > (data["seq"] or 0):
                await connection.send(DISPATCH, payload, event, seq)
        await self._emit(session, "RESUMED", {})
        await self._note(resumed=1)

    async def _emit(self, session: Session, event: str, data: Json) -> None:
        session.events.append((event, data))
        if session.connection is not None:
            await session.connection.send(DISPATCH, data, event, len(session.events))

    async def _note(self, identified: int = 0, resumed: int = 0) -> None:
        async with self.changed:
            self.identified += identified
            self.resumed += resumed
            self.changed.notify_all()


async def _ignore(_connection: Connection, _data: object) -> None:
    """A presence update changes nothing here."""
