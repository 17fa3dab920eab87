"""The answers of one tenant that may be given again.

The promises: an answer is served only within the scope (workspace, and recordings where the question names them) in
which it was given, and only while every recording that it quotes is there and the library that it was made from is the
same. Of what is served at most the share `delta` is wrong (`core.hit_bounds`). What is deleted is never served again.

The key is the tenant; a scope is a partition inside. So the bound is the tenant's, what a tenant forgets is found in
one place, and a search never sees another scope's entries. Commands are not kept, and events, replies and state hold no
words: these stand in records, which can be deleted. An index over them lives in the actor. It may be behind: whether an
entry may be served is decided here, and `changes` tells the actor that its index is old.

A clock that is set back serves nothing that was stored later than now; one that jumps ahead lets entries age early.
"""

from hashlib import blake2b
from typing import assert_never

from msgspec.structs import replace

from core.answer_cache_messages import (
    Ask,
    Asked,
    CacheRules,
    Changed,
    Command,
    Drop,
    Dropped,
    Entries,
    Event,
    Judge,
    Keep,
    LibraryChanged,
    Prune,
    PruneSet,
    Reason,
    Reply,
    Serve,
    Served,
    Stored,
    Synchronise,
    WouldServe,
)
from core.answer_cache_state import AnswerCache, evolve, report
from core.entities import SELF, Chance, Decision, Effect, EntityKind, Record
from core.entity_codec import to_json
from core.errors import BadInput
from core.hit_bounds import audit_probability, halted, lower_probability, threshold
from core.tenancy import TenantContext

__all__ = ["ENTRY", "KIND", "AnswerCache", "decide", "evolve", "report", "scope_of"]

ENTRY = "entry"
_PRUNING = "prune"
_PRUNE_EVERY_S = 86_400.0


def scope_of(tenant: TenantContext, recording_ids: tuple[str, ...] = ()) -> str:
    """What a question is asked about: the workspace, or some recordings in it, in any order."""
    named = "\x1f".join(sorted(set(recording_ids)))
    return f"{tenant.workspace}/{blake2b(named.encode(), digest_size=12).hexdigest() if named else ''}"


def decide(state: AnswerCache, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """What becomes of the cache. Raises BadInput for what cannot be kept."""
    match command:
        case Judge():
            return _judge(state, command, now, chance)
        case Keep():
            return _keep(state, command, now)
        case Drop():
            return _drop(state, command)
        case Prune():
            return _prune(state, command.max_age_s, now)
        case Synchronise():
            answers = {entry_id: entry.answer_id for entry_id, entry in state.entries.items()}
            return Decision(Entries(state.changes, answers))
        case _:
            assert_never(command)


# ---------------------------------------------------------------- looking up
def _judge(state: AnswerCache, command: Judge, now: float, chance: Chance) -> Decision[Event]:
    known = state.libraries.get(command.scope)
    if known != command.library:
        return _other_library(state, command, known is not None)
    if _servable(state, command.exact, command, now):
        if command.shadow:
            return Decision(Ask(state.changes, audited=True, probability=1.0), (WouldServe(now, exact=True),))
        return Decision(_serve(state, command.exact, 1.0, exact=True), (Served(command.exact, now),))
    allowed = [each for each in command.found if not each.forbidden and _servable(state, each.entry_id, command, now)]
    best = max(allowed, key=lambda each: each.score, default=None)
    if best is None:
        return Decision(Ask(state.changes))
    rules = command.rules
    probability = lower_probability(state.bounds, best.score, rules.caution)
    if best.score < threshold(state.bounds, rules.delta, rules.caution, command.prior_scores):
        return Decision(Ask(state.changes, best, probability=probability))
    # While it is halted too: only audits can say that it may go on.
    audit = halted(state.bounds, rules.delta) or chance.rng().random() < audit_probability(
        state.bounds, rules.audit_share
    )
    if command.shadow or audit:
        return Decision(Ask(state.changes, best, audited=True, probability=probability), (WouldServe(now),))
    return Decision(_serve(state, best.entry_id, probability), (Served(best.entry_id, now, best.score),))


def _serve(state: AnswerCache, entry_id: str, probability: float, exact: bool = False) -> Serve:
    return Serve(entry_id, probability, state.changes, exact, state.entries[entry_id].cost_usd)


def _servable(state: AnswerCache, entry_id: str, command: Judge, now: float) -> bool:
    entry = state.entries.get(entry_id)
    return (
        entry is not None and entry.scope == command.scope and 0.0 <= now - entry.stored_at <= command.rules.max_age_s
    )


def _other_library(state: AnswerCache, command: Judge, known: bool) -> Decision[Event]:
    """Answers from another library may be wrong or lack something now: they go."""
    gone = tuple(entry_id for entry_id, entry in state.entries.items() if entry.scope == command.scope)
    changed = LibraryChanged(command.scope, command.library)
    if not known or not gone:
        return Decision(Ask(state.changes), (changed,))
    return Decision(Ask(state.changes + 1), (changed, Dropped(gone, "library")), erased=gone)


# ---------------------------------------------------------------- keeping
def _keep(state: AnswerCache, command: Keep, now: float) -> Decision[Event]:
    asked = Asked(command.cost_usd, command.score, command.right, command.audited)
    entry = command.entry
    if entry is None or state.libraries.get(entry.scope) != command.library:
        # Made from a library that is not this scope's any more.
        return Decision(Changed(state.changes, state.changes), (asked,))
    if len(command.body.encode()) > command.rules.max_bytes:
        raise BadInput("The answer is longer than the cache keeps.", "Keep shorter answers, or raise the bound.")
    entry_id = f"{ENTRY}/{state.numbered + 1}"
    answer_id = entry.answer_id if any(its.answer_id == entry.answer_id for its in state.entries.values()) else entry_id
    entry = replace(entry, answer_id=answer_id, stored_at=now, used_at=now)
    prune_at = state.prune_at or now + _PRUNE_EVERY_S
    gone = _making_room(state, command, now)
    reasons: dict[Reason, list[str]] = {}
    for gone_id, reason in gone.items():
        reasons.setdefault(reason, []).append(gone_id)
    events: tuple[Event, ...] = (
        asked,
        *(Dropped(tuple(ids), reason) for reason, ids in reasons.items()),
        Stored(entry_id, entry, prune_at),
    )
    reply = Changed(state.changes, state.changes + len(reasons) + 1, entry_id, answer_id, tuple(gone))
    record = Record(entry_id, now, ENTRY, command.body, command.user, entry.scope.rpartition("/")[0])
    effects = () if state.prune_at else (_reminder(prune_at, command.rules),)
    return Decision(reply, events, records=(record,), erased=tuple(gone), effects=effects)


def _making_room(state: AnswerCache, command: Keep, now: float) -> dict[str, Reason]:
    """What goes before one more entry comes: the same words, what is too old, and the least recently used."""
    rules = command.rules
    gone: dict[str, Reason] = {command.replaces: "replaced"} if command.replaces in state.entries else {}
    if len(state.entries) - len(gone) >= rules.max_entries:
        gone |= {key: "age" for key in _too_old(state, rules.max_age_s, now) if key not in gone}
        left = sorted((entry.used_at, key) for key, entry in state.entries.items() if key not in gone)
        gone |= {key: "size" for _, key in left[: max(0, len(left) - rules.max_entries + 1)]}
    return gone


# ---------------------------------------------------------------- deleting
def _matching(state: AnswerCache, command: Drop) -> tuple[str, ...]:
    named, recordings = frozenset(command.entry_ids), frozenset(command.recordings)
    prefix = f"{command.workspace}/"
    return tuple(
        entry_id
        for entry_id, entry in state.entries.items()
        if command.everything
        or entry_id in named
        or not recordings.isdisjoint(entry.recordings)
        or (command.workspace and entry.scope.startswith(prefix) and "/" not in entry.scope[len(prefix) :])
    )


def _drop(state: AnswerCache, command: Drop) -> Decision[Event]:
    gone = _matching(state, command)
    # What is named goes from the disk even where no entry knows of it any more.
    erased = tuple(dict.fromkeys((*gone, *command.entry_ids)))
    if not gone:
        return Decision(Changed(state.changes, state.changes), erased=erased)
    reply = Changed(state.changes, state.changes + 1, dropped=gone)
    return Decision(reply, (Dropped(gone, command.reason),), erased=erased)


def _prune(state: AnswerCache, max_age_s: float, now: float) -> Decision[Event]:
    gone = _too_old(state, max_age_s, now)
    prune_at = now + _PRUNE_EVERY_S if len(gone) < len(state.entries) else 0.0
    dropped = (Dropped(gone, "age"),) if gone else ()
    reply = Changed(state.changes, state.changes + len(dropped), dropped=gone)
    effects = (Effect(_PRUNING, SELF, to_json(Prune(max_age_s)), prune_at),) if prune_at else ()
    return Decision(reply, (*dropped, PruneSet(prune_at)), erased=gone, effects=effects)


def _too_old(state: AnswerCache, max_age_s: float, now: float) -> tuple[str, ...]:
    return tuple(entry_id for entry_id, entry in state.entries.items() if now - entry.stored_at > max_age_s)


def _reminder(due_at: float, rules: CacheRules) -> Effect:
    return Effect(_PRUNING, SELF, to_json(Prune(rules.max_age_s)), due_at)


KIND: EntityKind[AnswerCache, Command, Event] = EntityKind(
    name="AnswerCache",
    state=AnswerCache,
    commands=Command,
    events=Event,
    replies=Reply,
    initial=lambda _: AnswerCache(),
    decide=decide,
    evolve=evolve,
    # They hold what people asked: only records do, which can be deleted.
    keeps_commands=False,
)
