"""The rate limiter and the holders of its leases against an oracle that adds up every window of every spend."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.entities import Chance
from core.entity_codec import Codec, to_json
from core.journal import Entry, Snapshot
from core.leases import LocalLease, Wish
from core.rate_limit_messages import (
    Command,
    Granted,
    Lease,
    Leased,
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
SECONDS = st.sampled_from([0.001, 0.3, 0.5, 1.0, 3.0, 6.0, 9.9, 10.0, 4_000.0]) | st.floats(0, 10)


@dataclass
class Call:
    """A call for a lease on its way: `reply` once the limiter has seen it, `lost` once nobody waits for it."""

    user: str
    wish: Wish
    asked_s: float
    lease: LocalLease
    reply: Reply | None = None
    lost: bool = False


@dataclass
class Holder:
    """A process: its leases, and for each at most one call under way."""

    leases: dict[str, LocalLease] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)


class RateLimitMachine(RuleBasedStateMachine):
    @initialize(limits=LIMITS, calm=st.sampled_from([True, True, False]))
    def begin(self, limits: Limits, calm: bool) -> None:
        """While it is calm, limits stay as they are and clocks go right: what is promised then is the least."""
        self.calm = calm
        self.now_s = self.ahead_s = 0.0
        self.defaults, self.own = limits, None
        self.state: RateLimits = KIND.initial("tenant:1")
        self.replayed = self.state
        self.seq = 0
        self.oracle = Oracle(TTL_S, [(0.0, limits)])
        self.holders = {name: Holder() for name in "abc"}
        self.network: list[Call] = []
        self.settlements: list[Settle] = []
        self.counted = 0.0

    # ------------------------------------------------------------ time
    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @precondition(lambda self: not self.calm)
    @rule(seconds=st.sampled_from([0.1, 2.0, 60.0]))
    def jump(self, seconds: float) -> None:
        """The limiter's clock is set ahead, the callers' are not."""
        self.ahead_s += seconds
        self.oracle.jumps.append((self.now_s, seconds))

    # ------------------------------------------------------------ what holders do
    @rule(holder=HOLDERS, user=USERS, cost=COSTS, times=st.sampled_from([1, 5]))
    def spend(self, holder: str, user: str, cost: float, times: int) -> None:
        lease = self._lease(holder, user)
        for _ in range(times):
            if lease.take(cost, self.now_s):
                self._spent(user, cost, counted=lease.lease_id != 0)

    @rule(holder=HOLDERS, user=USERS)
    def spend_all(self, holder: str, user: str) -> None:
        lease = self._lease(holder, user)
        if lease.lease_id:
            self.spend(holder, user, lease.left, 1)

    @rule(holder=HOLDERS, user=USERS, cost=COSTS, tokens=st.none() | st.sampled_from([3.0, 10.0]))
    def ask(self, holder: str, user: str, cost: float, tokens: float | None) -> None:
        """Send a call, for as much as the lease wants or for more; it has reached nobody yet."""
        calls, lease = self.holders[holder].calls, self._lease(holder, user)
        if user not in calls:
            wish = lease.wish(cost, self.now_s, TTL_S, ONCE_S)
            if tokens:
                wish = wish._replace(tokens=max(tokens, cost), ttl_s=TTL_S)
            calls[user] = Call(user, wish, self.now_s, lease)
            self.network.append(calls[user])

    @rule(holder=HOLDERS, user=USERS, cost=COSTS, tokens=st.none() | st.sampled_from([3.0, 10.0]))
    def ask_and_hear(self, holder: str, user: str, cost: float, tokens: float | None) -> None:
        """As it goes when all goes well."""
        self.ask(holder, user, cost, tokens)
        self._execute(self.holders[holder].calls[user])
        self.hear(holder, user)

    @rule(holder=HOLDERS, user=USERS)
    def give_up(self, holder: str, user: str) -> None:
        """Stop waiting for a reply, which was lost or comes too late; the call itself may still arrive."""
        call = self.holders[holder].calls.pop(user, None)
        if call:
            call.lost = True

    @rule(holder=HOLDERS, user=USERS)
    def hear(self, holder: str, user: str) -> None:
        """A reply comes."""
        call = self.holders[holder].calls.get(user)
        if call is None or call.reply is None:
            return
        del self.holders[holder].calls[user]
        if isinstance(call.reply, Leased):
            call.lease.extend(call.reply, call.asked_s)
            if self.now_s < call.asked_s + call.wish.ttl_s:
                assert call.lease.left >= call.wish.at_least * (1 - 1e-9) or call.lease.spent > call.wish.used
        else:
            assert isinstance(call.reply, Refused)
            call.lease.refuse(call.reply, call.wish.at_least, self.now_s)

    @rule(holder=HOLDERS, user=USERS)
    def end_lease(self, holder: str, user: str) -> None:
        lease = self._lease(holder, user)
        if user not in self.holders[holder].calls and lease.lease_id:
            settlement = Settle(self.defaults, lease.lease_id, lease.spent)
            lease.end()
            self.settlements.append(settlement)

    @rule(holder=HOLDERS)
    def crash(self, holder: str) -> None:
        for call in self.holders[holder].calls.values():
            call.lost = True
        self.holders[holder] = Holder()

    # ------------------------------------------------------------ what reaches the limiter
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        """Any call that was ever sent arrives: late, out of order, or again."""
        if self.network:
            self._execute(data.draw(st.sampled_from(self.network[-20:])))

    @rule(data=st.data())
    def settlement_arrives(self, data: st.DataObject) -> None:
        if self.settlements:
            reply = self._do(data.draw(st.sampled_from(self.settlements[-10:])))
            assert isinstance(reply, Returned)
            assert reply.tokens >= 0

    @rule(user=USERS, cost=COSTS, times=st.sampled_from([1, 12]))
    def take(self, user: str, cost: float, times: int) -> None:
        for _ in range(times):
            reply = self._do(Take(self.defaults, user, cost))
            if isinstance(reply, Granted):
                self._spent(user, cost, counted=reply.burst is not None)

    @precondition(lambda self: not self.calm)
    @rule(limits=st.none() | OTHER_LIMITS)
    def set_limits(self, limits: Limits | None) -> None:
        assert self._do(SetLimits(limits)) == LimitsKept(limits)
        self.own = limits
        self.oracle.limits.append((self.now_s, limits or self.defaults))

    @precondition(lambda self: not self.calm)
    @rule(limits=OTHER_LIMITS)
    def start_with_other_defaults(self, limits: Limits) -> None:
        self.defaults = limits
        self.oracle.limits.append((self.now_s, self.own or limits))

    @rule()
    def restart(self) -> None:
        self.state = CODEC.state(Snapshot(STREAM, self.seq, self._limiter_s(), 1, to_json(self.state)))

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
    def _lease(self, holder: str, user: str) -> LocalLease:
        return self.holders[holder].leases.setdefault(user, LocalLease())

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
            self.state = KIND.replay(self.state, decision.events)
            self.seq += 1
            entry = Entry(STREAM, self.seq, now, "", 1, *texts)
            self.replayed = KIND.replay(self.replayed, CODEC.events(entry))
            assert to_json(self.replayed) == to_json(self.state)
            assert CODEC.command(entry.command) == command
            assert CODEC.reply(entry) == decision.reply
        return reply

    def _wait_is_right(self, command: Command, refused: Refused) -> None:
        """Who waits as told, while nobody else takes any, finds what it asked for, and not much earlier."""
        renews = isinstance(command, Lease) and command.renews
        if refused.retry_after_s is None or renews:
            return
        at = self._limiter_s() + refused.retry_after_s
        assert not isinstance(KIND.decide(self.state, command, at, Chance("", 0)).reply, Refused)
        if refused.retry_after_s > 0.002:
            assert isinstance(KIND.decide(self.state, command, at - 0.002, Chance("", 0)).reply, Refused)


TestRateLimitMachine = RateLimitMachine.TestCase
TestRateLimitMachine.settings = settings(max_examples=300, stateful_step_count=40)
