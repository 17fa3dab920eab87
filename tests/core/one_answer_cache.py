"""One tenant's answer cache for tests: the entity with its events applied, as the shell does it."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from core.answer_cache import KIND, AnswerCache, decide, evolve
from core.answer_cache_messages import Ask, CacheRules, Changed, Command, Drop, Entry, Event, Judge, Judged, Keep, Serve
from core.answer_cache_prior import PRIOR
from core.entities import Chance, Decision

RULES = CacheRules(audit_share=0.0)
SURE, UNSURE = 7.5, -2.0
ROOM = "room/"


class OneCache:
    """`now` may be moved; `erased` are the records that were deleted, `records` those that were written."""

    def __init__(self, rules: CacheRules = RULES) -> None:
        self.rules, self.now = rules, 1_000.0
        self.state = AnswerCache()
        self.events: list[Event] = []
        self.records: dict[str, str] = {}
        self._seq = 0

    def do(self, command: Command) -> Any:
        decision: Decision[Event] = decide(self.state, command, self.now, Chance("AnswerCache/t", self._seq + 1))
        self._seq += decision.writes
        for event in decision.events:
            self.state = evolve(self.state, event)
        self.events += decision.events
        self.records |= {record.record_id: record.body for record in decision.records}
        for record_id in decision.erased:
            self.records.pop(record_id, None)
        return decision.reply

    def judge(
        self, *found: Judged, exact: str = "", scope: str = ROOM, library: str = "l1", shadow: bool = False
    ) -> Serve | Ask:
        reply: Serve | Ask = self.do(Judge(self.rules, scope, library, found, PRIOR.scores, exact, shadow))
        return reply

    def keep(
        self, scope: str = ROOM, recordings: Sequence[str] = ("talk-1",), answer_id: str = "", **of_keep: Any
    ) -> Changed:
        """Keep an answer, as after a look-up in its scope."""
        library = of_keep.pop("library", "l1")
        if self.state.libraries.get(scope) != library:
            self.judge(scope=scope, library=library)
        entry = Entry(scope, answer_id, 0.0, 0.0, tuple(recordings), 0.01)
        reply: Changed = self.do(Keep(self.rules, library, entry, body="{}", **of_keep))
        return reply

    def drop(self, **what: Any) -> Changed:
        reply: Changed = self.do(Drop("forgotten", **what))
        return reply

    def entry_id(self, **of_keep: Any) -> str:
        return self.keep(**of_keep).entry_id

    def replayed(self) -> AnswerCache:
        return KIND.replay(KIND.initial("t"), self.events)


def judged(entry_id: str, score: float = SURE, forbidden: bool = False) -> Judged:
    return Judged(entry_id, f"answer of {entry_id}", score, forbidden)


def auditing(share: float) -> CacheRules:
    return replace(RULES, audit_share=share)
