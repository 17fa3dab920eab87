"""Stages of a pipeline: each returns a StepResult, is timed, and ends the run where it does not return `Ok`.

@stage("search")
async def _search(self, query) -> StepResult[Hits]: ...

run = Run(clock)
hits = await run(self._search, query)     # raises Stopped where the stage skipped or failed
"""

import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from core.errors import BadInput, BotError, Busy, DeadlineExceeded, NotReadable, RateLimited, RefusedUrl, Unavailable
from core.messages import StageTime
from core.results import ErrorCategory, Fail, Ok, Skip, StepResult
from core.source_states import CLOSED_STATES

P = ParamSpec("P")
T = TypeVar("T")


def failure(error: BotError) -> Fail:
    """The `Fail` that stands for an error of our own tree."""
    match error:
        case RefusedUrl():
            return Fail(ErrorCategory.REFUSED, str(error))
        case BadInput():
            return Fail(ErrorCategory.BAD_INPUT, str(error))
        case NotReadable(state=state) if state in CLOSED_STATES:
            return Fail(ErrorCategory.BAD_INPUT, str(error))
        case NotReadable(retry_after_s=None):
            return Fail(ErrorCategory.UPSTREAM, str(error), retryable=True)
        case NotReadable():
            return Fail(ErrorCategory.UPSTREAM, error.problem, retryable=True, retry_after_s=error.retry_after_s)
        case RateLimited(retry_after_s=None):
            return Fail(ErrorCategory.RATE_LIMITED, str(error))
        case RateLimited():
            return Fail(ErrorCategory.RATE_LIMITED, error.problem, retryable=True, retry_after_s=error.retry_after_s)
        case Busy():
            # Ours, not the caller's: it asked no more than its limits allow.
            message = f"{error.part} has too much to do."
            return Fail(ErrorCategory.UPSTREAM, message, retryable=True, retry_after_s=error.retry_after_s)
        case DeadlineExceeded():
            return Fail(ErrorCategory.TIMEOUT, str(error), retryable=True)
        case Unavailable():
            return Fail(ErrorCategory.UPSTREAM, str(error), retryable=True)
        case _:
            return Fail(ErrorCategory.INTERNAL, str(error))


def stage(
    name: str,
) -> Callable[[Callable[P, Awaitable[StepResult[T]]]], Callable[P, Coroutine[Any, Any, StepResult[T]]]]:
    """Mark an async function as the stage `name`. An error of our own tree becomes a `Fail`; any other is a defect."""

    def mark(function: Callable[P, Awaitable[StepResult[T]]]) -> Callable[P, Coroutine[Any, Any, StepResult[T]]]:
        @functools.wraps(function)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> StepResult[T]:
            try:
                return await function(*args, **kwargs)
            except BotError as error:
                return failure(error)

        guarded.stage_name = name  # type: ignore[attr-defined]  # read back by Run
        return guarded

    return mark


class Stopped(Exception):
    """A stage did not return `Ok`: `result` is what it returned, and the result of the whole run."""

    def __init__(self, result: Skip | Fail) -> None:
        super().__init__(result)
        self.result = result


class Run:
    """One run of a pipeline. `clock` returns seconds of a monotonic clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.stages: tuple[StageTime, ...] = ()

    @property
    def wall_ms(self) -> float:
        """What all stages took until now, one after the other."""
        return sum(taken.wall_ms for taken in self.stages)

    def wall_ms_of(self, stage: str) -> float:
        """What one stage took; 0 where it did not run."""
        return sum(taken.wall_ms for taken in self.stages if taken.stage == stage)

    async def __call__(self, step: Callable[P, Awaitable[StepResult[T]]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one stage and return its data. Raises Stopped where it skipped or failed."""
        started = self._clock()
        result = await step(*args, **kwargs)
        wall_ms = (self._clock() - started) * 1000
        name: str = getattr(step, "stage_name", "unnamed")
        self.stages = (*self.stages, StageTime(name, wall_ms))
        if isinstance(result, Ok):
            return result.data
        raise Stopped(result)
