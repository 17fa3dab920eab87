"""The budget ledger against an oracle that keeps every reservation for ever and adds everything up anew each time."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.budget_messages import (
    BudgetLimits,
    Command,
    LimitsSet,
    NoReservation,
    OverBudget,
    Release,
    Released,
    Reserve,
    Reserved,
    SetLimits,
    Settle,
    Settled,
    WindowReport,
)
from core.budgets import CORRECTABLE_S, KIND, MAX_CORRECTABLE, Budget, report
from core.entities import Chance, Decision
from core.entity_codec import Codec, to_json
from core.journal import Entry, Snapshot
from core.spending import Amount, Limit

Sum = tuple[Fraction, int]
CODEC = Codec(KIND)
# Round numbers that fill a limit exactly, and odd ones that binary fractions cannot hold.
MONEY = st.sampled_from([Decimal(text) for text in ("0", "0.1", "0.25", "0.5", "1", "1.10", "2E+1", "0.000000000001")])
AMOUNTS = st.builds(Amount, MONEY | st.decimals(0, 3, places=12), st.sampled_from([0, 1, 100, 1000]))
LIMITS = st.builds(Limit, st.none() | MONEY, st.none() | st.sampled_from([0, 100, 1000, 5000]))
BUDGETS = st.builds(BudgetLimits, LIMITS, LIMITS, LIMITS)
STARTS = ["2023-12-31T23:59:59", "2024-02-28T12:00:00", "2025-02-28T23:00:00", "2026-07-15T00:00:00"]


@dataclass
class Known:
    """One reservation, for ever. `status` is open, lost, settled or released."""

    asked: Amount
    at: float
    expires_at: float
    status: str = "open"
    spent: Amount | None = None
    correctable: bool = True

    def charge(self) -> Sum:
        amount = Amount() if self.status == "released" else self.spent or self.asked
        return Fraction(amount.cost_usd), amount.tokens

    def is_overrun(self) -> bool:
        return self.spent is not None and (
            self.spent.cost_usd > self.asked.cost_usd or self.spent.tokens > self.asked.tokens
        )

    def is_in(self, window: str, now: float) -> bool:
        return _calendar(window, self.at) == _calendar(window, now)


class BudgetMachine(RuleBasedStateMachine):
    @initialize(start=st.sampled_from(STARTS), limits=BUDGETS)
    def begin(self, start: str, limits: BudgetLimits) -> None:
        self.now = datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp()
        self.defaults = limits
        self.own: BudgetLimits | None = None
        self.state: Budget = KIND.initial("tenant")
        self.replayed: Budget = KIND.initial("tenant")
        self.seq = 0
        self.known: dict[str, Known] = {}

    # ------------------------------------------------------------ time
    @rule(seconds=st.floats(0, 100) | st.sampled_from([3_600.0, CORRECTABLE_S, 86_400.0, 31 * 86_400.0]))
    def wait(self, seconds: float) -> None:
        self._go_to(self.now + seconds)

    @rule(month=st.booleans(), just_before=st.booleans())
    def wait_for_midnight(self, month: bool, just_before: bool) -> None:
        today = _utc(self.now).replace(hour=0, minute=0, second=0, microsecond=0)
        midnight = today + timedelta(days=1)
        while month and midnight.day != 1:
            midnight += timedelta(days=1)
        at = midnight.timestamp()
        self._go_to(max(self.now, math.nextafter(at, 0.0) if just_before else at))

    @rule()
    def wait_for_an_expiry(self) -> None:
        self._go_to(min((k.expires_at for k in self.known.values() if k.status == "open"), default=self.now))

    # ------------------------------------------------------------ commands
    @rule(asked=AMOUNTS, ttl_s=st.sampled_from([0.001, 10.0, 3_600.0, 86_400.0]), times=st.sampled_from([1, 1, 1, 40]))
    def reserve(self, asked: Amount, ttl_s: float, times: int) -> None:
        for _ in range(times):
            self._reserve(asked, ttl_s)

    @rule(spent=AMOUNTS | st.none(), data=st.data())
    def settle(self, spent: Amount | None, data: st.DataObject) -> None:
        """Settle any reservation there ever was, most often for just what was reserved."""
        reservation_id = data.draw(self._ids())
        known = self._find(reservation_id)
        spent = spent or (known.asked if known else Amount())
        reply = self._do(Settle(reservation_id, spent)).reply
        if known is None:
            assert isinstance(reply, NoReservation)
            return
        assert reply == Settled(reservation_id, spent, self.now, spent.beyond(known.asked), late=known.status == "lost")
        known.status, known.spent = "settled", spent

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        reservation_id = data.draw(self._ids())
        known = self._find(reservation_id)
        reply = self._do(Release(reservation_id)).reply
        if known is None:
            assert isinstance(reply, NoReservation)
            return
        assert reply == Released(reservation_id, self.now, late=known.status == "lost")
        known.status = "released"

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """A reservation that is asked for again is answered as the first time, and changes nothing."""
        reservation_id = data.draw(self._ids())
        known = self._find(reservation_id)
        if known:
            again = self._do(Reserve(reservation_id, Amount(Decimal(3), 7), 5.0, self.defaults))
            assert again.reply == Reserved(reservation_id, known.asked, known.at, known.expires_at)

    @rule(limits=BUDGETS | st.none())
    def set_limits(self, limits: BudgetLimits | None) -> None:
        assert self._do(SetLimits(limits)).reply == LimitsSet(limits, self.now)
        self.own = limits

    @rule()
    def restart(self) -> None:
        self.state = CODEC.state(Snapshot("BudgetLedger/tenant", self.seq, self.now, 1, to_json(self.state)))

    # ------------------------------------------------------------ what always holds
    @invariant()
    def the_report_is_what_the_oracle_adds_up(self) -> None:
        if not hasattr(self, "state"):
            return
        said = report(self.state, self.now, self.defaults)
        assert said.open_reservations == sum(k.status == "open" for k in self.known.values())
        assert said.own_limits == (self.own is not None)
        assert said.request == self._limits().request
        windows: dict[str, tuple[WindowReport, Limit]] = {
            "day": (said.day, self._limits().day),
            "month": (said.month, self._limits().month),
        }
        for name, (window, limit) in windows.items():
            spent, reserved = self._sum(name, "lost", "settled", "released"), self._sum(name, "open")
            assert window.limit == limit
            assert (Fraction(window.spent.cost_usd), window.spent.tokens) == spent
            assert (Fraction(window.reserved.cost_usd), window.reserved.tokens) == reserved
            assert _left(limit, spent, reserved) == window.left
            ours = [k for k in self.known.values() if k.is_in(name, self.now)]
            assert window.lost == sum(k.status == "lost" for k in ours)
            assert window.overruns == sum(k.is_overrun() for k in ours)
            assert window.since <= self.now < window.resets_at

    # ------------------------------------------------------------ the oracle
    def _reserve(self, asked: Amount, ttl_s: float) -> None:
        reservation_id = f"r{len(self.known)}"
        crossed = self._crossed_by(asked)
        reply = self._do(Reserve(reservation_id, asked, ttl_s, self.defaults)).reply
        if crossed:
            assert isinstance(reply, OverBudget)
            assert (reply.window, reply.unit) in crossed
            assert reply.resets_at is None or reply.resets_at > self.now
        else:
            assert reply == Reserved(reservation_id, asked, self.now, self.now + ttl_s)
            self.known[reservation_id] = Known(asked, self.now, self.now + ttl_s)
            self._expire()

    def _do(self, command: Command) -> Decision[object]:
        """Decide and evolve, live and by way of the journal's texts, which must come to the same, bit for bit."""
        before = {window: self._total(window) for window in ("day", "month")}
        decision = KIND.decide(self.state, command, self.now, Chance("BudgetLedger/tenant", self.seq + 1))
        texts = to_json(command), to_json(decision.events), to_json(decision.reply)
        self.state = KIND.replay(self.state, decision.events)
        self.seq += 1
        entry = Entry("BudgetLedger/tenant", self.seq, self.now, "", 1, *texts)
        self.replayed = KIND.replay(self.replayed, CODEC.events(entry))
        assert to_json(self.replayed) == to_json(self.state)
        assert CODEC.command(entry.command) == command
        assert CODEC.reply(entry) == decision.reply
        self._nothing_is_overspent(before, decision.reply)
        return Decision(decision.reply, decision.events)

    def _nothing_is_overspent(self, before: dict[str, Sum], reply: object) -> None:
        """No command takes a window beyond its limit, or further beyond it, but by an overrun."""
        overrun = reply.overrun if isinstance(reply, Settled) else Amount()
        said = report(self.state, self.now, self.defaults)
        for name, window in {"day": said.day, "month": said.month}.items():
            total = window.spent.plus(window.reserved)
            limit, then = window.limit, before[name]
            most = Fraction(limit.cost_usd or 0), then[0] + Fraction(overrun.cost_usd)
            assert limit.cost_usd is None or Fraction(total.cost_usd) <= max(most)
            assert limit.tokens is None or total.tokens <= max(limit.tokens, then[1] + overrun.tokens)

    def _crossed_by(self, asked: Amount) -> set[tuple[str, str]]:
        limits, crossed = self._limits(), set()
        for name, limit in {"request": limits.request, "day": limits.day, "month": limits.month}.items():
            cost, tokens = (Fraction(0), 0) if name == "request" else self._total(name)
            if limit.cost_usd is not None and asked.cost_usd and cost + Fraction(asked.cost_usd) > limit.cost_usd:
                crossed.add((name, "USD"))
            if limit.tokens is not None and asked.tokens and tokens + asked.tokens > limit.tokens:
                crossed.add((name, "tokens"))
        return crossed

    def _total(self, window: str) -> Sum:
        return self._sum(window, "open", "lost", "settled", "released")

    def _sum(self, window: str, *statuses: str) -> Sum:
        charges = [k.charge() for k in self.known.values() if k.status in statuses and k.is_in(window, self.now)]
        return sum((cost for cost, _ in charges), Fraction(0)), sum(tokens for _, tokens in charges)

    def _limits(self) -> BudgetLimits:
        return self.own or self.defaults

    def _ids(self) -> st.SearchStrategy[str]:
        return st.sampled_from([*self.known, "never made"])

    def _find(self, reservation_id: str) -> Known | None:
        known = self.known.get(reservation_id)
        if known is None or known.status in ("settled", "released") or not known.correctable:
            return None
        return known if self.now < known.expires_at + CORRECTABLE_S else None

    def _go_to(self, at: float) -> None:
        self.now = at
        self._expire()

    def _expire(self) -> None:
        due = [k for k in self.known.values() if k.status == "open" and k.expires_at <= self.now]
        for known in due:
            known.status = "lost"
        lost = sorted((k for k in self.known.values() if k.status == "lost"), key=lambda k: k.expires_at)
        waiting = [k for k in lost if k.correctable]
        for known in waiting[:-MAX_CORRECTABLE]:
            known.correctable = False


def _utc(at: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=math.floor(at))


@cache
def _calendar(window: str, at: float) -> str:
    return _utc(at).strftime({"day": "%Y-%m-%d", "month": "%Y-%m"}[window])


def _left(limit: Limit, spent: Sum, reserved: Sum) -> Limit:
    cost, tokens = limit.cost_usd, limit.tokens
    used = spent[0] + reserved[0]
    return Limit(
        None if cost is None else Decimal(0) if used >= cost else cost - Decimal(used.numerator) / used.denominator,
        None if tokens is None else max(0, tokens - spent[1] - reserved[1]),
    )


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(max_examples=60, stateful_step_count=40)
