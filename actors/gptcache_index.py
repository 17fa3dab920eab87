"""A tenant's entries, by scope: each scope a GPTCache of its own, made anew from the records where it is not there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.gptcache_stores import ScopedCache, StoredEntry
from core.answer_cache_answers import EntryWords, same_answer, unpacked, words_of
from core.answer_cache_messages import Changed, Entries, Judged
from core.answer_cache_verifier import Verifier
from core.entities import Record
from core.messages import Claim
from core.question_features import QuestionTraits, traits_of


@dataclass(frozen=True, slots=True)
class Found:
    """The answers that may do: judged, the entry of the same words ("" for none), and the claims of all of them."""

    judged: tuple[Judged, ...]
    exact: str
    claims: dict[str, tuple[Claim, ...]]


class TenantIndex:
    """Derived from the records, and possibly behind them: the entity decides what may be served.

    `as_of` is the number of the last change of the entries that is in here; where it is another than the entity's, the
    index is to be made anew.
    """

    def __init__(self, dimensions: int, verifier: Verifier, as_of: int = 0) -> None:
        self._dimensions, self._verifier, self.as_of = dimensions, verifier, as_of
        self._scopes: dict[str, ScopedCache] = {}
        self._scope_of: dict[str, str] = {}

    def load(self, entries: Entries, records: Iterable[Record]) -> None:
        """Add the records of `entries`; others are of entries that came or went meanwhile."""
        for record in records:
            answer_id = entries.answers.get(record.record_id)
            if answer_id is not None:
                self._add(record.record_id, answer_id, words_of(record))

    def apply(self, changed: Changed, words: EntryWords | None = None) -> None:
        """What the entity has changed; `words` are those of the entry that it added."""
        for entry_id in changed.dropped:
            if scope := self._scope_of.pop(entry_id, ""):
                self._scopes[scope].remove((entry_id,))
                if not len(self._scopes[scope]):
                    del self._scopes[scope]
        if changed.entry_id and words is not None:
            self._add(changed.entry_id, changed.answer_id, words)
        self.as_of += changed.changes - changed.before

    def look_up(self, scope: str, vector: NDArray[np.float32], traits: QuestionTraits) -> Found:
        """The answers of one scope that may do; `vector` has length 1."""
        cache = self._scopes.get(scope)
        if cache is None:
            return Found((), "", {})
        judged, exact = cache.judged(vector, traits), cache.same_words(traits)
        entry_ids = {each.entry_id for each in judged} | ({exact} if exact else set())
        entries = (cache.entry(entry_id) for entry_id in entry_ids)
        return Found(judged, exact, {entry.entry_id: entry.claims for entry in entries if entry is not None})

    def equal(self, scope: str, judged: Iterable[Judged], claims: Sequence[Claim]) -> dict[str, bool]:
        """By entry: whether its answer is the same as `claims`. Those that are gone are left out."""
        cache = self._scopes.get(scope)
        entries = {each.entry_id: cache.entry(each.entry_id) for each in judged} if cache is not None else {}
        return {entry_id: same_answer(claims, entry.claims) for entry_id, entry in entries.items() if entry is not None}

    def same_words(self, scope: str, traits: QuestionTraits) -> str:
        """The entry of the same words in a scope; "" for none."""
        cache = self._scopes.get(scope)
        return cache.same_words(traits) if cache is not None else ""

    def _add(self, entry_id: str, answer_id: str, words: EntryWords) -> None:
        cache = self._scopes.get(words.scope)
        if cache is None:
            cache = self._scopes[words.scope] = ScopedCache(self._dimensions, self._verifier)
        entry = StoredEntry(entry_id, answer_id, traits_of(words.question), words.claims)
        cache.add(entry, unpacked(words, self._dimensions))
        self._scope_of[entry_id] = words.scope
