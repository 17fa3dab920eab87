"""What is kept of a tenant's budget, how events change it, and what it comes to at a moment. `core.budgets` decides."""

from msgspec.structs import replace

from core.budget_messages import (
    BudgetLimits,
    BudgetReport,
    Event,
    Expired,
    LimitsSet,
    Released,
    Reserved,
    Settled,
    WindowReport,
)
from core.entities import State
from core.spending import DAY_S, NOTHING, Amount, Limit, Tally, day_start, month_start, next_month_start

# A reservation that was lost can be corrected for so long, and so many of a tenant; after that its charge stands.
CORRECTABLE_S = 86_400.0
MAX_CORRECTABLE = 32


class Budget(State, frozen=True, gc=False):
    """What is kept of a tenant. `held` are open reservations, `lost` those that expired and can still be corrected.

    What was settled is forgotten: the shell answers repeats of recent commands, and refuses older ones.
    """

    limits: BudgetLimits | None = None
    day: Tally = Tally()
    month: Tally = Tally()
    held: tuple[Reserved, ...] = ()
    lost: tuple[Reserved, ...] = ()


# All tenants that have spent nothing share this one.
EMPTY = Budget()


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


def brought_to(state: Budget, now: float) -> tuple[Budget, tuple[Event, ...], float]:
    """The state at `now` (unix s), what expired until then, and that time.

    No timer expires a reservation: nothing but its own budget can see the difference, so it is done when one looks.
    """
    # A clock that was set back opens no day anew that is over.
    now = max(now, state.day.since)
    due = sorted((r for r in state.held if r.expires_at <= now), key=lambda r: r.expires_at)
    expired = tuple(Expired(r.reservation_id, r.expires_at) for r in due)
    for event in expired:
        state = evolve(state, event)
    return state, expired, now


def known(state: Budget, reservation_id: str, now: float) -> tuple[Reserved, bool] | None:
    """The reservation of this id, and whether it is lost; None where it is not open and cannot be corrected."""
    for among, late in ((state.held, False), (state.lost, True)):
        for reserved in among:
            if reserved.reservation_id == reservation_id and _is_correctable(reserved, now):
                return reserved, late
    return None


def windows(state: Budget, limits: BudgetLimits, now: float) -> tuple[WindowReport, WindowReport]:
    """The day and the month of `now`."""
    day, month = day_start(now), month_start(now)
    return (
        _window(state.held, state.day.in_window(day), limits.day, day + DAY_S),
        _window(state.held, state.month.in_window(month), limits.month, next_month_start(now)),
    )


def report(state: Budget, now: float, defaults: BudgetLimits) -> BudgetReport:
    """What is spent, reserved and left as of `now` (unix s); `defaults` hold for a tenant without its own limits."""
    state, _, now = brought_to(state, now)
    limits = defaults if state.limits is None else state.limits
    day, month = windows(state, limits, now)
    return BudgetReport(limits.request, day, month, state.limits is not None, len(state.held))


def _window(held: tuple[Reserved, ...], tally: Tally, limit: Limit, resets_at: float) -> WindowReport:
    reserved = NOTHING
    for reservation in held:
        if reservation.at >= tally.since:
            reserved = reserved.plus(reservation.amount)
    left = limit.left(tally.spent.plus(reserved))
    return WindowReport(limit, tally.spent, reserved, left, tally.since, resets_at, tally.lost, tally.overruns)


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


def _is_correctable(reserved: Reserved, now: float) -> bool:
    return now < reserved.expires_at + CORRECTABLE_S


def _without(reservations: tuple[Reserved, ...], one: Reserved) -> tuple[Reserved, ...]:
    return tuple(r for r in reservations if r is not one)
