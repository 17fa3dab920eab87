"""What travels between a reference and a shard: a request with an id and a deadline, and what came of it."""

import itertools
import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

# Unique among processes and their restarts; what follows it counts.
_PREFIX = os.urandom(6).hex()
_COUNT = itertools.count()


class Request(NamedTuple):
    """A call of `method` for the entity `key`. A repeat has the same `command_id`; times are unix seconds."""

    method: str
    key: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    command_id: str
    issued_at: float
    deadline_at: float


class Outcome(NamedTuple):
    """What a method returned, or the error that it raised."""

    value: Any = None
    error: BaseException | None = None

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


class Moved(Exception):
    """The entity lives in another shard, or will in a moment: there are `shards` of them, as far as this one knows."""

    def __init__(self, shards: int) -> None:
        super().__init__(shards)
        self.shards = shards


def request(method: str, key: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], deadline_s: float) -> Request:
    """A new request, issued now."""
    now = time.time()
    return Request(method, key, args, kwargs, f"{_PREFIX}-{next(_COUNT):x}", now, now + deadline_s)
