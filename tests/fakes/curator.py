"""A fake of `core.ports.Curator`: it answers what it is told, and records the calls."""

from collections.abc import Sequence

from core.following import (
    Completeness,
    Count,
    Followed,
    FollowRequest,
    ForgetReport,
    ForgetRequest,
    JobState,
    JobView,
    Priority,
    QueueView,
)
from core.results import Ok, StepResult
from core.tenancy import TenantContext
from core.uploads import ALL_KINDS, Channel

SINCE = 1_772_366_400.0  # 2026-03-01 12:00 UTC
CHANNEL = Channel("youtube:UCada", "https://www.youtube.com/@ada", "Ada's kitchen", "www.youtube.com")
REPORT = Completeness(312, 200, 50, (Count("older than 12 months", 40), Count("members only", 22)), True)
FOLLOWED = Followed(CHANNEL, ALL_KINDS, SINCE, "", REPORT, next_look_at=SINCE + 600.0)
QUEUE = QueueView(
    waiting=1,
    dead=1,
    done=7,
    jobs=(
        JobView("j-1", "https://talks.example/1", "Brewing tea", JobState.DEAD, Priority.BACKFILL, 5, reason="gone"),
        JobView("j-2", "https://talks.example/2", "", JobState.WAITING, Priority.PERSON, 1, SINCE + 90.0, "captions"),
    ),
)


class FakeCurator:
    """Give it results; a call pops the next of `reports`, as long as there are any, in place of `channel`."""

    def __init__(self) -> None:
        self.channel: StepResult[Followed] = Ok(FOLLOWED)
        self.reports: list[StepResult[Followed]] = []
        self.channels: StepResult[Sequence[Followed]] = Ok((FOLLOWED,))
        self.jobs: StepResult[QueueView] = Ok(QUEUE)
        self.moved: StepResult[int] = Ok(1)
        self.forgotten: StepResult[ForgetReport] = Ok(ForgetReport(1, 12, 0, 2, 0, ("Backups lose it tomorrow.",)))
        self.error: BaseException | None = None
        self.follows: list[FollowRequest] = []
        self.forgets: list[ForgetRequest] = []
        self.calls: list[tuple[str, TenantContext, str]] = []

    def _note(self, name: str, tenant: TenantContext, what: str = "") -> None:
        self.calls.append((name, tenant, what))
        if self.error is not None:
            raise self.error

    def _answer(self) -> StepResult[Followed]:
        return self.reports.pop(0) if self.reports else self.channel

    async def follow(self, request: FollowRequest) -> StepResult[Followed]:
        self.follows.append(request)
        self._note("follow", request.tenant, request.url)
        return self._answer()

    async def unfollow(self, tenant: TenantContext, channel: str) -> StepResult[Followed]:
        self._note("unfollow", tenant, channel)
        return self._answer()

    async def pause(self, tenant: TenantContext, channel: str) -> StepResult[Followed]:
        self._note("pause", tenant, channel)
        return self._answer()

    async def resume(self, tenant: TenantContext, channel: str) -> StepResult[Followed]:
        self._note("resume", tenant, channel)
        return self._answer()

    async def following(self, tenant: TenantContext) -> StepResult[Sequence[Followed]]:
        self._note("following", tenant)
        return self.channels

    async def backfill(self, tenant: TenantContext, channel: str, back_days: int) -> StepResult[Followed]:
        self._note("backfill", tenant, f"{channel} {back_days}")
        return self._answer()

    async def queue(self, tenant: TenantContext) -> StepResult[QueueView]:
        self._note("queue", tenant)
        return self.jobs

    async def retry(self, tenant: TenantContext, job: str) -> StepResult[int]:
        self._note("retry", tenant, job)
        return self.moved

    async def drop(self, tenant: TenantContext, job: str) -> StepResult[int]:
        self._note("drop", tenant, job)
        return self.moved

    async def forget(self, request: ForgetRequest) -> StepResult[ForgetReport]:
        self.forgets.append(request)
        self._note("forget", request.tenant, request.url or request.whose)
        return self.forgotten
