"""What a supervisor makes of how its shards are: who is well, who has to be started, told to go on, or replaced.

Pure: a `Pulse` or the reason for its absence goes in with the time, a verdict comes out.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple


class Pulse(NamedTuple):
    """How a shard is.

    `stalled_s` is how long its event loop has not turned; `draining` and `fenced` say that it takes no calls until it
    is told to go on. `problem` is empty where all is well. `writing_s` is for how long it has been writing a commit.
    """

    pid: int
    stalled_s: float
    resident: int
    waiting: int
    calls_per_s: float
    overdue_s: float
    shards: int
    draining: bool = False
    fenced: bool = False
    problem: str = ""
    writing_s: float = 0.0


class Action(StrEnum):
    """What a supervisor does about a shard."""

    NOTHING = "nothing"
    START = "start"
    ADOPT = "adopt"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Rules:
    """When a shard counts as hung, in seconds and probes, and how often it is replaced at most.

    A shard that is replaced again is waited for twice as long, up to `longest_wait_s`: one that cannot come up must
    not be killed while it tries. Once it was well for `forgiven_s`, that is forgotten.
    """

    hung_s: float = 10.0
    silent_probes: int = 5
    drained_s: float = 20.0
    overdue_s: float = 60.0
    writing_s: float = 10.0
    wait_s: float = 10.0
    longest_wait_s: float = 300.0
    forgiven_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of one shard. `reason` says why it is not well; empty where it is.

    Times are seconds of a clock that nobody sets.
    """

    reason: str = "has not answered yet"
    silent: int = 0
    draining_since: float = 0.0
    replaced: int = 0
    replaced_at: float = 0.0
    well_since: float = 0.0
    pulse: Pulse | None = None

    @property
    def well(self) -> bool:
        return not self.reason


def judge(watch: Watch, probed: Pulse | str, now: float, rules: Rules) -> tuple[Watch, Action]:
    """What to do after a probe: its pulse, or in words why there is none."""
    if isinstance(probed, str):
        watch = replace(watch, reason=probed, silent=watch.silent + 1, draining_since=0.0, well_since=0.0, pulse=None)
        if watch.silent >= rules.silent_probes:
            return _replaced(watch, now, rules, Action.START)
        return watch, Action.START
    watch = replace(watch, silent=0, pulse=probed, reason=_trouble(probed, rules))
    if probed.stalled_s > rules.hung_s:
        return _replaced(replace(watch, well_since=0.0), now, rules, Action.NOTHING)
    if probed.fenced:
        return replace(watch, well_since=0.0), Action.ADOPT
    if probed.draining:
        since = watch.draining_since or now
        action = Action.ADOPT if now - since > rules.drained_s else Action.NOTHING
        return replace(watch, draining_since=since, well_since=0.0), action
    well_since = (watch.well_since or now) if watch.well else 0.0
    forgiven = well_since > 0 and now - well_since > rules.forgiven_s
    return replace(
        watch, draining_since=0.0, well_since=well_since, replaced=0 if forgiven else watch.replaced
    ), Action.NOTHING


def _trouble(pulse: Pulse, rules: Rules) -> str:
    """Why a shard that answers is not well."""
    if pulse.stalled_s > rules.hung_s:
        return f"hangs since {pulse.stalled_s:.0f} s"
    if pulse.fenced:
        return "was replaced by another incarnation"
    if pulse.draining:
        return "is being moved"
    if pulse.problem:
        return pulse.problem
    if pulse.writing_s > rules.writing_s:
        return f"has been waiting for its journal to be written for {pulse.writing_s:.0f} s"
    if pulse.overdue_s > rules.overdue_s:
        return f"is {pulse.overdue_s:.0f} s late with what it has to deliver"
    return ""


def _replaced(watch: Watch, now: float, rules: Rules, else_: Action) -> tuple[Watch, Action]:
    """Replace it, unless it was replaced so lately that it may still be coming up."""
    doublings = min(watch.replaced - 1, 60)  # beyond that a float overflows
    patience_s = min(rules.longest_wait_s, rules.wait_s * 2.0**doublings) if watch.replaced else 0.0
    if now - watch.replaced_at < patience_s:
        return watch, else_
    return replace(watch, replaced=watch.replaced + 1, replaced_at=now, silent=0), Action.REPLACE
