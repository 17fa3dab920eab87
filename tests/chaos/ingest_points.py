"""The moments of a recording's way at which a worker, or who posts, may end."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any

from core.ingest_messages import STORED, TEXT
from tests.chaos.fuses import Fuses


class Point(StrEnum):
    """Named moments, in their order."""

    LISTED = "after a channel was looked at"
    FOUND = "after its follower was told"
    DESCRIBED = "after describe"
    TEXT_KEPT = "after its text was kept"
    STORED = "after store, before that is kept"
    STORED_KEPT = "after that is kept"
    ENDING = "before finish"
    ENDED = "after finish, before reply"


class Post(StrEnum):
    """Moments of a post."""

    WRITING = "before a post"
    POSTED = "after a post, before it is confirmed"


_BEFORE = {"finish": Point.ENDING}
_AFTER = {
    "list_uploads": Point.LISTED,
    "poll": Point.LISTED,
    "found": Point.FOUND,
    "describe": Point.DESCRIBED,
    f"keep {TEXT}": Point.TEXT_KEPT,
    "replace_recording": Point.STORED,
    f"keep {STORED}": Point.STORED_KEPT,
    "finish": Point.ENDED,
}


class Perilous:
    """Passes every call on to `inner`; whoever calls may end before it, or when it is done."""

    def __init__(self, inner: object, fuses: Fuses) -> None:
        self._inner, self._fuses = inner, fuses

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._inner, name)

        async def perilous(*args: Any, **kwargs: Any) -> Any:
            called = f"keep {args[3]}" if name == "keep" else name
            self._burn(_BEFORE, called)
            reply = await method(*args, **kwargs)
            self._burn(_AFTER, called)
            return reply

        return perilous

    def _burn(self, points: Mapping[str, Point], called: str) -> None:
        if point := points.get(called):
            self._fuses(point)
