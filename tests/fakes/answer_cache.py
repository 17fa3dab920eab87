"""An answer cache that has nothing to give, and an assistant that has one."""

from collections.abc import Sequence

from core.answer_cache_messages import CacheReport
from core.answer_cache_ports import CachedAnswer, Kept, Lookup, ModelAnswer, NotCached
from core.tenancy import TenantContext
from tests.fakes.assistant import FakeAssistant


class AssistantWithCache(FakeAssistant):
    """Reports what it was given; `reported` says for whom."""

    def __init__(self, report: CacheReport) -> None:
        super().__init__()
        self._report = report
        self.reported: list[TenantContext] = []

    async def answer_cache(self, tenant: TenantContext) -> CacheReport:
        self.reported.append(tenant)
        return self._report


class FakeAnswerCache:
    """`held` is how many answers each call of `forget_...` finds; `forgotten` has what they were asked for."""

    def __init__(self, held: int = 0) -> None:
        self.held = held
        self.forgotten: list[tuple[str, ...]] = []
        self.kept: list[ModelAnswer] = []

    async def look_up(self, key: str, asked: Lookup, shadow: bool = False) -> CachedAnswer | NotCached:
        del key, asked, shadow
        return NotCached()

    async def keep(self, key: str, asked: Lookup, found: NotCached, answer: ModelAnswer) -> Kept:
        del key, asked, found
        self.kept.append(answer)
        return Kept(True)

    async def forget_recordings(self, key: str, recording_ids: Sequence[str]) -> int:
        return self._forget(key, *recording_ids)

    async def forget_user(self, key: str, user: str, workspace: str = "") -> int:
        return self._forget(key, user, workspace)

    async def forget_tenant(self, key: str, workspace: str = "") -> int:
        return self._forget(key, workspace)

    async def report(self, key: str) -> CacheReport:
        del key
        return CacheReport(entries=len(self.kept))

    def _forget(self, *what: str) -> int:
        self.forgotten.append(what)
        return self.held
