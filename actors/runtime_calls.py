"""What travels between a reference and a shard: a request with an id and a deadline, and what came of it."""

import itertools
import os
import pickle
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from core.errors import Busy

_LONGEST_WAIT_S = 5.0
# Unique among processes and their restarts; what follows it counts. Short: entities remember many of them.
_prefix = urlsafe_b64encode(os.urandom(6)).decode()
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
            raise self.error.with_traceback(None)  # whoever else gets it would add to it
        return self.value


class Moved(Exception):
    """The entity lives in another shard, or will in a moment: there are `shards` of them, as far as this one knows."""

    def __init__(self, shards: int) -> None:
        super().__init__(shards)
        self.shards = shards


def pack(calls: Sequence[Request] | Sequence[Outcome]) -> bytes:
    """What travels, as bytes: plain tuples in a plain pickle. Ray's pickler would ask Python about each object."""
    return pickle.dumps([tuple(call) for call in calls], pickle.HIGHEST_PROTOCOL)


def requests_in(packed: bytes) -> list[Request]:
    return [Request(*row) for row in pickle.loads(packed)]


def outcomes_in(packed: bytes) -> list[Outcome]:
    return [Outcome(*row) for row in pickle.loads(packed)]


def request(
    method: str,
    key: str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    deadline_s: float,
    clock: Callable[[], float] = time.time,
) -> Request:
    """A new request, issued now."""
    now = clock()
    return Request(method, key, args, kwargs, new_command_id(), now, now + deadline_s)


def new_command_id() -> str:
    """An id that no other command has, in whatever process."""
    return f"{_prefix}-{next(_COUNT):x}"


def busy(name: str, waiting: int, answers_per_s: float) -> Busy:
    """The refusal of a call beyond `waiting` ones; it says when those will be done, as far as that can be told."""
    return Busy(name, min(_LONGEST_WAIT_S, max(0.05, waiting / max(answers_per_s, 1.0))))


def _renew_prefix() -> None:
    global _prefix
    _prefix = urlsafe_b64encode(os.urandom(6)).decode()


# A process that was forked counts on from the same number.
os.register_at_fork(after_in_child=_renew_prefix)
