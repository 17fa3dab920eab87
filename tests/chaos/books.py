"""What must be in the state by the callers' notes, and what is: by the actors' answers and by replaying the journal.

A book is what a stream comes to, in a form that time alone does not change.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from core import activity, budget_state
from core.activity import Activity, ActivityReport
from core.budget_messages import BudgetReport
from core.budget_state import Budget
from core.budgets import KIND
from core.entities import EntityKind
from core.entity_codec import Codec
from core.journal import Entry, Snapshot
from core.rate_limit_messages import Quota
from core.rate_limits import RateLimits
from core.spending import NOTHING, Amount
from core.time_travel import Past
from tests.actors.counters import Counts, Total
from tests.chaos.notes import Note
from tests.chaos.oracle import READING, Finding, Histories
from tests.chaos.stage import LIMITS

Book = tuple[Any, ...]
Books = Mapping[str, Book]


def book(told: object) -> Book:
    """What an actor told, or what a state comes to."""
    match told:
        case Total(total, adds):
            return total, adds
        case Counts(total, adds):
            return total, adds
        case BudgetReport():
            # A reservation that expires goes from one to the other.
            amount = told.month.spent.plus(told.month.reserved)
            return amount.cost_usd.normalize(), amount.tokens
        case Budget():
            newest = max([told.month.since, told.day.since, *(reserved.at for reserved in told.held)])
            return book(budget_state.report(told, newest, LIMITS))
        case Activity():
            return book(activity.report(told))
        case ActivityReport():
            return (told.logged.total,)
        case Quota() | RateLimits():
            return (told.spent,)
    raise TypeError(told)


def expected(notes: Iterable[Note], histories: Histories, old: Mapping[str, int]) -> Books:
    """The books by what callers did: what was acknowledged, and what the journal says was done unheard.

    `old` is how often 1 was added to the counters before.
    """
    counted = {f"CrashedCounter/{key}": (float(adds), adds) for key, adds in old.items()}
    logged: defaultdict[str, int] = defaultdict(int)
    amounts: dict[tuple[str, str], Amount] = {}
    for note, what in _done(notes, histories):
        stream = f"{note.kind}/{note.key}"
        match what:
            case "Total":
                total, adds = counted[stream]
                counted[stream] = total + note.args[0], adds + 1
            case "Noted":
                logged[stream] += len(note.args[0])
            case "Reserved" | "Settled":
                amounts[stream, note.args[0]] = Amount(Decimal(note.args[1]), note.args[2])
            case "Released":
                amounts[stream, note.args[0]] = NOTHING
    spent: defaultdict[str, Amount] = defaultdict(lambda: NOTHING)
    for (stream, _), amount in amounts.items():
        spent[stream] = spent[stream].plus(amount)
    budgets = {stream: (amount.cost_usd.normalize(), amount.tokens) for stream, amount in spent.items()}
    return {**counted, **budgets, **{stream: (count,) for stream, count in logged.items()}}


def _done(notes: Iterable[Note], histories: Histories) -> Iterator[tuple[Note, str]]:
    """Each command that was done, once, in the order of asking, with the class of its reply."""
    replies = {kind: histories.replies(kind) for kind in ("CrashedCounter", "BudgetLedger", "ActivityLog")}
    seen = set()
    for note in sorted(notes, key=lambda note: note.began_s):
        if note.kind not in replies or note.method in READING or note.command_id in seen:
            continue
        what = note.told["type"] if note.reply else replies[note.kind].get(note.command_id)
        if what:
            seen.add(note.command_id)
            yield note, what


def rebuilt(kind: EntityKind[Any, Any, Any], stream: str, history: tuple[Sequence[Snapshot], Sequence[Entry]]) -> Book:
    """The book of a stream by replaying all that is kept of it."""
    past = Past(kind, stream.partition("/")[2], *history)
    return book(past.state(past.last))


def altered(
    kind: EntityKind[Any, Any, Any], stream: str, history: tuple[Sequence[Snapshot], Sequence[Entry]]
) -> Iterator[Finding]:
    """The snapshots that are not, bit for bit, what the entries before them give."""
    for each in Past(kind, stream.partition("/")[2], *history).altered():
        yield Finding("altered", f"{stream}: snapshot {each.seq} differs: {each.differences}")


def spent_at_once(stream: str, entries: Sequence[Entry]) -> Iterator[Finding]:
    """Whether a budget's stream, entry by entry, ever has more spent and reserved than the limit."""
    codec, state = Codec(KIND), KIND.initial("")
    for entry in entries:
        state = KIND.replay(state, codec.events(entry))
        day = budget_state.report(state, entry.at, LIMITS).day
        if LIMITS.day.crossed_by(day.spent.plus(day.reserved)):
            yield Finding("overspent", f"{stream}: {day} after entry {entry.seq}")
            return


def compared(name: str, books: Books, other_name: str, other: Books) -> Iterator[Finding]:
    """Where two books differ that must be the same."""
    for stream in sorted(books.keys() | other.keys()):
        one, two = books.get(stream), other.get(stream)
        if one != two:
            yield Finding("differing", f"{stream}: {name} has {one}, {other_name} {two}")


def documents(notes: Iterable[Note], histories: Histories) -> Iterator[Finding]:
    """Every document that was acknowledged is there, and none that nobody logged."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for note, what in _done(notes, histories):
        if what == "Noted":
            ids = {f"tool_use/{document['answer_id']}/{document['number']}" for document in note.args[0]}
            wanted[f"{note.kind}/{note.key}"] |= ids
    for stream in histories.records.keys() | wanted.keys():
        there = {record.record_id for record in histories.records.get(stream, ())}
        for lost in wanted[stream] - there:
            yield Finding("lost", f"{stream}: the document {lost} was acknowledged")
        for more in there - wanted[stream]:
            yield Finding("undone", f"{stream}: the document {more} is there, and was never acknowledged")
