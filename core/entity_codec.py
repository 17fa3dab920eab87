"""Events, states, commands and replies of a kind as JSON text, with versions: older releases' texts can be read."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Generic, TypeVar, cast

import msgspec

from core.entities import EntityKind, Upcast
from core.errors import BadInput, JournalUnreadable
from core.journal import Entry, Snapshot

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")

_ENCODER = msgspec.json.Encoder(decimal_format="string")


def to_json(value: Any) -> str:
    """`value` as JSON text, from which the same value can be read.

    Raises BadInput where it holds half a character, which is no text, or a number that is not finite.
    """
    return to_json_each([value])[0]


def to_json_each(values: list[Any]) -> list[str]:
    """As `to_json`, of some values at once: for much less than each alone would cost."""
    try:
        # A line each: inside a value every line break is escaped.
        text = _ENCODER.encode_lines(values).decode()
    except UnicodeEncodeError as error:
        raise BadInput("A text holds half a character.", "Send whole characters.") from error
    # Only such a text can be that of a number that is not finite: of a float that becomes null.
    if "null" in text or "NaN" in text or "Infinity" in text:
        _check_finite(msgspec.to_builtins(values, builtin_types=(Decimal,)))
    return text[:-1].split("\n")


def _check_finite(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_finite(key)
            _check_finite(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_finite(inner)
    elif (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, Decimal) and not value.is_finite()
    ):
        raise BadInput(f"The number {value} is not finite.", "Send finite numbers.")


class Codec(Generic[S, C, E]):
    """Reads and writes what the journal keeps of one kind. Raises JournalUnreadable where a text cannot be read."""

    def __init__(self, kind: EntityKind[S, C, E]) -> None:
        self._kind = kind
        form: Any = tuple.__class_getitem__((kind.events, ...))
        self._events = msgspec.json.Decoder(form)
        self._state = msgspec.json.Decoder(kind.state)
        self._command = msgspec.json.Decoder(kind.commands)
        self._reply = msgspec.json.Decoder(kind.replies)

    def events(self, entry: Entry) -> tuple[E, ...]:
        """The events of an entry, whatever version wrote them."""
        try:
            if entry.version == self._kind.version:
                events: tuple[E, ...] = self._events.decode(entry.events)
                return events
            where = _place(entry)
            self._check_version(entry.version, where)
            old = msgspec.json.decode(entry.events, type=list[dict[str, Any]])
            raised = [self._raised(event, entry.version, self._kind.upcast_event, where) for event in old]
            return cast(tuple[E, ...], self._events.decode(_ENCODER.encode(raised)))
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise _unreadable(_place(entry), error) from error

    def state(self, snapshot: Snapshot) -> S:
        """The state of a snapshot, whatever version wrote it."""
        where = f"{snapshot.stream}, snapshot at entry {snapshot.seq},"
        self._check_version(snapshot.version, where)
        try:
            if snapshot.version == self._kind.version:
                return self._state.decode(snapshot.state)
            old = msgspec.json.decode(snapshot.state, type=dict[str, Any])
            raised = self._raised(old, snapshot.version, self._kind.upcast_state, where)
            return self._state.decode(_ENCODER.encode(raised))
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise _unreadable(where, error) from error

    def command(self, text: str) -> C:
        """A command from JSON. Raises BadInput where the kind has none such."""
        try:
            return cast(C, self._command.decode(text))
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise BadInput(f"{self._kind.name} has no such command ({error}).", "See its file in core/.") from error

    def reply(self, entry: Entry) -> Any:
        """The reply that the command of this entry got."""
        return self.reply_in(entry.reply, _place(entry))

    def reply_in(self, text: str, where: str) -> Any:
        """The reply that was kept as `text`; `where` is told in an error."""
        try:
            return self._reply.decode(text)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise _unreadable(where, error) from error

    def _check_version(self, version: int, where: str) -> None:
        if version > self._kind.version:
            problem = f"{where} was written by a newer release (form {version}; this one knows {self._kind.version})."
            raise JournalUnreadable(problem, "Run that release, or a newer one.")

    def _raised(self, form: dict[str, Any], version: int, upcasts: Mapping[int, Upcast], where: str) -> dict[str, Any]:
        for older in range(version, self._kind.version):
            if older not in upcasts:
                raise JournalUnreadable(f"{where} has form {older}, which nothing raises.", "Give the kind an upcast.")
            form = upcasts[older](form)
        return form


def _place(entry: Entry) -> str:
    return f"{entry.stream} at entry {entry.seq}"


def _unreadable(where: str, error: Exception) -> JournalUnreadable:
    return JournalUnreadable(f"{where} cannot be read ({error}).", "Restore the journal from a backup.")
