"""What an entity remembers of its recent commands, for repeats: each one's id, when it was done, and its reply.

A value, which is small where there is little: most entities were asked a few things and are idle since then. The reply
is the JSON text that the journal has too. A function that is given such a value takes it over: it is not to be used any
more.
"""

from itertools import islice
from typing import TypeAlias

import msgspec

# Few lie in one piece, as MessagePack of rows; more in a dict. Both oldest first.
Remembered: TypeAlias = bytes | dict[str, tuple[float, str]]
_Row: TypeAlias = tuple[str, float, str]

NOTHING: Remembered = b""
_PIECE_BYTES = 1_024
_ROWS = msgspec.msgpack.Decoder(list[_Row])


def remember(known: Remembered, command_id: str, at: float, reply: str) -> Remembered:
    """What is known with one more."""
    if isinstance(known, bytes):
        if len(known) < _PIECE_BYTES:
            return _packed([*_rows(known), (command_id, at, reply)])
        known = {row[0]: row[1:] for row in _rows(known)}
    known[command_id] = (at, reply)
    return known


def found(known: Remembered, command_id: str) -> tuple[float, str] | None:
    """When a command was done, and its reply; None where it is not known."""
    if isinstance(known, dict):
        return known.get(command_id)
    if command_id.encode() not in known:
        return None  # as nearly always
    return next((row[1:] for row in _rows(known) if row[0] == command_id), None)


def without(known: Remembered, command_id: str) -> Remembered:
    """What is known without one command."""
    if isinstance(known, bytes):
        return _packed([row for row in _rows(known) if row[0] != command_id])
    known.pop(command_id, None)
    return known or NOTHING


def forget(known: Remembered, before: float, most: int) -> tuple[Remembered, float]:
    """What is known of commands done since `before`, of at most the newest `most`; and when the last one that went was
    done, 0.0 where none went.
    """
    times = [at for _, at, _ in _rows(known)] if isinstance(known, bytes) else [at for at, _ in known.values()]
    gone = max(0, len(times) - most)
    while gone < len(times) and times[gone] < before:
        gone += 1
    if not gone:
        return known, 0.0
    if isinstance(known, bytes):
        return _packed(_rows(known)[gone:]), times[gone - 1]
    # Made anew: a dict whose first items were deleted is slow to find its first item.
    return dict(islice(known.items(), gone, None)) or NOTHING, times[gone - 1]


def _rows(known: bytes) -> list[_Row]:
    return _ROWS.decode(known) if known else []


def _packed(rows: list[_Row]) -> bytes:
    # Copied, to be no longer than it is: the encoder leaves room at the end.
    return bytes(memoryview(msgspec.msgpack.encode(rows))) if rows else b""
