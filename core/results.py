"""StepResult: what a pipeline stage or a tool returns.

- `Ok(data)`: it worked.
- `Skip(reason)`: there was nothing to do; this is not a failure and is never retried.
- `Fail(category, message)`: it did not work; `retryable` says whether trying again can help.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


class ErrorCategory(StrEnum):
    """Why a step failed, in the classes that callers treat differently."""

    BAD_INPUT = "bad_input"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    UPSTREAM = "upstream"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Ok(Generic[T]):
    """The step worked and produced `data`."""

    data: T


@dataclass(frozen=True, slots=True)
class Skip:
    """The step had nothing to do, and `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fail:
    """The step failed. `message` is a sentence for people; `retry_after_s` is seconds, if known."""

    category: ErrorCategory
    message: str
    retryable: bool = False
    retry_after_s: float | None = None


StepResult: TypeAlias = Ok[T] | Skip | Fail
