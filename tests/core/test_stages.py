"""Stages: timing, early ends, and errors of our own tree as values."""

import pytest

from core.errors import (
    BadInput,
    BotError,
    Busy,
    DeadlineExceeded,
    Fenced,
    JournalUnreadable,
    NotReadable,
    RateLimited,
    RefusedUrl,
    StartupFailed,
    Unavailable,
    WriteFailed,
)
from core.results import ErrorCategory, Fail, Ok, Skip, StepResult
from core.source_states import SourceState
from core.stages import Run, Stopped, failure, stage


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Steps:
    """Three stages over one clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @stage("double")
    async def double(self, number: int) -> StepResult[int]:
        self._clock.now_s += 0.25
        return Ok(number * 2)

    @stage("skip")
    async def skip(self) -> StepResult[int]:
        return Skip("nothing to do")

    @stage("break")
    async def broken(self, error: Exception) -> StepResult[int]:
        raise error


async def test_a_run_returns_data_and_times_each_stage() -> None:
    clock = Clock()
    run = Run(clock)
    assert await run(Steps(clock).double, 21) == 42
    assert await run(Steps(clock).double, 1) == 2
    assert [(time.stage, time.wall_ms) for time in run.stages] == [("double", 250.0), ("double", 250.0)]


async def test_a_skip_ends_the_run_and_is_not_a_failure() -> None:
    run = Run(Clock())
    with pytest.raises(Stopped) as stopped:
        await run(Steps(Clock()).skip)
    assert stopped.value.result == Skip("nothing to do")
    assert [time.stage for time in run.stages] == ["skip"]


@pytest.mark.parametrize(
    ("error", "category", "retryable"),
    [
        (BadInput("No.", "Yes."), ErrorCategory.BAD_INPUT, False),
        (RefusedUrl("No.", "Yes."), ErrorCategory.REFUSED, False),
        (DeadlineExceeded("Store"), ErrorCategory.TIMEOUT, True),
        (Unavailable("Store"), ErrorCategory.UPSTREAM, True),
        (Fenced("Shard 1"), ErrorCategory.UPSTREAM, True),
        (WriteFailed("The journal", "Free some space."), ErrorCategory.UPSTREAM, True),
        (JournalUnreadable("No.", "Yes."), ErrorCategory.INTERNAL, False),
        (RateLimited("Closed.", None), ErrorCategory.RATE_LIMITED, False),
        (NotReadable(SourceState.PRIVATE, "Closed."), ErrorCategory.BAD_INPUT, False),
        (NotReadable(SourceState.BOT_CHECK, "Are you there?"), ErrorCategory.UPSTREAM, True),
        (StartupFailed("No.", "Yes."), ErrorCategory.INTERNAL, False),
    ],
)
async def test_our_own_error_becomes_a_failure(error: BotError, category: ErrorCategory, retryable: bool) -> None:
    result = await Steps(Clock()).broken(error)
    assert result == Fail(category, str(error), retryable) == failure(error)


@pytest.mark.parametrize(
    ("error", "category", "message"),
    [
        (Busy("BudgetLedger", 2.5), ErrorCategory.UPSTREAM, "BudgetLedger has too much to do."),
        (RateLimited("Too fast.", 2.5), ErrorCategory.RATE_LIMITED, "Too fast."),
        (NotReadable(SourceState.RATE_LIMITED, "Slow down.", "Later.", 2.5), ErrorCategory.UPSTREAM, "Slow down."),
    ],
)
def test_a_failure_carries_how_long_to_wait_and_says_it_once(
    error: BotError, category: ErrorCategory, message: str
) -> None:
    assert failure(error) == Fail(category, message, retryable=True, retry_after_s=2.5)


async def test_a_defect_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        await Steps(Clock()).broken(ZeroDivisionError())
