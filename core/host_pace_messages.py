"""What the pace of a host is told (commands), what happened (events), and what callers get (replies).

Times are unix seconds; `rules` in a command are those of the settings.
"""

from enum import StrEnum
from typing import TypeAlias

from core.entities import Message, State
from core.errors import BadInput


class Outcome(StrEnum):
    """How a host answered. A 404 is a success too: the host answered in order."""

    SUCCESS = "success"
    THROTTLED = "throttled"
    BOT_CHECK = "bot_check"
    CONSENT_PAGE = "consent_page"
    FAILED = "failed"


class PaceRules(State, frozen=True):
    """How fast one host is asked for something, by everybody together.

    Slots are `interval_s` to `interval_s * (1 + jitter)` seconds apart; after a rest `burst` come at once, but never
    while the pace is slowed. Nobody waits longer than `max_wait_s`. A host that complains, or fails `failures` times in
    a row, has its interval doubled, up to `max_interval_s`, and is left alone as long as it asks, up to `max_pause_s`.
    After `successes` in a row the rate grows by `recovery` of the full one, so that it never comes back at once.
    """

    interval_s: float = 1.0
    burst: int = 5
    jitter: float = 0.3
    max_wait_s: float = 30.0
    max_interval_s: float = 60.0
    max_pause_s: float = 21_600.0
    failures: int = 3
    successes: int = 10
    recovery: float = 0.1

    def check(self) -> "PaceRules":
        """These rules. Raises BadInput, naming the field, where one is out of its range."""
        ranges = {
            "interval_s": (1e-4, 3_600.0),
            "burst": (1, 1_000),
            "jitter": (0.0, 10.0),
            "max_wait_s": (0.0, 3_600.0),
            "max_interval_s": (self.interval_s, 86_400.0),
            "max_pause_s": (0.0, 604_800.0),
            "failures": (1, 1_000),
            "successes": (1, 100_000),
            "recovery": (1e-3, 1.0),
        }
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            # Not the other way round: NaN is neither above nor below anything.
            if not least <= value <= most:
                problem = f"The pace's {name} is {value:g}; it may be {least:g} to {most:g}."
                raise BadInput(problem, "Correct the setting.")
        return self


class Take(Message, frozen=True):
    """Give a slot that comes within `patience_s` seconds.

    `epoch` is that of a slot which the caller has waited for and would use now; 0 where it has none.
    """

    rules: PaceRules
    patience_s: float
    epoch: int = 0


class Tell(Message, frozen=True):
    """How the host answered, and after how many seconds it asks to come back (0.0 where it does not say)."""

    rules: PaceRules
    outcome: Outcome
    retry_after_s: float = 0.0


class SlotGiven(Message, frozen=True, gc=False):
    """The next slot after this one is free at `free_at`."""

    free_at: float


class Slowed(Message, frozen=True, gc=False):
    """From now on `interval_s`, and nothing before `free_at`: slots that are waited for are void."""

    at: float
    interval_s: float
    free_at: float
    reason: Outcome


class Paused(Message, frozen=True, gc=False):
    """Slowed already; the host asks to be left alone until `free_at` now."""

    free_at: float


class Eased(Message, frozen=True, gc=False):
    """Successes in a row: `interval_s` from now on, None for the full pace."""

    free_at: float
    interval_s: float | None = None


class Counted(Message, frozen=True, gc=False):
    """Answers in a row of the one sort or the other."""

    successes: int = 0
    failures: int = 0


class Slot(Message, frozen=True, gc=False):
    """Wait for `wait_s` seconds, then take again with this `epoch`; with 0.0, go now.

    `heeds_success` is whether it matters at present to tell a success.
    """

    wait_s: float
    epoch: int
    heeds_success: bool = False


class TooLong(Message, frozen=True, gc=False):
    """The line is longer than the caller would wait: come back in `retry_after_s` seconds."""

    retry_after_s: float
    because: str


class Told(Message, frozen=True, gc=False):
    """The interval that holds from now on, in seconds."""

    interval_s: float


class PaceReport(Message, frozen=True):
    """How a host is asked now. `wait_s` is how long the next caller waits, `reason` why it was slowed the last time."""

    interval_s: float
    slowed: bool
    wait_s: float
    slots: int
    reason: Outcome | None = None
    slowed_at: float = 0.0


Command: TypeAlias = Take | Tell
Event: TypeAlias = SlotGiven | Slowed | Paused | Eased | Counted
Reply: TypeAlias = Slot | TooLong | Told
