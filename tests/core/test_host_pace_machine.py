"""The pace of a host against an oracle that knows every slot there ever was, and counts each window of them."""

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.entities import Chance
from core.entity_codec import Codec, to_json
from core.host_pace import KIND, Line
from core.host_pace_messages import Command, Outcome, PaceRules, Reply, Slot, Take, Tell, Told, TooLong
from core.journal import Entry, Snapshot

STREAM = "HostPace/host:shore.example"
CODEC = Codec(KIND)
RULES = st.builds(
    PaceRules,
    interval_s=st.sampled_from([0.1, 1.0, 3.3]),
    burst=st.sampled_from([1, 2, 5]),
    jitter=st.sampled_from([0.0, 0.3]),
    max_wait_s=st.sampled_from([0.0, 5.0, 30.0]),
    max_interval_s=st.sampled_from([4.0, 60.0]),
    max_pause_s=st.just(100.0),
    failures=st.sampled_from([1, 3]),
    successes=st.sampled_from([1, 3]),
    recovery=st.sampled_from([0.1, 1.0]),
)
BAD = [Outcome.THROTTLED, Outcome.BOT_CHECK, Outcome.CONSENT_PAGE]


class PaceMachine(RuleBasedStateMachine):
    """Callers wait, use what is due, die, and tell."""

    @initialize(rules=RULES)
    def begin(self, rules: PaceRules) -> None:
        self.pace, self.now, self.seq = rules, 1_790_000_000.0, 0
        self.state: Line = KIND.initial("host:shore.example")
        self.replayed: Line = self.state
        self.waiting: list[tuple[float, int]] = []
        self.due: list[float] = []
        self.asked_until = 0.0
        self.slowed_at: list[float] = []

    # ------------------------------------------------------------ time
    @rule(seconds=st.sampled_from([0.0, 0.05, 1.0, 3.3, 30.0, 3_600.0]) | st.floats(0.0, 10.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def wait_for_the_next_slot(self) -> None:
        self.now = max(self.now, min((at for at, _ in self.waiting), default=self.now))

    @rule()
    def wait_until_answers_count(self) -> None:
        self.now = max(self.now, self.state.heeded_from)

    # ------------------------------------------------------------ callers
    @rule(times=st.sampled_from([1, 1, 10]), patience_s=st.sampled_from([0.0, 3.0, 100.0]))
    def come(self, times: int, patience_s: float) -> None:
        for _ in range(times):
            self._judge(self._do(Take(self.pace, patience_s)), patience_s)

    @rule(patience_s=st.sampled_from([0.0, 100.0]), data=st.data())
    def use_what_is_due(self, patience_s: float, data: st.DataObject) -> None:
        due = [slot for slot in self.waiting if slot[0] <= self.now]
        if not due:
            return
        slot = data.draw(st.sampled_from(due))
        self.waiting.remove(slot)
        reply = self._do(Take(self.pace, patience_s, slot[1]))
        if slot[1] == self.state.epoch and not isinstance(reply, TooLong) and slot[0] in self.due:
            assert reply == Slot(0.0, slot[1], self.state.heeds_success)
        else:
            self._judge(reply, patience_s)

    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """Nobody hears of it: the slot is spent."""
        if self.waiting:
            self.waiting.remove(data.draw(st.sampled_from(self.waiting)))

    # ------------------------------------------------------------ answers
    @rule(outcome=st.sampled_from(BAD), retry_after_s=st.sampled_from([0.0, 0.0, 2.0, 40.0, 1e9]))
    def complain(self, outcome: Outcome, retry_after_s: float) -> None:
        before, heeded = self.state, self.now >= self.state.heeded_from
        self._do(Tell(self.pace, outcome, retry_after_s))
        self.asked_until = max(self.asked_until, self.now + min(retry_after_s, self.pace.max_pause_s))
        if heeded:
            doubled = 2 * max(before.interval_s or 0.0, self.pace.interval_s)
            assert self.state.interval_s == min(doubled, self.pace.max_interval_s)
        if self.state.epoch != before.epoch:
            self.due = [at for at in self.due if at <= self.now]

    @rule(times=st.sampled_from([1, 3]))
    def fail(self, times: int) -> None:
        for _ in range(times):
            before = self.state
            self._do(Tell(self.pace, Outcome.FAILED))
            assert self.state.successes == 0 or self.state == before
            if self.state.epoch != before.epoch:
                self.due = [at for at in self.due if at <= self.now]

    @rule(times=st.sampled_from([1, 3, 20]))
    def succeed(self, times: int) -> None:
        for _ in range(times):
            before = self.state
            reply = self._do(Tell(self.pace, Outcome.SUCCESS))
            assert isinstance(reply, Told)
            assert self.pace.interval_s <= reply.interval_s
            grown = 1 / reply.interval_s - 1 / max(before.interval_s or 0.0, self.pace.interval_s)
            assert grown <= self.pace.recovery / self.pace.interval_s * (1 + 1e-6)

    @rule()
    def restart(self) -> None:
        """Of the entity's process: those who wait know nothing of it."""
        self.state = CODEC.state(Snapshot(STREAM, self.seq, self.now, 1, to_json(self.state)))

    # ------------------------------------------------------------ what always holds
    @invariant()
    def slowed_slots_are_apart(self) -> None:
        if not hasattr(self, "state") or self.state.interval_s is None:
            return
        late = sorted(at for at in self.due if at >= self.state.heeded_from > 0)
        assert all(later - earlier >= self.pace.interval_s * (1 - 1e-6) for earlier, later in pairwise(late))

    # ------------------------------------------------------------ both sides
    def _judge(self, reply: Reply, patience_s: float) -> None:
        most = min(patience_s, self.pace.max_wait_s)
        if isinstance(reply, TooLong):
            assert reply.retry_after_s > 0
            assert self.state.free_at - self.now > most
            return
        assert isinstance(reply, Slot)
        assert 0 <= reply.wait_s <= most
        due_at = self.now + reply.wait_s
        assert due_at >= self.asked_until - 1e-6
        self._fits_in_every_window(due_at)
        if reply.wait_s:
            self.waiting.append((due_at, reply.epoch))

    def _fits_in_every_window(self, due_at: float) -> None:
        """A slot is later than all that fell due or is waited for, so each window that it is in ends with it."""
        assert due_at >= max(self.due, default=0.0)
        self.due.append(due_at)
        for count, begin in enumerate(reversed(self.due), start=1):
            # A second of today is told to a quarter of a microsecond.
            assert count * (1 - 1e-4) <= self.pace.burst + (due_at - begin) / self.pace.interval_s

    def _do(self, command: Command) -> Reply:
        """Decide and evolve, live and by way of the journal's texts, which must come to the same, bit for bit."""
        decision = KIND.decide(self.state, command, self.now, Chance(STREAM, self.seq + 1))
        texts = to_json(command), to_json(decision.events), to_json(decision.reply)
        self.state = KIND.replay(self.state, decision.events)
        self.seq += bool(decision.events)
        entry = Entry(STREAM, self.seq, self.now, "", 1, *texts)
        assert CODEC.command(entry.command) == command
        assert CODEC.reply(entry) == decision.reply
        self.replayed = KIND.replay(self.replayed, CODEC.events(entry))
        assert to_json(self.replayed) == to_json(self.state)
        reply: Reply = decision.reply
        return reply


TestPaceMachine = PaceMachine.TestCase
TestPaceMachine.settings = settings(max_examples=80, stateful_step_count=40)
