"""The budget ledger against an oracle that keeps every reservation for ever and adds everything up anew each time."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

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
from core.budget_state import CORRECTABLE_S, Budget, report
from core.budgets import KIND, MAX_OPEN
from core.entities import Chance, Decision
from core.entity_codec import Codec, to_json
from core.journal import Entry, Snapshot
from core.spending import Amount, Limit
from tests.core.budget_oracle import Known, Oracle, Sum, left_of, utc

CODEC = Codec(KIND)
# Round numbers that fill a limit exactly, and odd ones that binary fractions cannot hold.
MONEY = st.sampled_from([Decimal(text) for text in ("0", "0.1", "0.25", "0.5", "1", "1.10", "2E+1", "0.000000000001")])
AMOUNTS = st.builds(Amount, MONEY | st.decimals(0, 3, places=12), st.sampled_from([0, 1, 100, 1000]))
LIMITS = st.builds(Limit, st.none() | MONEY, st.none() | st.sampled_from([0, 100, 1000, 5000]))
BUDGETS = st.builds(BudgetLimits, LIMITS, LIMITS, LIMITS)
STARTS = ["2023-12-31T23:59:59", "2024-02-28T12:00:00", "2025-02-28T23:00:00", "2026-07-15T00:00:00"]


class BudgetMachine(RuleBasedStateMachine):
    @initialize(start=st.sampled_from(STARTS), limits=BUDGETS)
    def begin(self, start: str, limits: BudgetLimits) -> None:
        self.oracle = Oracle(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp(), limits)
        self.state: Budget = KIND.initial("tenant")
        self.replayed: Budget = KIND.initial("tenant")
        self.seq = 0

    # ------------------------------------------------------------ time
    @rule(seconds=st.floats(0, 100) | st.sampled_from([3_600.0, CORRECTABLE_S, 86_400.0, 31 * 86_400.0]))
    def wait(self, seconds: float) -> None:
        self.oracle.go_to(self.oracle.now + seconds)

    @rule(month=st.booleans(), just_before=st.booleans())
    def wait_for_midnight(self, month: bool, just_before: bool) -> None:
        today = utc(self.oracle.now).replace(hour=0, minute=0, second=0, microsecond=0)
        midnight = today + timedelta(days=1)
        while month and midnight.day != 1:
            midnight += timedelta(days=1)
        at = midnight.timestamp()
        self.oracle.go_to(max(self.oracle.now, math.nextafter(at, 0.0) if just_before else at))

    @rule()
    def wait_for_an_expiry(self) -> None:
        expiries = (k.expires_at for k in self.oracle.known.values() if k.status == "open")
        self.oracle.go_to(min(expiries, default=self.oracle.now))

    # ------------------------------------------------------------ commands
    @rule(
        asked=AMOUNTS,
        ttl_s=st.sampled_from([0.001, 10.0, 3_600.0, 86_400.0]),
        times=st.sampled_from([1, 1, 1, 40]),
        enforce=st.sampled_from([True, True, False]),
    )
    def reserve(self, asked: Amount, ttl_s: float, times: int, enforce: bool) -> None:
        for _ in range(times):
            self._reserve(asked, ttl_s, enforce)

    @rule(spent=AMOUNTS | st.none(), data=st.data())
    def settle(self, spent: Amount | None, data: st.DataObject) -> None:
        """Settle any reservation there ever was, most often for just what was reserved."""
        reservation_id = data.draw(self._ids())
        known = self.oracle.find(reservation_id)
        spent = spent or (known.asked if known else Amount())
        reply = self._do(Settle(reservation_id, spent)).reply
        if known is None:
            assert isinstance(reply, NoReservation)
            return
        overrun, late = spent.beyond(known.asked), known.status == "lost"
        assert reply == Settled(reservation_id, spent, self.oracle.now, overrun, late)
        known.status, known.spent = "settled", spent

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        reservation_id = data.draw(self._ids())
        known = self.oracle.find(reservation_id)
        reply = self._do(Release(reservation_id)).reply
        if known is None:
            assert isinstance(reply, NoReservation)
            return
        assert reply == Released(reservation_id, self.oracle.now, late=known.status == "lost")
        known.status = "released"

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """A reservation that is asked for again is answered as the first time, and changes nothing."""
        reservation_id = data.draw(self._ids())
        known = self.oracle.find(reservation_id)
        if known:
            again = self._do(Reserve(reservation_id, Amount(Decimal(3), 7), 5.0, self.oracle.defaults))
            assert again.reply == Reserved(reservation_id, known.asked, known.at, known.expires_at, known.beyond)

    @rule(limits=BUDGETS | st.none())
    def set_limits(self, limits: BudgetLimits | None) -> None:
        assert self._do(SetLimits(limits)).reply == LimitsSet(limits, self.oracle.now)
        self.oracle.own = limits

    @rule()
    def restart(self) -> None:
        self.state = CODEC.state(Snapshot("BudgetLedger/tenant", self.seq, self.oracle.now, 1, to_json(self.state)))

    # ------------------------------------------------------------ what always holds
    @invariant()
    def the_report_is_what_the_oracle_adds_up(self) -> None:
        if not hasattr(self, "state"):
            return
        said = report(self.state, self.oracle.now, self.oracle.defaults)
        assert said.open_reservations == sum(k.status == "open" for k in self.oracle.known.values())
        assert said.own_limits == (self.oracle.own is not None)
        assert said.request == self.oracle.limits().request
        windows: dict[str, tuple[WindowReport, Limit]] = {
            "day": (said.day, self.oracle.limits().day),
            "month": (said.month, self.oracle.limits().month),
        }
        for name, (window, limit) in windows.items():
            spent, reserved = (
                self.oracle.charged(name, "lost", "settled", "released"),
                self.oracle.charged(name, "open"),
            )
            assert window.limit == limit
            assert (Fraction(window.spent.cost_usd), window.spent.tokens) == spent
            assert (Fraction(window.reserved.cost_usd), window.reserved.tokens) == reserved
            assert left_of(limit, spent, reserved) == window.left
            ours = [k for k in self.oracle.known.values() if k.is_in(name, self.oracle.now)]
            assert window.lost == sum(k.status == "lost" for k in ours)
            assert window.overruns == sum(k.is_overrun() for k in ours)
            assert window.since <= self.oracle.now < window.resets_at

    # ------------------------------------------------------------ both sides
    def _reserve(self, asked: Amount, ttl_s: float, enforce: bool) -> None:
        """Limits that only watch admit what the others refuse, and say the same of it."""
        reservation_id = f"r{len(self.oracle.known)}"
        crossed = self.oracle.crossed_by(asked)
        command = Reserve(reservation_id, asked, ttl_s, self.oracle.defaults, enforce)
        enforced = KIND.decide(self.state, replace(command, enforce=True), self.oracle.now, Chance("", 0)).reply
        reply = self._do(command, watched=not enforce).reply
        if sum(k.status == "open" for k in self.oracle.known.values()) >= MAX_OPEN:
            assert isinstance(reply, OverBudget)
            assert reply.window == "open"
            return
        if crossed:
            assert isinstance(enforced, OverBudget)
            assert (enforced.window, enforced.unit) in crossed
            assert (enforced.resets_at is None) == self.oracle.is_hopeless(asked)
            assert enforced.resets_at is None or enforced.resets_at > self.oracle.now
        if crossed and enforce:
            assert reply == enforced
            return
        beyond = enforced.because if isinstance(enforced, OverBudget) else ""
        assert bool(beyond) == bool(crossed)
        assert reply == Reserved(reservation_id, asked, self.oracle.now, self.oracle.now + ttl_s, beyond)
        self.oracle.known[reservation_id] = Known(asked, self.oracle.now, self.oracle.now + ttl_s, beyond=beyond)
        self.oracle.expire()

    def _do(self, command: Command, watched: bool = False) -> Decision[object]:
        """Decide and evolve, live and by way of the journal's texts, which must come to the same, bit for bit."""
        before = {window: self.oracle.total(window) for window in ("day", "month")}
        decision = KIND.decide(self.state, command, self.oracle.now, Chance("BudgetLedger/tenant", self.seq + 1))
        texts = to_json(command), to_json(decision.events), to_json(decision.reply)
        self.state = KIND.replay(self.state, decision.events)
        self.seq += 1
        entry = Entry("BudgetLedger/tenant", self.seq, self.oracle.now, "", 1, *texts)
        self.replayed = KIND.replay(self.replayed, CODEC.events(entry))
        assert to_json(self.replayed) == to_json(self.state)
        assert CODEC.command(entry.command) == command
        assert CODEC.reply(entry) == decision.reply
        if not watched:
            self._nothing_is_overspent(before, decision.reply)
        return Decision(decision.reply, decision.events)

    def _nothing_is_overspent(self, before: dict[str, Sum], reply: object) -> None:
        """No command takes a window beyond its limit, or further beyond it, but by an overrun."""
        overrun = reply.overrun if isinstance(reply, Settled) else Amount()
        said = report(self.state, self.oracle.now, self.oracle.defaults)
        for name, window in {"day": said.day, "month": said.month}.items():
            total = window.spent.plus(window.reserved)
            limit, then = window.limit, before[name]
            most = Fraction(limit.cost_usd or 0), then[0] + Fraction(overrun.cost_usd)
            assert limit.cost_usd is None or Fraction(total.cost_usd) <= max(most)
            assert limit.tokens is None or total.tokens <= max(limit.tokens, then[1] + overrun.tokens)

    def _ids(self) -> st.SearchStrategy[str]:
        return st.sampled_from([*self.oracle.known, "never made"])


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(max_examples=60, stateful_step_count=40)
