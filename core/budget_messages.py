"""What a budget ledger is told, what happens to it, and what it answers. `core.budgets` decides."""

from typing import Literal

from core.entities import Message, State
from core.spending import NOTHING, Amount, Limit, Unit


class BudgetLimits(State, frozen=True):
    """At most so much for one request, in a day and in a month."""

    request: Limit = Limit()
    day: Limit = Limit()
    month: Limit = Limit()


class Reserve(Message, frozen=True):
    """Set `asked` aside for a call that ends within `ttl_s` seconds. `limits` hold for tenants without their own."""

    reservation_id: str
    asked: Amount
    ttl_s: float
    limits: BudgetLimits


class Settle(Message, frozen=True):
    """The call came to `spent`."""

    reservation_id: str
    spent: Amount


class Release(Message, frozen=True):
    """The call was not made, or cost nothing."""

    reservation_id: str


class SetLimits(Message, frozen=True):
    """From now on the tenant has `limits` of its own; None: again those of the settings."""

    limits: BudgetLimits | None


class Reserved(Message, frozen=True):
    """`amount` is set aside from `at` until `expires_at` (unix s)."""

    reservation_id: str
    amount: Amount
    at: float
    expires_at: float


class Expired(Message, frozen=True):
    """Nobody settled the reservation in time: it is charged in full."""

    reservation_id: str
    at: float


class Settled(Message, frozen=True):
    """`spent` is charged in place of the reservation; `overrun` is what it is more. `late`: it was lost before."""

    reservation_id: str
    spent: Amount
    at: float
    overrun: Amount = NOTHING
    late: bool = False


class Released(Message, frozen=True):
    """The reservation is undone; `late`: it was lost, and charged, before."""

    reservation_id: str
    at: float
    late: bool = False


class LimitsSet(Message, frozen=True):
    """The tenant's own limits; None: it has none."""

    limits: BudgetLimits | None
    at: float


class OverBudget(Message, frozen=True):
    """Nothing was reserved, because one limit would be exceeded; `window` and `unit` say which.

    `resets_at` (unix s) is when waiting will have helped at the latest, None where it never does. With `window` "open"
    too many reservations are open at once.
    """

    window: Literal["request", "day", "month", "open"]
    unit: Unit | Literal["reservations"]
    limit: Limit
    spent: Amount
    reserved: Amount
    asked: Amount
    resets_at: float | None
    because: str


class NoReservation(Message, frozen=True):
    """Nothing was changed: there is no such reservation, or none any more."""

    reservation_id: str
    because: str


class WindowReport(Message, frozen=True):
    """A day or month so far: from `since` to `resets_at` (unix s). `left` is None where there is no limit."""

    limit: Limit
    spent: Amount
    reserved: Amount
    left: Limit
    since: float
    resets_at: float
    lost: int = 0
    overruns: int = 0


class BudgetReport(Message, frozen=True):
    """What a tenant may still spend. `own_limits`: they were set for this tenant. `open_reservations` is a count."""

    request: Limit
    day: WindowReport
    month: WindowReport
    own_limits: bool
    open_reservations: int


Command = Reserve | Settle | Release | SetLimits
Event = Reserved | Expired | Settled | Released | LimitsSet
Reply = Reserved | OverBudget | Settled | Released | LimitsSet | NoReservation
