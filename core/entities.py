"""What a durable thing is: a key, a state, and two pure functions that alone may change it.

    decide(state, command, now, chance) -> Decision    what is to happen, and what the caller is told
    evolve(state, event) -> state                      what has happened

Commands are in the imperative (`Reserve`), events in the past tense (`Reserved`). `decide` may refuse with a reply, or
raise BadInput; then it has no events. `evolve` never refuses: the same events give the same state, bit for bit, so
an event carries what `evolve` needs and never a setting. The actor shell (actors/runtime_*.py) loads, journals, answers
and replays.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, TypeVar

import msgspec

from core.errors import BadInput

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")

MAX_KEY_CHARS = 200


class Message(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Base of commands, events and replies; the journal tells them apart by class name. New fields get defaults."""


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Base of states and their parts. Its fields are what a snapshot holds."""


class Chance:
    """The chance of one command: every replay of the same stream gets the same numbers."""

    __slots__ = ("_seed",)

    def __init__(self, stream: str, seq: int) -> None:
        self._seed = (stream, seq)

    def rng(self) -> Random:
        """A generator seeded by the stream and the number of the entry that is being decided."""
        return Random("{}#{}".format(*self._seed))


@dataclass(frozen=True, slots=True)
class Record:
    """A document that belongs to an entity and is too much for its state: kept beside the journal, found by `Find`.

    Written in the same commit as the events. A record with a `record_id` that is there already replaces it. `user` and
    `channel` are whose it is ("" for nobody's); `body` is JSON text.
    """

    record_id: str
    at: float
    kind: str
    body: str
    user: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Find:
    """Which records of an entity: those that match every field given, newest first; `since` <= at < `until`."""

    record_id: str = ""
    kind: str = ""
    user: str = ""
    channel: str = ""
    since: float = 0.0
    until: float = float("inf")
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to do outside of the entity, kept until it is confirmed: at least once, from `due_at` (unix s) on.

    `target` SELF delivers `body` (a command as JSON) to the entity itself, once in effect: a durable reminder. Any
    other target is a handler of the actor, which gets the `effect_id` as a nonce. The same `effect_id` replaces an
    older one.
    """

    effect_id: str
    target: str
    body: str
    due_at: float = 0.0


SELF = "self"


class Decision(msgspec.Struct, Generic[E], frozen=True):
    """What `decide` returns. With events, records, erasures or effects it is written down before `reply` leaves.

    `erased` are ids of records to delete, and all records with `at` < `erased_before` go; `settled` are ids of effects
    that are no longer to happen.
    """

    reply: Any
    events: tuple[E, ...] = ()
    records: tuple[Record, ...] = ()
    erased: tuple[str, ...] = ()
    erased_before: float = 0.0
    effects: tuple[Effect, ...] = ()
    settled: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        return bool(self.events or self.records or self.erased or self.erased_before or self.effects or self.settled)


Upcast = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class EntityKind(Generic[S, C, E]):
    """A kind of entity. `name` is also its actor's class and the beginning of its streams.

    `version` is that of its events and state: raise it when their form changes, and give for the version before a
    function from one event (or the state) as a dict to the next version's form. `keeps_commands` False leaves the
    commands out of the journal, where they hold what must be deletable.
    """

    name: str
    state: type[S]
    commands: Any
    events: Any
    replies: Any
    initial: Callable[[str], S]
    decide: Callable[[S, C, float, Chance], Decision[E]]
    evolve: Callable[[S, E], S]
    version: int = 1
    upcast_event: Mapping[int, Upcast] = field(default_factory=dict)
    upcast_state: Mapping[int, Upcast] = field(default_factory=dict)
    keeps_commands: bool = True

    def replay(self, state: S, events: Iterable[E]) -> S:
        """The state after `events`."""
        for event in events:
            state = self.evolve(state, event)
        return state


def checked_key(key: str) -> str:
    """`key`, if it can name an entity. Raises BadInput where it is empty, too long, or holds control characters."""
    if not isinstance(key, str) or not key.strip():
        raise BadInput("The call names no entity: its key is empty.", "Pass the key of the one that it is for.")
    if len(key) > MAX_KEY_CHARS:
        raise BadInput(f"The key has {len(key):,} characters; at most {MAX_KEY_CHARS} are taken.", "Pass an id.")
    if not key.isprintable():
        raise BadInput(f"The key {key[:40]!r} holds characters that cannot be shown.", "Pass an id.")
    return key
