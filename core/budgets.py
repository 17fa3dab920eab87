"""What a tenant may spend: reserve before a call that costs, settle after it.

The rule: for every request, day and month, in dollars and in tokens, what is spent and reserved together never exceeds
the limit. Two things alone exceed it: a call that costs more than was reserved (the money is gone: it is recorded in
full, as an overrun) and a limit that is lowered. A caller that dies exceeds nothing: what it reserved may have been
spent, so when its time is up it is charged in full, as lost, and a late word of the caller corrects that.

Where limits only watch (`Reserve.enforce` False), everything is counted just so and nothing is refused for its cost.

Days and months are those of UTC. A reservation belongs to the day and month in which it was made, also where it is
settled after midnight.
"""

from typing import Literal

from core.budget_messages import (
    Command,
    Event,
    LimitsSet,
    NoReservation,
    OverBudget,
    Release,
    Released,
    Reply,
    Reserve,
    Reserved,
    SetLimits,
    Settle,
    Settled,
    WindowReport,
    check_command,
)
from core.budget_state import CORRECTABLE_S, EMPTY, MAX_CORRECTABLE, Budget, brought_to, evolve, known, windows
from core.entities import Chance, Decision, EntityKind
from core.spending import NOTHING, Amount, Limit, Unit

MAX_OPEN = 1_000
Window = Literal["day", "month"]


def decide(state: Budget, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """What a command comes to. Raises BadInput, naming the field, where it holds what is no id, amount or time."""
    del chance
    check_command(command)
    state, expired, now = brought_to(state, now)
    match command:
        case Reserve():
            decided = _reserve(state, command, now)
        case Settle() | Release():
            decided = _close(state, command, now)
        case SetLimits():
            decided = _done(LimitsSet(command.limits, now))
    return Decision(decided.reply, expired + decided.events)


KIND = EntityKind(
    name="BudgetLedger",
    state=Budget,
    commands=Command,
    events=Event,
    replies=Reply,
    initial=lambda _key: EMPTY,
    decide=decide,
    evolve=evolve,
)


def _reserve(state: Budget, command: Reserve, now: float) -> Decision[Event]:
    first = known(state, command.reservation_id, now)
    if first is not None:
        return Decision(first[0])
    # However limits are meant, what is kept of a tenant is bounded.
    if len(state.held) >= MAX_OPEN:
        return Decision(_too_many(state, command.asked))
    refusal = _over_budget(state, command, now)
    if refusal is not None and command.enforce:
        return Decision(refusal)
    beyond = "" if refusal is None else refusal.because
    return _done(Reserved(command.reservation_id, command.asked, now, now + command.ttl_s, beyond))


def _close(state: Budget, command: Settle | Release, now: float) -> Decision[Event]:
    found = known(state, command.reservation_id, now)
    if found is None:
        because = (
            f"Reservation {command.reservation_id} is not open: it was not made here, is closed already, or expired "
            f"so long ago ({CORRECTABLE_S / 3600:.0f} h, or {MAX_CORRECTABLE} others since) that its charge stands."
        )
        return Decision(NoReservation(command.reservation_id, because))
    reserved, late = found
    if isinstance(command, Release):
        return _done(Released(reserved.reservation_id, now, late))
    overrun = command.spent.beyond(reserved.amount)
    return _done(Settled(reserved.reservation_id, command.spent, now, overrun, late))


def _done(event: Reserved | Settled | Released | LimitsSet) -> Decision[Event]:
    """What happened is also what the caller is told."""
    return Decision(event, (event,))


# ---------------------------------------------------------------- refusing
def _too_many(state: Budget, asked: Amount) -> OverBudget:
    because = f"{MAX_OPEN:,} reservations are open; settle or release some."
    resets_at = min(r.expires_at for r in state.held)
    return OverBudget("open", "reservations", Limit(), NOTHING, NOTHING, asked, resets_at, because)


def _over_budget(state: Budget, command: Reserve, now: float) -> OverBudget | None:
    limits, asked = (command.limits if state.limits is None else state.limits), command.asked
    unit = limits.request.crossed_by(asked)
    if unit:
        because = f"It needs up to {_said(asked, unit)}; one request may take {_said(limits.request, unit)}."
        return OverBudget("request", unit, limits.request, NOTHING, NOTHING, asked, None, because)
    day, month = windows(state, limits, now)
    # The month first: who exceeds both has to wait for the month's end. But before all, what no waiting helps.
    named: tuple[tuple[Window, WindowReport], ...] = (("month", month), ("day", day))
    for name, window in named:
        if unit := window.limit.crossed_by(asked):
            return _exceeded(name, unit, window, asked, None)
    for name, window in named:
        if unit := window.limit.crossed_by(asked, window.spent.plus(window.reserved)):
            return _exceeded(name, unit, window, asked, window.resets_at)
    return None


def _exceeded(name: Window, unit: Unit, window: WindowReport, asked: Amount, resets_at: float | None) -> OverBudget:
    because = (
        f"It needs up to {_said(asked, unit)}; of {_said(window.limit, unit)} for this {name}, "
        f"{_said(window.spent, unit)} are spent and {_said(window.reserved, unit)} reserved."
    )
    return OverBudget(name, unit, window.limit, window.spent, window.reserved, asked, resets_at, because)


def _said(quantity: Amount | Limit, unit: Unit) -> str:
    return f"{quantity.cost_usd:f} USD" if unit == "USD" else f"{quantity.tokens:,} tokens"
