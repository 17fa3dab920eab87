"""The errors of the project, as one tree.

    BotError
    ├── BadInput          what somebody gave us cannot be used
    │   ├── RefusedUrl    an address that we do not fetch from
    │   ├── UnreadableCaptions
    │   └── TenantRequired
    ├── NotReadable       a site does not give a recording or listing now: a named state, each with a next try
    ├── RateLimited       more than the caller's limit allows; says how long to wait
    ├── Unavailable       a part that we need does not answer
    │   ├── DeadlineExceeded
    │   ├── Busy          too much to do at once; says how long to wait
    │   ├── Fenced        another incarnation of an actor has taken over
    │   └── WriteFailed   a disk or journal that cannot be written
    ├── JournalUnreadable a stream that must not be guessed at: a gap, a newer version, not ours
    └── StartupFailed     the process cannot start: what happened and what to do

Every error carries positional, picklable fields, so that it arrives whole from a Ray actor or a Serve replica.
An expected outcome is not an error: see `core.results`. `bot.errors` writes the words that people read.
"""

import math

from core.source_states import SourceState


class BotError(Exception):
    """Root of the tree. Fields are positional so that the error survives pickling."""


class BadInput(BotError):
    """Input that cannot be used: `problem` says what is wrong, `advice` what to do instead."""

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(problem, advice)
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.problem} {self.advice}".strip()


class RefusedUrl(BadInput):
    """An address that is not fetched: private, not https, or not an address at all."""


class UnreadableCaptions(BadInput):
    """A caption file that holds no captions: HTML, empty, binary, another format."""


class TenantRequired(BadInput):
    """A call without a tenant or workspace. There is no default tenant."""


class NotReadable(BotError):
    """A site does not give a recording, channel or feed now: `state` is why, `problem` and `advice` say it in words.

    It never means that there is nothing. `retry_after_s` is what the site asked to wait, None where it did not;
    `core.source_states.next_try_at` says when to try again.
    """

    def __init__(self, state: SourceState, problem: str, advice: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(state, problem, advice, retry_after_s)
        self.state = state
        self.problem = problem
        self.advice = advice
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.problem} {self.advice}".strip()


class RateLimited(BotError):
    """More than a limit allows: `problem` says which; `retry_after_s` is None where waiting does not help."""

    def __init__(self, problem: str, retry_after_s: float | None) -> None:
        super().__init__(problem, retry_after_s)
        self.problem = problem
        self.retry_after_s = retry_after_s

    @property
    def advice(self) -> str:
        if self.retry_after_s is None:
            return "Ask the people who run this bot for more."
        return f"Try again in {max(1, math.ceil(self.retry_after_s))} s."

    def __str__(self) -> str:
        return f"{self.problem} {self.advice}"


class Unavailable(BotError):
    """A part that we depend on does not answer: `part` names it, `advice` says what to do."""

    def __init__(self, part: str, advice: str = "") -> None:
        super().__init__(part, advice)
        self.part = part
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.part} is not available. {self.advice}".strip()


class DeadlineExceeded(Unavailable):
    """A call that did not answer in time."""

    def __str__(self) -> str:
        return f"{self.part} did not answer in time. {self.advice}".strip()


class Busy(Unavailable):
    """A part that has too much to do: `retry_after_s` is when to come back, in seconds."""

    def __init__(self, part: str, retry_after_s: float) -> None:
        BotError.__init__(self, part, retry_after_s)
        self.part = part
        self.retry_after_s = retry_after_s
        self.advice = f"Try again in {max(1, math.ceil(retry_after_s))} s."

    def __str__(self) -> str:
        return f"{self.part} has too much to do. {self.advice}"


class Fenced(Unavailable):
    """This incarnation of an actor was replaced by another one, which has what was acknowledged."""

    def __str__(self) -> str:
        return f"{self.part} was replaced by another incarnation. {self.advice}".strip()


class WriteFailed(Unavailable):
    """A folder or file that cannot be written."""

    def __str__(self) -> str:
        return f"{self.part} cannot be written. {self.advice}".strip()


class JournalUnreadable(BotError):
    """A stream of the journal that cannot be used as it is: `problem` says what and where, `advice` what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem, advice)
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.problem} {self.advice}"


class StartupFailed(BotError):
    """The process cannot start: `problem` says what happened, `advice` what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem, advice)
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.problem} {self.advice}"
