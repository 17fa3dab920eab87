"""Whether a limit was exceeded at any moment, by the callers' own clocks.

A call's effect came at some time between its beginning and its end. What is counted against a limit is what certainly
was in force, wherever in between that time was: so nothing that is found can be explained away.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from core.budget_messages import BudgetLimits
from core.spending import Amount, day_start
from core.token_buckets import Limits, Rate
from tests.chaos.notes import LEASED_TAKE, Note
from tests.chaos.oracle import Finding

# Clocks of two kinds are compared, which run apart by less; whole tokens are taken.
SLACK_TOKENS = 0.5
Budget = tuple[str, float]


class Move(NamedTuple):
    """At `at_s` so much more, or less, certainly is spent or reserved. What goes, goes first."""

    at_s: float
    comes: bool
    budget: Budget
    cost_usd: Decimal
    tokens: int


def overspent(notes: Iterable[Note], limits: BudgetLimits) -> Iterator[Finding]:
    """The days of tenants on which more than the limit certainly was spent and reserved at one moment."""
    sums: defaultdict[Budget, Amount] = defaultdict(Amount)
    found: dict[Budget, str] = {}
    for move in sorted(_moves(notes)):
        cost_usd, tokens = sums[move.budget].cost_usd + move.cost_usd, sums[move.budget].tokens + move.tokens
        now = sums[move.budget] = Amount(cost_usd, tokens)
        if limits.day.crossed_by(now):
            found.setdefault(move.budget, f"{move.budget[0]}: {now.cost_usd} USD and {now.tokens} tokens are out")
    for text in found.values():
        yield Finding("overspent", text)


def _moves(notes: Iterable[Note]) -> Iterator[Move]:
    held: dict[tuple[str, str], tuple[Budget, Decimal, int]] = {}
    for note in sorted(notes, key=lambda note: note.began_s):
        if note.kind != "BudgetLedger":
            continue
        name = note.key, note.args[0] if note.args else ""
        if note.method == "reserve" and note.reply and note.told["type"] == "Reserved":
            budget = note.key, day_start(note.told["at"])
            held[name] = budget, Decimal(note.args[1]), note.args[2]
            yield Move(note.ended_s, True, *held[name])
        elif note.method in ("settle", "release") and name in held:
            budget, cost_usd, tokens = held.pop(name)
            spent, used = (Decimal(note.args[1]), note.args[2]) if note.method == "settle" else (Decimal(), 0)
            # From the moment at which somebody asked for it, it may have been done.
            yield Move(note.began_s, False, budget, spent - cost_usd, used - tokens)


def over_admitted(notes: Iterable[Note], limits: Limits) -> Iterator[Finding]:
    """The buckets of which, in some window of T seconds, certainly more than burst + rate * T was taken."""
    taken: defaultdict[tuple[str, str], list[Note]] = defaultdict(list)
    for note in notes:
        if note.method in ("take", LEASED_TAKE) and note.reply and note.told["type"] == "Granted":
            for user in {"", note.args[0]}:
                taken[note.key, user].append(note)
    for (key, user), its_notes in taken.items():
        rate = limits.of(user)
        excess = _excess(its_notes, rate) if rate else 0.0
        if excess > SLACK_TOKENS:
            yield Finding("over_admitted", f"{key} {user}: {excess:.1f} tokens more than any window may have")


def _excess(notes: Sequence[Note], rate: Rate) -> float:
    """By how many tokens the fullest window is too full; below 0 where none is."""
    began, ended = (np.array([getattr(note, name) for note in notes]) for name in ("began_s", "ended_s"))
    cost = np.array([note.args[1] for note in notes])
    ends = np.sort(ended)
    place = np.searchsorted(ends, ended)
    # For each end of a window: what was taken between its beginning, which goes back in time, and that end.
    inside = -rate.per_s * ends
    worst = -np.inf
    for number in np.argsort(-began):
        inside[place[number] :] += cost[number]
        worst = max(worst, float(inside[place[number] :].max()) + rate.per_s * began[number])
    return worst - rate.burst
