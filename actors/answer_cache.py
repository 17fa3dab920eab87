"""The actor that keeps each tenant's answers which may be given again: `core.answer_cache`, with GPTCache inside."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from actors.runtime_entities import EntityActor, query
from actors.runtime_host import ShardConfig
from core.answer_cache import ENTRY, KIND, report
from core.answer_cache import AnswerCache as Cached
from core.answer_cache_answers import (
    EntryWords,
    body_of,
    checked_vector,
    packed,
    proven,
    recordings_of,
)
from core.answer_cache_messages import (
    Ask,
    CacheReport,
    CacheRules,
    Changed,
    Command,
    Drop,
    Entries,
    Entry,
    Event,
    Judge,
    Keep,
    Serve,
    Synchronise,
)
from core.answer_cache_ports import CachedAnswer, Kept, Lookup, ModelAnswer, NotCached
from core.answer_cache_prior import PRIOR
from core.entities import Find
from core.errors import BadInput
from core.question_features import traits_of

if TYPE_CHECKING:
    from actors.gptcache_index import TenantIndex

_PAGE = 500
_TENANTS = 64


class AnswerCache(EntityActor[Cached, Command, Event]):
    """Serves answers again within the tenant's bound of wrong ones; the key is the tenant's id.

    What was learned and counted, and each entry, survive a restart; the index over the entries is made anew from the
    records when a tenant is first asked about. What was deleted is never served again.
    """

    kind = KIND

    def __init__(
        self, config: ShardConfig, rules: CacheRules, dimensions: int, of_tenant: Mapping[str, CacheRules] = {}
    ) -> None:
        """`dimensions` are those of the questions' vectors. Raises BadInput where rules are none."""
        self._rules, self._dimensions = rules.check(), dimensions
        self._of_tenant = {tenant: its.check() for tenant, its in of_tenant.items()}
        self._indexes: OrderedDict[str, TenantIndex] = OrderedDict()
        self._loading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # Changes that are on their way to the disk, by tenant: their entries are not in the index yet.
        self._changing: dict[str, int] = {}
        super().__init__(config)

    @query
    async def look_up(self, key: str, asked: Lookup, shadow: bool = False) -> CachedAnswer | NotCached:
        """An answer that may be served, else what to hand back with the model's. With `shadow` always the latter.

        Raises BadInput for a vector that is zero or of another dimension.
        """
        vector, traits = checked_vector(asked.vector, self._dimensions), traits_of(asked.question)
        found = (await self._index(key)).look_up(asked.scope, vector, traits)
        judge = Judge(self._rules_of(key), asked.scope, asked.library, found.judged, PRIOR.scores, found.exact, shadow)
        reply: Serve | Ask = await self.submit(key, judge)
        self._compare(key, reply.changes)
        if isinstance(reply, Serve):
            return CachedAnswer(found.claims[reply.entry_id], reply.probability, reply.exact, reply.cost_usd)
        return NotCached(found.judged, reply.compared, reply.audited, reply.probability)

    @query
    async def keep(self, key: str, asked: Lookup, found: NotCached, answer: ModelAnswer) -> Kept:
        """Learn from what the model said, and keep it where it is proven."""
        vector, traits = checked_vector(asked.vector, self._dimensions), traits_of(asked.question)
        claims = proven(answer.claims, answer.passages)
        index = await self._index(key)
        whole = bool(claims) and len(claims) == len(answer.claims) and not answer.degraded
        equal = {} if answer.degraded else index.equal(asked.scope, found.candidates, claims)
        words = EntryWords(asked.scope, asked.question, packed(vector), claims)
        entry = None
        if whole:
            answer_id = next((each.answer_id for each in found.candidates if equal.get(each.entry_id)), "")
            entry = Entry(asked.scope, answer_id, 0.0, 0.0, recordings_of(claims), answer.cost_usd)
        compared = found.compared
        keep = Keep(
            self._rules_of(key),
            asked.library,
            entry,
            body_of(words) if entry else "",
            answer.user,
            index.same_words(asked.scope, traits),
            compared.score if compared else None,
            equal.get(compared.entry_id) if compared else None,
            found.would_serve,
            answer.cost_usd,
        )
        changed = await self._change(key, keep, words)
        return Kept(bool(changed.entry_id), keep.right)

    @query
    async def forget_recordings(self, key: str, recording_ids: Sequence[str]) -> int:
        """Delete for good every answer that quotes one of these recordings; how many."""
        return await self._drop(key, Drop("source", recordings=tuple(recording_ids)))

    @query
    async def forget_user(self, key: str, user: str, workspace: str = "") -> int:
        """Delete for good the answers to what a user asked, in one workspace or in all; how many."""
        if not user:
            raise BadInput("It is not clear whose questions are to be deleted.", "Pass the user's id.")
        dropped = 0
        while records := await self.find(key, Find(kind=ENTRY, user=user, channel=workspace, limit=_PAGE)):
            ids = tuple(record.record_id for record in records)
            dropped += len((await self._change(key, Drop("forgotten", ids))).dropped)
        await self.scrub()
        return dropped

    @query
    async def forget_tenant(self, key: str, workspace: str = "") -> int:
        """Delete for good all answers, of one workspace or of all; how many."""
        return await self._drop(key, Drop("forgotten", workspace=workspace, everything=not workspace))

    async def report(self, key: str) -> CacheReport:
        """The cache in numbers."""
        return report(self.state(key), self._rules_of(key), PRIOR.scores)

    # ------------------------------------------------------------ changes, and the index over the records
    async def _drop(self, key: str, command: Drop) -> int:
        changed = await self._change(key, command)
        # Also where nothing was left: an earlier call may have been cut off before this.
        await self.scrub()
        return len(changed.dropped)

    async def _change(self, key: str, command: Command, words: EntryWords | None = None) -> Changed:
        self._changing[key] = self._changing.get(key, 0) + 1
        try:
            changed: Changed = await self.submit(key, command)
            index = self._indexes.get(key)
            if index is not None:
                index.apply(changed, words)
        finally:
            self._changing[key] -= 1
            if not self._changing[key]:
                del self._changing[key]
        return changed

    def _compare(self, key: str, changes: int) -> None:
        """Give up an index that is not up to date though nothing is on its way to it."""
        index = self._indexes.get(key)
        if index is not None and index.as_of != changes and key not in self._changing:
            del self._indexes[key]

    async def _index(self, key: str) -> "TenantIndex":
        async with self._loading.setdefault(key, asyncio.Lock()):
            index = self._indexes.get(key)
            if index is None:
                index = self._indexes[key] = await self._loaded(key)
            self._indexes.move_to_end(key)
            while len(self._indexes) > _TENANTS:
                self._indexes.popitem(last=False)
            return index

    async def _loaded(self, key: str) -> "TenantIndex":
        # Imported by the first who asks: it takes most of a second.
        from actors.gptcache_index import TenantIndex

        entries: Entries = await self.submit(key, Synchronise())
        index = TenantIndex(self._dimensions, PRIOR, entries.changes)
        until = math.inf
        while records := await self.find(key, Find(kind=ENTRY, until=until, limit=_PAGE)):
            index.load(entries, records)
            if len(records) < _PAGE:
                break
            # The page's last moment once more: not all of it need have been on the page.
            until = min(math.nextafter(records[-1].at, math.inf), records[0].at)
        return index

    def _rules_of(self, key: str) -> CacheRules:
        return self._of_tenant.get(key, self._rules)
