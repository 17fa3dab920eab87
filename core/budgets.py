"""What a tenant may spend: reserve before a call that costs, settle after it.

The rule: for every request, day and month, in dollars and in tokens, what is spent and reserved together never exceeds
the limit. Two things alone exceed it: a call that costs more than was reserved (the money is gone: it is recorded in
full, as an overrun) and a limit that is lowered. A caller that dies exceeds nothing: what it reserved may have been
spent, so when its time is up it is charged in full, as lost, and a late word of the caller corrects that.

Days and months are those of UTC. A reservation belongs to the day and month in which it was made, also where it is
settled after midnight.
"""

from typing import Literal

from msgspec.structs import replace

from core.budget_messages import (
    BudgetLimits,
    BudgetReport,
    Command,
    Event,
    Expired,
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
)
from core.entities import Chance, Decision, EntityKind, State
from core.errors import BadInput
from core.spending import DAY_S, NOTHING, Amount, Limit, Tally, Unit, day_start, month_start, next_month_start

MAX_OPEN = 1_000
MAX_TTL_S = 86_400.0
# A reservation that was lost can be corrected for so long, and so many of a tenant; after that its charge stands.
CORRECTABLE_S = 86_400.0
MAX_CORRECTABLE = 32
MAX_ID_CHARS = 200


class Budget(State, frozen=True):
    """What is kept of a tenant. `held` are open reservations, `lost` those that expired and can still be corrected.

    What was settled is forgotten: the shell answers repeats of recent commands, and refuses older ones.
    """

    limits: BudgetLimits | None = None
    day: Tally = Tally()
    month: Tally = Tally()
    held: tuple[Reserved, ...] = ()
    lost: tuple[Reserved, ...] = ()


_EMPTY = Budget()


def decide(state: Budget, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """What a command comes to. Raises BadInput, naming the field, where it holds what is no id, amount or time."""
    del chance
    _check(command)
    # Reservations expire when somebody looks: no timer is needed, as nothing but this entity can see the difference.
    expired = _expiries(state, now)
    state = KIND.replay(state, expired)
    match command:
        case Reserve():
            decided = _reserve(state, command, now)
        case Settle() | Release():
            decided = _close(state, command, now)
        case SetLimits():
            decided = _done(LimitsSet(command.limits, now))
    return Decision(decided.reply, expired + decided.events)


def evolve(state: Budget, event: Event) -> Budget:
    """The state after an event."""
    match event:
        case Reserved():
            state = replace(state, held=(*state.held, event))
        case Expired():
            state = _expire(state, event)
        case Settled():
            state = _charge(state, event, event.spent, overruns=int(event.overrun != NOTHING))
        case Released():
            state = _charge(state, event, NOTHING)
        case LimitsSet():
            state = replace(state, limits=event.limits)
    if state.lost:
        state = replace(state, lost=tuple(r for r in state.lost if _is_correctable(r, event.at))[-MAX_CORRECTABLE:])
    return state


def report(state: Budget, now: float, defaults: BudgetLimits) -> BudgetReport:
    """What is spent, reserved and left as of `now` (unix s); `defaults` hold for a tenant without its own limits."""
    state = KIND.replay(state, _expiries(state, now))
    limits = defaults if state.limits is None else state.limits
    day, month = _windows(state, limits, now)
    return BudgetReport(limits.request, day, month, state.limits is not None, len(state.held))


KIND = EntityKind(
    name="BudgetLedger",
    state=Budget,
    commands=Command,
    events=Event,
    replies=Reply,
    initial=lambda _key: _EMPTY,
    decide=decide,
    evolve=evolve,
)


def _reserve(state: Budget, command: Reserve, now: float) -> Decision[Event]:
    first = _known(state, command.reservation_id, now)
    if first is not None:
        return Decision(first)
    refusal = _over_budget(state, command, now)
    if refusal is not None:
        return Decision(refusal)
    return _done(Reserved(command.reservation_id, command.asked, now, now + command.ttl_s))


def _close(state: Budget, command: Settle | Release, now: float) -> Decision[Event]:
    reserved = _known(state, command.reservation_id, now)
    if reserved is None:
        because = (
            f"Reservation {command.reservation_id} is not open: it was not made here, is closed already, or expired "
            f"so long ago ({CORRECTABLE_S / 3600:.0f} h, or {MAX_CORRECTABLE} others since) that its charge stands."
        )
        return Decision(NoReservation(command.reservation_id, because))
    late = reserved.expires_at <= now
    if isinstance(command, Release):
        return _done(Released(reserved.reservation_id, now, late))
    overrun = command.spent.beyond(reserved.amount)
    return _done(Settled(reserved.reservation_id, command.spent, now, overrun, late))


def _over_budget(state: Budget, command: Reserve, now: float) -> OverBudget | None:
    limits, asked = (command.limits if state.limits is None else state.limits), command.asked
    if len(state.held) >= MAX_OPEN:
        because = f"{MAX_OPEN:,} reservations are open; settle or release some."
        resets_at = min(r.expires_at for r in state.held)
        return OverBudget("open", "reservations", Limit(), NOTHING, NOTHING, asked, resets_at, because)
    unit = limits.request.crossed_by(asked)
    if unit:
        because = f"It needs up to {_said(asked, unit)}; one request may take {_said(limits.request, unit)}."
        return OverBudget("request", unit, limits.request, NOTHING, NOTHING, asked, None, because)
    day, month = _windows(state, limits, now)
    # The month first: who exceeds both has to wait for the month's end.
    names: tuple[tuple[Literal["month", "day"], WindowReport], ...] = (("month", month), ("day", day))
    for name, window in names:
        hopeless = window.limit.crossed_by(asked)
        unit = hopeless or window.limit.crossed_by(asked, window.spent.plus(window.reserved))
        if unit:
            because = (
                f"It needs up to {_said(asked, unit)}; of {_said(window.limit, unit)} for this {name}, "
                f"{_said(window.spent, unit)} are spent and {_said(window.reserved, unit)} reserved."
            )
            until = None if hopeless else window.resets_at
            return OverBudget(name, unit, window.limit, window.spent, window.reserved, asked, until, because)
    return None


def _windows(state: Budget, limits: BudgetLimits, now: float) -> tuple[WindowReport, WindowReport]:
    """The day and the month of `now`."""
    day, month = day_start(now), month_start(now)
    return (
        _window(state.held, state.day.in_window(day), limits.day, day + DAY_S),
        _window(state.held, state.month.in_window(month), limits.month, next_month_start(now)),
    )


def _window(held: tuple[Reserved, ...], tally: Tally, limit: Limit, resets_at: float) -> WindowReport:
    reserved = NOTHING
    for reservation in held:
        if reservation.at >= tally.since:
            reserved = reserved.plus(reservation.amount)
    return WindowReport(
        limit,
        tally.spent,
        reserved,
        limit.left(tally.spent.plus(reserved)),
        tally.since,
        resets_at,
        tally.lost,
        tally.overruns,
    )


def _expiries(state: Budget, now: float) -> tuple[Event, ...]:
    due = sorted((r for r in state.held if r.expires_at <= now), key=lambda r: r.expires_at)
    return tuple(Expired(r.reservation_id, r.expires_at) for r in due)


def _expire(state: Budget, event: Expired) -> Budget:
    (reserved,) = (r for r in state.held if r.reservation_id == event.reservation_id)
    return replace(
        state,
        day=state.day.charged(day_start(reserved.at), reserved.amount, lost=1),
        month=state.month.charged(month_start(reserved.at), reserved.amount, lost=1),
        held=_without(state.held, reserved),
        lost=(*state.lost, reserved),
    )


def _charge(state: Budget, event: Settled | Released, spent: Amount, overruns: int = 0) -> Budget:
    """Close a reservation with what was spent; where it was lost, instead of what it was charged."""
    among = state.lost if event.late else state.held
    (reserved,) = (r for r in among if r.reservation_id == event.reservation_id)
    charged, lost = (reserved.amount, -1) if event.late else (NOTHING, 0)
    day, month = day_start(reserved.at), month_start(reserved.at)
    return replace(
        state,
        day=state.day.charged(day, spent, instead_of=charged, lost=lost, overruns=overruns),
        month=state.month.charged(month, spent, instead_of=charged, lost=lost, overruns=overruns),
        held=state.held if event.late else _without(state.held, reserved),
        lost=_without(state.lost, reserved) if event.late else state.lost,
    )


def _known(state: Budget, reservation_id: str, now: float) -> Reserved | None:
    """The reservation of this id that is open, or lost and can still be corrected."""
    for reserved in (*state.held, *state.lost):
        if reserved.reservation_id == reservation_id and _is_correctable(reserved, now):
            return reserved
    return None


def _is_correctable(reserved: Reserved, now: float) -> bool:
    return now < reserved.expires_at + CORRECTABLE_S


def _without(reservations: tuple[Reserved, ...], one: Reserved) -> tuple[Reserved, ...]:
    return tuple(r for r in reservations if r is not one)


def _done(event: Reserved | Settled | Released | LimitsSet) -> Decision[Event]:
    """What happened is also what the caller is told."""
    return Decision(event, (event,))


def _said(quantity: Amount | Limit, unit: Unit) -> str:
    return f"{quantity.cost_usd:f} USD" if unit == "USD" else f"{quantity.tokens:,} tokens"


def _check(command: Command) -> None:
    if isinstance(command, SetLimits):
        if command.limits is not None:
            _check_limits(command.limits)
        return
    given = command.reservation_id
    if not isinstance(given, str) or not given.strip() or len(given) > MAX_ID_CHARS or not given.isprintable():
        problem = f"reservation_id is {str(given)[:40]!r}."
        raise BadInput(problem, f"Pass a unique id of 1 to {MAX_ID_CHARS} characters that can be shown.")
    if isinstance(command, Settle):
        command.spent.check("spent")
    if isinstance(command, Reserve):
        command.asked.check("asked")
        _check_limits(command.limits)
        if not 0 < command.ttl_s <= MAX_TTL_S:
            raise BadInput(f"ttl_s is {command.ttl_s}.", f"Pass seconds: more than 0, at most {MAX_TTL_S:,.0f}.")


def _check_limits(limits: BudgetLimits) -> None:
    limits.request.check("limits.request")
    limits.day.check("limits.day")
    limits.month.check("limits.month")
