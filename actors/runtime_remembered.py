"""What an entity remembers of its recent commands, for repeats: each command's id, when it was done, and its reply.

A value, of a form that is small where there is little: most entities were asked a few things and are idle since then.
A function that is given one takes it over: it is not to be used any more.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeAlias

# A few lie flat, oldest first: id, when, reply, id, when, reply, ... More lie in a dict, in the same order.
Remembered: TypeAlias = tuple[Any, ...] | dict[str, tuple[float, Any]]

NOTHING: Remembered = ()
_FLAT = 3 * 4


def remember(known: Remembered, command_id: str, at: float, reply: Any) -> Remembered:
    """What is known with one more."""
    if isinstance(known, tuple):
        if len(known) < _FLAT:
            return (*known, command_id, at, reply)
        known = {known[n]: (known[n + 1], known[n + 2]) for n in range(0, _FLAT, 3)}
    known[command_id] = (at, reply)
    return known


def found(known: Remembered, command_id: str) -> tuple[float, Any] | None:
    """When a command was done, and its reply; None where it is not known."""
    if isinstance(known, dict):
        return known.get(command_id)
    for n in range(0, len(known), 3):
        if known[n] == command_id:
            return known[n + 1], known[n + 2]
    return None


def without(known: Remembered, command_id: str) -> Remembered:
    """What is known without one command."""
    if isinstance(known, dict):
        known.pop(command_id, None)
        return known or NOTHING
    for n in range(0, len(known), 3):
        if known[n] == command_id:
            return known[:n] + known[n + 3 :]
    return known


def forget(known: Remembered, before: float, most: int) -> tuple[Remembered, float]:
    """What is known of commands done since `before`, of at most the newest `most`; and when the last one that went was
    done, 0.0 where none went.
    """
    gone, last = 0, 0.0
    count = len_of(known)
    for at in _times(known):
        if at >= before and count - gone <= most:
            break
        gone, last = gone + 1, at
    if not gone:
        return known, last
    if isinstance(known, tuple):
        return known[3 * gone :], last
    # Made anew: a dict whose first items were deleted is slow to find its first item.
    return dict(islice(known.items(), gone, None)) or NOTHING, last


def len_of(known: Remembered) -> int:
    """How many commands are known."""
    return len(known) if isinstance(known, dict) else len(known) // 3


def _times(known: Remembered) -> Iterator[float]:
    return (at for at, _ in known.values()) if isinstance(known, dict) else iter(known[1::3])
