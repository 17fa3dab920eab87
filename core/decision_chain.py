"""Decisions about experiments as a chain: each holds the digest of the one before, so a changed one is noticed.

The entity keeps the newest digest; the decisions themselves are records beside its journal. Whoever changes, drops or
adds one, or the numbers that it was taken on, breaks the chain from there on, and `broken_at` says where. This is no
secret: who can write the whole journal anew can make a chain that holds.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from core.entities import State
from core.entity_codec import to_json
from core.errors import JournalUnreadable


class Phase(StrEnum):
    """How far an experiment is. In shadow everybody has the control, and a candidate is computed beside it."""

    OFF = "off"
    SHADOW = "shadow"
    CANARY = "canary"
    ACTIVE = "active"

    @property
    def runs(self) -> bool:
        return self is not Phase.OFF


class Gain(State, frozen=True):
    """How much better than the control a variant is in the primary metric, with an anytime-valid interval.

    In the metric's own unit; `low` and `high` are None while nothing can be said. `control` and `outcomes` are how many
    outcomes of each it comes from.
    """

    variant: str
    gain: float
    low: float | None
    high: float | None
    control: int
    outcomes: int


class Evidence(State, frozen=True):
    """The numbers that a decision was taken on, all of the phase that it ended.

    `lived_s` is how long the phase lasted (see `core.experiment_state`), `exposures` and `outcomes` count by variant,
    `units` are those of each among the first that came. `ratio_p` is the sample-ratio check of the units, `loss_p`
    that of the exposures without an outcome. `means` are of every metric, by variant, `p95_ms` of the latency.
    `alarms` say in words what stands against going on.
    """

    lived_s: float = 0.0
    exposures: dict[str, int] = msgspec.field(default_factory=dict)
    outcomes: dict[str, int] = msgspec.field(default_factory=dict)
    units: dict[str, int] = msgspec.field(default_factory=dict)
    gains: tuple[Gain, ...] = ()
    ratio_p: float = 1.0
    loss_p: float = 1.0
    means: dict[str, dict[str, float]] = msgspec.field(default_factory=dict)
    p95_ms: dict[str, float] = msgspec.field(default_factory=dict)
    alarms: tuple[str, ...] = ()


class PhaseDecision(State, frozen=True):
    """A step of an experiment, from one phase to another, by whom (a user's id, or "guard rail") and why.

    `variant` is the one that everybody has from now on. `policy` is what was asked for. `previous` is the digest of the
    decision before, "" for the first.
    """

    number: int
    experiment: str
    at: float
    before: Phase
    after: Phase
    by: str
    reason: str
    policy: str = ""
    variant: str = ""
    evidence: Evidence = Evidence()
    previous: str = ""
    digest: str = ""


def sealed(decision: PhaseDecision, previous: str) -> PhaseDecision:
    """The decision as the next one of the chain that ends in `previous`."""
    linked = replace(decision, previous=previous, digest="")
    return replace(linked, digest=_digest(linked))


def read_decision(text: str) -> PhaseDecision:
    """A decision from its record. Raises JournalUnreadable where it is none."""
    try:
        return msgspec.json.decode(text, type=PhaseDecision)
    except (msgspec.MsgspecError, UnicodeError) as error:
        problem = f"The record of a decision cannot be read ({error})."
        raise JournalUnreadable(problem, "Restore the journal from a backup.") from error


def broken_at(decisions: Sequence[PhaseDecision], head: str) -> int | None:
    """The number of the first decision that does not fit, None where all do.

    `decisions` ascend without a gap up to the newest, whose digest is `head`; the first may have others before it.
    """
    for index, decision in enumerate(decisions):
        before = decisions[index - 1] if index else None
        fits = before is None or (decision.previous == before.digest and decision.number == before.number + 1)
        if not fits or _digest(replace(decision, digest="")) != decision.digest:
            return decision.number
    last = decisions[-1] if decisions else None
    if (last.digest if last else "") != head:
        return last.number + 1 if last else 1
    return None


def _digest(decision: PhaseDecision) -> str:
    return sha256(f"{decision.previous}\n{to_json(decision)}".encode()).hexdigest()
