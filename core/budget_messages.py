"""What a budget ledger is told, what happens to it, and what it answers. `core.budgets` decides."""

from typing import Literal

from core.entities import Message, State
from core.errors import BadInput
from core.spending import NOTHING, Amount, Limit, Unit

MAX_ID_CHARS = 200
MAX_TTL_S = 86_400.0


class BudgetLimits(State, frozen=True):
    """At most so much for one request, in a day and in a month."""

    request: Limit = Limit()
    day: Limit = Limit()
    month: Limit = Limit()

    def check(self, name: str) -> None:
        """Raises BadInput, naming the field, where one of these is no limit."""
        self.request.check(f"{name}.request")
        self.day.check(f"{name}.day")
        self.month.check(f"{name}.month")


class Reserve(Message, frozen=True):
    """Set `asked` aside for a call that ends within `ttl_s` seconds. `limits` hold for tenants without their own.

    Without `enforce` limits only watch: the reservation is made also where it crosses one.
    """

    reservation_id: str
    asked: Amount
    ttl_s: float
    limits: BudgetLimits
    enforce: bool = True


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


class Reserved(Message, frozen=True, gc=False):
    """`amount` is set aside from `at` until `expires_at` (unix s).

    `beyond` is empty, or tells which limit that crosses, where limits only watch.
    """

    reservation_id: str
    amount: Amount
    at: float
    expires_at: float
    beyond: str = ""


class Expired(Message, frozen=True):
    """Nobody settled the reservation in time: it is charged in full."""

    reservation_id: str
    at: float


class Settled(Message, frozen=True, gc=False):
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
    """What a tenant may still spend. `own_limits`: they were set for it at run time. `open_reservations` is a count."""

    request: Limit
    day: WindowReport
    month: WindowReport
    own_limits: bool
    open_reservations: int


Command = Reserve | Settle | Release | SetLimits
Event = Reserved | Expired | Settled | Released | LimitsSet
Reply = Reserved | OverBudget | Settled | Released | LimitsSet | NoReservation


def check_command(command: Command) -> None:
    """Raises BadInput, naming the field, where a command holds what is no id, amount, limit or time."""
    if isinstance(command, SetLimits):
        if command.limits is not None:
            command.limits.check("limits")
        return
    given = command.reservation_id
    if not isinstance(given, str) or not given.strip() or len(given) > MAX_ID_CHARS or not given.isprintable():
        problem = f"reservation_id is {str(given)[:40]!r}."
        raise BadInput(problem, f"Pass a unique id of 1 to {MAX_ID_CHARS} characters that can be shown.")
    if isinstance(command, Settle):
        command.spent.check("spent")
    if isinstance(command, Reserve):
        command.asked.check("asked")
        command.limits.check("limits")
        if not isinstance(command.ttl_s, int | float) or not 0 < command.ttl_s <= MAX_TTL_S:
            problem = f"ttl_s is {str(command.ttl_s)[:40]}."
            raise BadInput(problem, f"Pass seconds: more than 0, at most {MAX_TTL_S:,.0f}.")
