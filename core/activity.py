"""The activity log of one tenant: what was answered, used and thought of it, for as long as the tenant wants.

The documents are records beside the journal (core/activity_documents.py). Commands are not kept, and events, replies
and state hold counts and days alone: so no entry of the journal ever has to be changed for what is deleted.

The promise: a document is there for as long as the retention in force, but for what somebody has deleted, and gone at
the latest a day after that. A retention that becomes shorter, chosen by the tenant or with the next `Log` after the
settings have changed, holds for what is there already: then what is older goes at once. A longer one brings nothing
back.
"""

from typing import TypeAlias

from msgspec.structs import replace

from core.activity_documents import MAX_ERASED, AnswerActivity, Counts, Document, Reason, count, kind_of, record_of
from core.entities import SELF, Chance, Decision, Effect, EntityKind, Message, State
from core.entity_codec import to_json
from core.errors import BadInput

DAY_S = 86_400.0
MIN_DAYS, MAX_DAYS = 1, 3_650
MAX_DOCUMENTS = 100
RETENTION = "retention"


class Activity(State, frozen=True):
    """`chosen_days` is the retention that the tenant set (0: none), `default_days` the one of the last `Log`.

    `logged` counts what was ever logged (a changed vote again), `erased` what was deleted on request. `prune_at` is
    when the reminder is due that deletes what is too old; 0 while nothing is there.
    """

    chosen_days: int = 0
    default_days: int = 0
    newest_at: float = 0.0
    prune_at: float = 0.0
    logged: Counts = Counts()
    erased: Counts = Counts()

    @property
    def retention_days(self) -> int:
        """The retention in force; 0 while nobody has named any."""
        return self.chosen_days or self.default_days


# ---------------------------------------------------------------- commands
class Log(Message, frozen=True):
    """Keep these documents, for `default_days` unless the tenant chose otherwise.

    Without `keep_text` an answer loses its words; also those that an older one with the same id had.
    """

    documents: tuple[Document, ...]
    default_days: int
    keep_text: bool = False


class SetRetention(Message, frozen=True):
    """Keep documents for so many days from now on; None for the default. What is older goes at once."""

    days: int | None


class Erase(Message, frozen=True):
    """Delete these records."""

    record_ids: tuple[str, ...]
    reason: Reason


class Prune(Message, frozen=True):
    """Delete what is older than the retention; the log reminds itself every day while it holds anything."""


# ---------------------------------------------------------------- events
class Logged(Message, frozen=True):
    at: float
    counts: Counts
    default_days: int
    prune_at: float


class RetentionSet(Message, frozen=True):
    """`days` 0: the default again."""

    days: int


class Erased(Message, frozen=True):
    counts: Counts
    reason: Reason


class Pruned(Message, frozen=True):
    """`prune_at` 0: nothing was left."""

    prune_at: float


# ---------------------------------------------------------------- replies
class Noted(Message, frozen=True):
    """The documents are kept."""

    counts: Counts


class Retention(Message, frozen=True):
    """The retention in force, in days; 0 while nothing was logged and none was chosen."""

    days: int


class Forgotten(Message, frozen=True):
    """What was deleted."""

    counts: Counts

    @property
    def total(self) -> int:
        return self.counts.total


class ActivityReport(Message, frozen=True):
    """The log in numbers, as `Activity` describes them. `newest_at` is when the last document was logged, unix s."""

    retention_days: int
    newest_at: float
    logged: Counts
    erased: Counts


Command: TypeAlias = Log | SetRetention | Erase | Prune
Event: TypeAlias = Logged | RetentionSet | Erased | Pruned


# ---------------------------------------------------------------- deciding
def decide(state: Activity, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """What becomes of the log. Raises BadInput for what cannot be kept."""
    del chance
    match command:
        case Log():
            return _log(state, command, now)
        case SetRetention():
            return _set_retention(state, command.days, now)
        case Erase():
            return _erase(command)
        case Prune():
            return _prune(state, now)


def _log(state: Activity, command: Log, now: float) -> Decision[Event]:
    if not 1 <= len(command.documents) <= MAX_DOCUMENTS:
        problem = f"{len(command.documents)} documents were sent to the activity log."
        raise BadInput(problem, f"Send 1 to {MAX_DOCUMENTS} at once.")
    _check_days(command.default_days)
    kept = (document if command.keep_text else _without_words(document) for document in command.documents)
    # One write for each id: of two with the same id the later one stands.
    records = {record.record_id: record for record in (record_of(document, now) for document in kept)}
    counts = count(record.kind for record in records.values())
    prune_at = state.prune_at or now + DAY_S
    effects = () if state.prune_at else (_reminder(prune_at),)
    logged = Logged(now, counts, command.default_days, prune_at)
    after = evolve(state, logged)
    before = _cutoff(after, now) if after.retention_days < state.retention_days else 0.0
    return Decision(Noted(counts), (logged,), records=tuple(records.values()), erased_before=before, effects=effects)


def _without_words(document: Document) -> Document:
    """An answer with its numbers alone. A note was written to be kept."""
    return (
        replace(document, question="", answer="", recordings=()) if isinstance(document, AnswerActivity) else document
    )


def _set_retention(state: Activity, days: int | None, now: float) -> Decision[Event]:
    if days is not None:
        _check_days(days)
    event = RetentionSet(days or 0)
    after = evolve(state, event)
    return Decision(Retention(after.retention_days), (event,), erased_before=_cutoff(after, now))


def _erase(command: Erase) -> Decision[Event]:
    if not 1 <= len(command.record_ids) <= MAX_ERASED:
        raise BadInput(f"{len(command.record_ids)} records are to be erased.", f"Name 1 to {MAX_ERASED} at once.")
    ids = tuple(dict.fromkeys(command.record_ids))
    counts = count(kind_of(record_id) for record_id in ids)
    return Decision(Forgotten(counts), (Erased(counts, command.reason),), erased=ids)


def _prune(state: Activity, now: float) -> Decision[Event]:
    before = _cutoff(state, now)
    prune_at = now + DAY_S if state.newest_at >= before and state.prune_at else 0.0
    effects = (_reminder(prune_at),) if prune_at else ()
    return Decision(Retention(state.retention_days), (Pruned(prune_at),), erased_before=before, effects=effects)


def _cutoff(state: Activity, now: float) -> float:
    """What was logged before this is too old."""
    return max(0.0, now - state.retention_days * DAY_S) if state.retention_days else 0.0


def _reminder(due_at: float) -> Effect:
    return Effect(RETENTION, SELF, to_json(Prune()), due_at)


def _check_days(days: int) -> None:
    if not isinstance(days, int) or not MIN_DAYS <= days <= MAX_DAYS:
        raise BadInput(f"{days!r} is no retention.", f"Pass whole days, {MIN_DAYS} to {MAX_DAYS:,}.")


def evolve(state: Activity, event: Event) -> Activity:
    """The log after `event`."""
    match event:
        case Logged():
            return replace(
                state,
                newest_at=event.at,
                prune_at=event.prune_at,
                default_days=event.default_days,
                logged=state.logged + event.counts,
            )
        case RetentionSet():
            return replace(state, chosen_days=event.days)
        case Erased():
            return replace(state, erased=state.erased + event.counts)
        case Pruned():
            return replace(state, prune_at=event.prune_at)


def report(state: Activity) -> ActivityReport:
    """The log in numbers."""
    return ActivityReport(state.retention_days, state.newest_at, state.logged, state.erased)


KIND: EntityKind[Activity, Command, Event] = EntityKind(
    name="ActivityLog",
    state=Activity,
    commands=Command,
    events=Event,
    replies=Noted | Retention | Forgotten,
    initial=lambda _: Activity(),
    decide=decide,
    evolve=evolve,
    # They hold what people asked: only records do, which can be deleted.
    keeps_commands=False,
)
