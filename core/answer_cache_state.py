"""The state of a tenant's answer cache, and how events change it."""

from typing import assert_never

import msgspec
from msgspec.structs import replace

from core.answer_cache_messages import (
    Asked,
    CacheReport,
    CacheRules,
    Dropped,
    Entry,
    Event,
    LibraryChanged,
    PruneSet,
    Served,
    Stored,
    WouldServe,
)
from core.entities import State
from core.hit_bounds import HitBounds, audited, halted, interval, learned, seen, threshold


class Tallies(State, frozen=True, gc=False):
    """What was counted since the cache began; as `CacheReport` describes."""

    asked: int = 0
    hits: int = 0
    exact_hits: int = 0
    would_hits: int = 0
    audits: int = 0
    audits_wrong: int = 0
    saved_usd: float = 0.0
    audit_cost_usd: float = 0.0
    dropped: int = 0


class AnswerCache(State, frozen=True):
    """The entries without their words, what was learned, and what was counted.

    `changes` counts the changes of the set of entries: who has an index of them can tell whether it is up to date.
    `libraries` says from what each scope's answers were made. `numbered` counts the entries that there ever were.
    """

    entries: dict[str, Entry] = msgspec.field(default_factory=dict)
    libraries: dict[str, str] = msgspec.field(default_factory=dict)
    changes: int = 0
    numbered: int = 0
    bounds: HitBounds = HitBounds()
    tallies: Tallies = Tallies()
    prune_at: float = 0.0


def evolve(state: AnswerCache, event: Event) -> AnswerCache:
    """The cache after `event`."""
    match event:
        case Served():
            return _served(state, event)
        case WouldServe():
            return replace(state, tallies=replace(state.tallies, would_hits=state.tallies.would_hits + 1))
        case Asked():
            return _asked(state, event)
        case Stored():
            return replace(
                state,
                entries={**state.entries, event.entry_id: event.entry},
                changes=state.changes + 1,
                numbered=state.numbered + 1,
                prune_at=event.prune_at,
            )
        case Dropped():
            gone = frozenset(event.entry_ids)
            kept = {entry_id: entry for entry_id, entry in state.entries.items() if entry_id not in gone}
            tallies = replace(state.tallies, dropped=state.tallies.dropped + len(state.entries) - len(kept))
            return replace(state, entries=kept, changes=state.changes + 1, tallies=tallies)
        case LibraryChanged():
            return replace(state, libraries={**state.libraries, event.scope: event.library})
        case PruneSet():
            return replace(state, prune_at=event.prune_at)
        case _:
            assert_never(event)


def _served(state: AnswerCache, event: Served) -> AnswerCache:
    entry = state.entries[event.entry_id]
    tallies = replace(
        state.tallies,
        hits=state.tallies.hits + 1,
        exact_hits=state.tallies.exact_hits + (event.score is None),
        saved_usd=state.tallies.saved_usd + entry.cost_usd,
    )
    entries = {**state.entries, event.entry_id: replace(entry, used_at=event.at)}
    bounds = state.bounds if event.score is None else seen(state.bounds, event.score)
    return replace(state, entries=entries, tallies=tallies, bounds=bounds)


def _asked(state: AnswerCache, event: Asked) -> AnswerCache:
    bounds, tallies = state.bounds, replace(state.tallies, asked=state.tallies.asked + 1)
    if event.score is not None:
        bounds = seen(bounds, event.score)
        if event.right is not None:
            bounds = learned(bounds, event.score, event.right)
            if event.audited:
                bounds = audited(bounds, event.right)
    if event.audited and event.right is not None:
        tallies = replace(
            tallies,
            audits=tallies.audits + 1,
            audits_wrong=tallies.audits_wrong + (not event.right),
            audit_cost_usd=tallies.audit_cost_usd + event.cost_usd,
        )
    return replace(state, bounds=bounds, tallies=tallies)


def report(state: AnswerCache, rules: CacheRules, prior_scores: tuple[float, ...]) -> CacheReport:
    """The cache in numbers."""
    its = state.tallies
    low, high = interval(its.audits_wrong, its.audits)
    least = threshold(state.bounds, rules.delta, rules.caution, prior_scores)
    return CacheReport(
        entries=len(state.entries),
        look_ups=its.asked + its.hits,
        hits=its.hits,
        exact_hits=its.exact_hits,
        would_hits=its.would_hits,
        audits=its.audits,
        audits_wrong=its.audits_wrong,
        wrong_low=low,
        wrong_high=high,
        saved_usd=its.saved_usd,
        audit_cost_usd=its.audit_cost_usd,
        dropped=its.dropped,
        threshold=None if least == float("inf") or halted(state.bounds, rules.delta) else least,
    )
