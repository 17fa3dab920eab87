"""An activity log in memory that can be slow or gone."""

import asyncio
from collections.abc import Sequence

from core.activity import ActivityReport, Forgotten, Noted, Retention
from core.activity_documents import KINDS, AnswerActivity, Document, Forget, Found, count, record_of
from core.entities import Find

AT = 1_772_366_400.0


class FakeActivityLog:
    """Keeps what it is given, in `kept`; `gate` holds every call back, and `error` is raised in place of a reply."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Document]] = {}
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def _enter(self) -> None:
        await self.gate.wait()
        if self.error is not None:
            raise self.error

    async def log(self, key: str, documents: Sequence[Document]) -> Noted:
        await self._enter()
        counts = count(record_of(document, AT).kind for document in documents)
        self.kept.setdefault(key, []).extend(documents)
        return Noted(counts)

    async def documents(self, key: str, find: Find) -> Sequence[Found]:
        await self._enter()
        found = [
            Found(AT, document)
            for document in reversed(self.kept.get(key, []))
            if find.kind in ("", KINDS[type(document)])
            and find.record_id in ("", record_of(document, AT).record_id)
            and find.user in ("", document.user)
            and find.channel in ("", document.workspace)
        ]
        return found[: find.limit]

    async def forget(self, key: str, whose: Forget) -> Forgotten:
        del whose
        return Forgotten(count(KINDS[type(document)] for document in self.kept.pop(key, [])))

    async def forget_recordings(self, key: str, recording_ids: Sequence[str]) -> Forgotten:
        kept = self.kept.get(key, [])
        gone = [it for it in kept if isinstance(it, AnswerActivity) and set(it.recordings) & set(recording_ids)]
        self.kept[key] = [it for it in kept if it not in gone]
        return Forgotten(count(KINDS[type(document)] for document in gone))

    async def set_retention(self, key: str, days: int | None) -> Retention:
        del key
        return Retention(days or 0)

    async def report(self, key: str) -> ActivityReport:
        logged = count(KINDS[type(document)] for document in self.kept.get(key, []))
        return ActivityReport(0, AT, logged, count(()))
