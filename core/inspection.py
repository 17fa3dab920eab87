"""What `python -m actors.inspect` shows of an entity's past: lines for people, or one document for programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from core.entity_codec import to_json
from core.errors import BadInput
from core.flat_paths import ABSENT, Change, changes, flat, line, plain, said
from core.journal import Entry
from core.moments import utc_text
from core.time_travel import Altered, Moment, Past, Why

_ENCODER = msgspec.json.Encoder(decimal_format="string")


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that nobody gave, and what it would have come to, all JSON; `refused` says why it makes no sense."""

    command: str
    events: tuple[str, ...] = ()
    reply: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """An entity as of `moment`, with at most `most` of its entries until then.

    With `since`, what changed from that moment on stands in place of the state. With `asked`, its answer stands in
    place of why the last decision came out as it did.
    """

    past: Past[Any, Any, Any]
    moment: Moment
    most: int
    since: Moment | None = None
    asked: Asked | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries that are looked at."""
        after = self.since.seq if self.since else 0
        return tuple(entry for entry in self.past.entries if after < entry.seq <= self.moment.seq)

    @property
    def changed(self) -> tuple[Change, ...]:
        """What is different from `since`."""
        before = self.past.state(self.since.seq) if self.since else self._state()
        return tuple(changes(plain(before), plain(self._state())))

    @property
    def why(self) -> Why[Any] | None:
        """Why the last decision came out as it did; None before the first entry."""
        return self.past.why(self.moment.seq) if self.moment.seq else None

    def _state(self) -> Any:
        return self.past.state(self.moment.seq)

    def document(self) -> dict[str, Any]:
        """The inspection as it is written as JSON: states and entries as they are in the journal."""
        found: dict[str, Any] = {
            "kind": self.past.kind.name,
            "key": self.past.key,
            "seq": self.moment.seq,
            **_times(self.moment.at),
            "first_seq": self.past.first,
            "last_seq": self.past.last,
            "state": _raw(to_json(self._state())),
        }
        if self.since:
            found["diff"] = {"since_seq": self.since.seq, **_times(self.since.at), "changes": _listed(self.changed)}
        found["history"] = [_entry_document(entry) for entry in self.entries[-self.most :]]
        if self.asked:
            found["asked"] = _asked_document(self.asked)
        elif why := self.why:
            before = None if why.before is None else _raw(to_json(why.before))
            found["why"] = {"verdict": why.verdict, "because": why.because, "differences": _listed(why.differences)}
            found["why"]["before"] = before
        return found

    def lines(self) -> Iterator[str]:
        """The inspection as text."""
        seq, past = self.moment.seq, self.past
        place = f"after entry {seq} of {past.last}" if seq else f"before its first entry (of {past.last})"
        yield f"{past.stream} {place}, at {utc_text(self.moment.at)}"
        if self.since:
            yield from ("", f"changed since entry {self.since.seq}, at {utc_text(self.since.at)}")
            yield from _change_lines(self.changed)
        else:
            yield from ("", "state", *_state_lines(self._state()))
        yield from self._history_lines()
        if self.asked:
            yield from ("", *_asked_lines(self.asked))
        elif why := self.why:
            yield from ("", *_why_lines(why, past.entry(seq), seq))

    def _history_lines(self) -> Iterator[str]:
        entries = self.entries
        yield from ("", "history")
        if len(entries) > self.most:
            yield f"  ({len(entries) - self.most:,} earlier ones are left out: --last {len(entries)} shows all)"
        elif not entries:
            yield "  no entries"
        width = len(str(self.moment.seq))
        for entry in entries[-self.most :]:
            yield f"  {entry.seq:>{width}}  {utc_text(entry.at)}  {_command(entry)}"
            yield from (f"  {'':{width}}  {text}" for text in _outcome_lines(_events(entry), entry.reply))


def ask(past: Past[Any, Any, Any], moment: Moment, text: str) -> Asked:
    """Decide the command `text` (JSON) as of `moment`. Raises BadInput where the kind has no such command."""
    command = past.command(text)
    try:
        decision = past.ask(moment, command)
        return Asked(to_json(command), tuple(to_json(event) for event in decision.events), to_json(decision.reply))
    except BadInput as error:
        return Asked(to_json(command), refused=str(error))


def verified_lines(past: Past[Any, Any, Any], altered: Sequence[Altered]) -> Iterator[str]:
    """What replaying a whole stream came to."""
    since = f"from the snapshot of entry {past.first} on" if past.first else "from the beginning"
    yield f"{past.stream}: {past.last - past.first:,} entries replayed {since}, {_compared(past):,} snapshots compared."
    for one in altered:
        yield f"The snapshot of entry {one.seq} is not what the entries before it give (entries -> snapshot):"
        yield from _change_lines(one.differences) if one.differences else ("  - only in the order of its parts",)


def verified_document(past: Past[Any, Any, Any], altered: Sequence[Altered]) -> dict[str, Any]:
    """The same for programs."""
    found = [{"seq": one.seq, "differences": _listed(one.differences)} for one in altered]
    of_past = {"kind": past.kind.name, "key": past.key, "first_seq": past.first, "last_seq": past.last}
    return {**of_past, "compared": _compared(past), "altered": found}


def _compared(past: Past[Any, Any, Any]) -> int:
    """Snapshots that have entries before them."""
    return sum(snapshot.seq > past.first for snapshot in past.snapshots)


# ---------------------------------------------------------------- lines
def _state_lines(state: Any) -> Iterator[str]:
    return (f"  {path}: {said(path, value)}" for path, value in flat(plain(state)))


def _change_lines(changed: Iterable[Change]) -> Iterator[str]:
    found = [f"  - {path}: {said(path, before)} -> {said(path, after)}" for path, before, after in changed]
    yield from found or ("  nothing",)


def _why_lines(why: Why[Any], entry: Entry | None, seq: int) -> Iterator[str]:
    yield f"why entry {seq} came out so"
    if why.before is not None:
        yield "  the state before"
        yield from (f"  {text}" for text in _state_lines(why.before))
    if entry:
        yield f"  {_command(entry)}"
        yield from (f"  {text}" for text in _outcome_lines((), entry.reply))
    yield f"  {why.because}"
    yield from _change_lines(why.differences) if why.differences else ()


def _asked_lines(asked: Asked) -> Iterator[str]:
    yield f"asked, and not written: {line(asked.command)}"
    if asked.refused:
        yield f"  refused: {asked.refused}"
    else:
        yield from (f"  {text}" for text in _outcome_lines(asked.events, asked.reply))


def _outcome_lines(events: Iterable[str], reply: str) -> Iterator[str]:
    told, answer = [line(event) for event in events], line(reply)
    if told == [answer]:
        yield f"event and reply {answer}"
        return
    yield from (f"event {event}" for event in told)
    yield f"reply {answer}"


def _command(entry: Entry) -> str:
    return line(entry.command) if entry.command else "(the command is not kept)"


def _events(entry: Entry) -> list[str]:
    try:
        return [bytes(event).decode() for event in msgspec.json.decode(entry.events, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeError):
        return [entry.events]


# ---------------------------------------------------------------- documents
def as_json(document: Mapping[str, Any]) -> str:
    """A document as one line of JSON."""
    return _ENCODER.encode(document).decode()


def _entry_document(entry: Entry) -> dict[str, Any]:
    texts = {"command": _raw(entry.command), "events": _raw(entry.events), "reply": _raw(entry.reply)}
    return {"seq": entry.seq, **_times(entry.at), "command_id": entry.command_id, "version": entry.version, **texts}


def _asked_document(asked: Asked) -> dict[str, Any]:
    command = {"command": _raw(asked.command)}
    if asked.refused:
        return {**command, "refused": asked.refused}
    return {**command, "events": [_raw(event) for event in asked.events], "reply": _raw(asked.reply)}


def _times(at: float) -> Mapping[str, Any]:
    return {"at": at, "time": utc_text(at)}


def _listed(changed: Iterable[Change]) -> list[dict[str, Any]]:
    """A side that has nothing there is left out."""
    return [{name: part for name, part in change._asdict().items() if part is not ABSENT} for change in changed]


def _raw(text: str) -> Any:
    """JSON as it is; None where there is none, and a string where it is no JSON."""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return text or None
    return msgspec.Raw(text.encode())
