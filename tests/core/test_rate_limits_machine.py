"""The rate limiter and the holders of its leases against an oracle that adds up every window of every spend."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.entities import Chance
from core.entity_codec import Codec, to_json
from core.journal import Entry, Snapshot
from core.leases import LocalLease
from core.rate_limit_messages import (
    Command,
    Granted,
    Lease,
    LimitsKept,
    Refused,
    Reply,
    Returned,
    SetLimits,
    Settle,
    Take,
)
from core.rate_limits import KIND, MAX_LEASES, RateLimits, quota
from core.token_buckets import Limits, Rate
from tests.core.rate_limit_holders import Call, Holder
from tests.core.rate_limit_oracle import Oracle

STREAM = "RateLimiter/tenant:1"
CODEC = Codec(KIND)
BEGAN_AT = 1_790_000_000.0
TTL_S, ONCE_S = 10.0, 0.5
HOLDERS = st.sampled_from(["a", "b"])
USERS = st.sampled_from(["", "ada", "ada", "bo"])
COSTS = st.sampled_from([1.0, 1.0, 0.1, 3.0])
# Full again within the time of a lease, or long after it.
RATES = st.builds(Rate, st.sampled_from([0.1, 1.7, 5.0]), st.sampled_from([1.0, 5.0, 10.3]))
LIMITS = st.builds(Limits, RATES, st.none() | RATES)
OTHER_LIMITS = LIMITS | st.builds(Limits, st.none() | st.just(Rate(0.0, 0.0)), st.none() | RATES)
STEPS = st.sampled_from(
    [
        *["ask"] * 5,
        *["spend"] * 3,
        *["spend all"] * 3,
        *["take"] * 3,
        "arrive",
        "arrive",
        "settle",
        "crash",
        "wait",
        "wait",
    ]
)
# How long before each step: mostly not at all, or for a part of a lease's time.
SECONDS = st.sampled_from([*[0.0] * 8, 0.001, 0.5, 1.0, 2.0, 3.0, 5.0])
LONG = [5.0, 60.0, 4_000.0]


class RateLimitMachine(RuleBasedStateMachine):
    @initialize(limits=LIMITS, calm=st.sampled_from([True, True, False]))
    def begin(self, limits: Limits, calm: bool) -> None:
        """While it is calm, limits stay as they are and clocks go right: what is promised then is the least."""
        self.calm = calm
        self.now_s = self.ahead_s = 0.0
        self.defaults = limits
        self.own: Limits | None = None
        self.state: RateLimits = KIND.initial("tenant:1")
        self.replayed = self.state
        self.seq = 0
        self.oracle = Oracle(TTL_S, [(0.0, limits)])
        self.holders = {name: Holder() for name in "abc"}
        self.network: list[Call] = []
        self.settlements: list[Settle] = []
        self.counted = 0.0

    @rule(what=STEPS, after_s=SECONDS, user=USERS, cost=COSTS, data=st.data())
    def step(self, what: str, after_s: float, user: str, cost: float, data: st.DataObject) -> None:
        """One rule for all: each example has steps of every kind, and most of them are about leases."""
        self.now_s += after_s
        match what:
            case "ask":
                self._ask(data.draw(HOLDERS), user, cost, data.draw(st.sampled_from([None, 3.0, 10.0, 10.0])))
            case "spend" | "spend all":
                self._spend(cost if what == "spend" else None, data)
            case "take":
                self._take(user, cost, data.draw(st.sampled_from([1, 12])))
            case "arrive":
                self._arrive(data)
            case "settle":
                self._settle(data)
            case "wait":
                self._wait(data)
            case "crash":
                self._crash(data.draw(HOLDERS))

    @precondition(lambda self: not self.calm)
    @rule(limits=st.none() | OTHER_LIMITS, jump_s=st.sampled_from([0.0, 0.1, 2.0, 60.0]), at_run_time=st.booleans())
    def disturb(self, limits: Limits | None, jump_s: float, at_run_time: bool) -> None:
        """Limits change, or the limiter's clock is set ahead while the callers' are not."""
        if jump_s:
            self.ahead_s += jump_s
            self.oracle.jumps.append((self.now_s, jump_s))
            return
        if at_run_time:
            assert self._do(SetLimits(limits)) == LimitsKept(limits)
            self.own = limits
        else:
            self.defaults = limits or self.defaults
        self.oracle.limits.append((self.now_s, self.own or self.defaults))

    # ------------------------------------------------------------ the steps
    def _ask(self, name: str, user: str, cost: float, tokens: float | None) -> None:
        """A holder calls for as much as its lease wants, or for more; the reply comes at once, later or never."""
        holder = self.holders[name]
        lease = holder.leases.setdefault(user, LocalLease())
        call = holder.calls.get(user)
        if call is None:
            wish = lease.wish(cost, self.now_s, TTL_S, ONCE_S)
            if tokens:
                wish = wish._replace(tokens=max(tokens, cost), ttl_s=TTL_S)
            call = holder.calls[user] = Call(user, wish, self.now_s, lease)
            self.network.append(call)
        fate = len(self.network) % 4
        if fate == 0:
            # Nobody waits any more. The call may have arrived, or may do so yet.
            holder.give_up(user)
        elif fate > 1:
            self._execute(call)
            holder.hear(user, self.now_s)

    def _wait(self, data: st.DataObject) -> None:
        """For long, or until just before or after a lease ends."""
        ends = {lease.ends_s for _, lease in self._leases()} | {
            held.expires_at - BEGAN_AT - self.ahead_s for held in self.state.leases
        }
        near = [end + by - self.now_s for end in sorted(ends) for by in (-0.001, 0.0, 0.3)]
        self.now_s += data.draw(st.sampled_from([seconds for seconds in near if seconds > 0] * 2 + LONG))

    def _spend(self, cost: float | None, data: st.DataObject) -> None:
        """Spend of a lease: some tokens, or all that there are."""
        if leases := self._leases():
            user, lease = data.draw(st.sampled_from(leases))
            spent = lease.left if cost is None else cost
            if lease.take(spent, self.now_s):
                self._spent(user, spent, counted=lease.lease_id != 0)

    def _take(self, user: str, cost: float, times: int) -> None:
        for _ in range(times):
            reply = self._do(Take(self.defaults, user, cost))
            if isinstance(reply, Refused):
                break
            assert isinstance(reply, Granted)
            self._spent(user, cost, counted=reply.burst is not None)

    def _arrive(self, data: st.DataObject) -> None:
        """Any call that was ever sent arrives, late, out of order, or again; and its reply, where somebody waits."""
        if self.network:
            self._execute(data.draw(st.sampled_from(self.network[-10:])))
        for settlement in self.settlements[-1:]:
            self._do(settlement)
        for holder in self.holders.values():
            for user in list(holder.calls):
                holder.hear(user, self.now_s)

    def _settle(self, data: st.DataObject) -> None:
        """Give back what is left of a lease; the call that says so may never arrive."""
        under_way = [call.lease for holder in self.holders.values() for call in holder.calls.values()]
        if leases := [lease for _, lease in self._leases() if lease.lease_id and lease not in under_way]:
            lease = data.draw(st.sampled_from(leases))
            self.settlements.append(Settle(self.defaults, lease.lease_id, lease.spent))
            lease.end()
            if data.draw(st.booleans()):
                reply = self._do(self.settlements[-1])
                assert isinstance(reply, Returned)
                assert reply.tokens >= 0

    def _crash(self, name: str) -> None:
        for user in list(self.holders[name].calls):
            self.holders[name].give_up(user)
        self.holders[name] = Holder()

    # ------------------------------------------------------------ what always holds
    @invariant()
    def no_window_holds_more_than_was_promised(self) -> None:
        for name in ("", "ada", "bo"):
            if hasattr(self, "oracle"):
                self.oracle.check_windows(name)

    @invariant()
    def what_is_reported_can_be(self) -> None:
        if not hasattr(self, "state"):
            return
        limits = self.own or self.defaults
        for user in ("", "ada"):
            said = quota(self.state, self.defaults, user, self._limiter_s())
            assert said.set_at_run_time == (self.own is not None)
            for scope, name in zip(said.scopes, ("", user), strict=False):
                assert scope.limit == limits.of(name)
                assert scope.leased >= 0
                if scope.limit is not None and scope.available is not None:
                    assert 0 <= scope.available <= scope.limit.capacity
                    assert scope.full_in_s is None or scope.full_in_s >= 0
        out = sum(held.outstanding for held in self.state.leases)
        assert self.state.spent + out >= self.counted * (1 - 1e-9) - 1e-6
        assert len(self.state.leases) <= MAX_LEASES

    # ------------------------------------------------------------ both sides
    def _leases(self) -> list[tuple[str, LocalLease]]:
        """All leases of which something is left, though it may be too late, and whose they are."""
        held = [one for holder in self.holders.values() for one in holder.leases.items()]
        return [(user, lease) for user, lease in held if lease.left]

    def _spent(self, user: str, cost: float, *, counted: bool) -> None:
        self.counted += cost if counted else 0.0
        self.oracle.spend(self.now_s, user, cost)

    def _limiter_s(self) -> float:
        return BEGAN_AT + self.now_s + self.ahead_s

    def _execute(self, call: Call) -> None:
        """Do what a call asks for. The shell answers a repeat with the first reply, where that changed something."""
        if call.reply is None:
            seq = self.seq
            reply = self._do(Lease(self.defaults, call.user, *call.wish))
            if self.seq > seq or not call.lost:
                call.reply = reply

    def _do(self, command: Command) -> Reply:
        """Decide and evolve, live and by way of the journal's texts, which must come to the same, bit for bit."""
        now = self._limiter_s()
        decision = KIND.decide(self.state, command, now, Chance(STREAM, self.seq + 1))
        reply: Reply = decision.reply
        if isinstance(reply, Refused):
            self._wait_is_right(command, reply)
        if decision.events:
            texts = to_json(command), to_json(decision.events), to_json(decision.reply)
            live = KIND.replay(self.state, decision.events)
            self.seq += 1
            entry = Entry(STREAM, self.seq, now, "", 1, *texts)
            self.replayed = KIND.replay(self.replayed, CODEC.events(entry))
            self.state = CODEC.state(Snapshot(STREAM, self.seq, now, 1, to_json(live)))
            assert to_json(self.replayed) == to_json(self.state) == to_json(live)
            assert CODEC.command(entry.command) == command
            assert CODEC.reply(entry) == decision.reply
        return reply

    def _wait_is_right(self, command: Command, refused: Refused) -> None:
        """Who waits as told, while nobody else takes any, finds what it asked for, and not much earlier."""
        renews = isinstance(command, Lease) and command.renews
        if refused.retry_after_s is None or renews:
            return
        at = self._limiter_s() + refused.retry_after_s
        then = KIND.decide(self.state, command, at, Chance("", 0)).reply
        assert not isinstance(then, Refused), f"{command} of {self.state} had to wait {refused}, then {then}"
        if refused.retry_after_s > 0.002:
            assert isinstance(KIND.decide(self.state, command, at - 0.002, Chance("", 0)).reply, Refused)


TestRateLimitMachine = RateLimitMachine.TestCase
TestRateLimitMachine.settings = settings(max_examples=200, stateful_step_count=50)
