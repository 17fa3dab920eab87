"""The ingest queue against an oracle that knows every job's fate: none lost, none done twice, none by two at once."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.entities import SELF, Chance, Decision, Effect
from core.entity_codec import Codec, to_json
from core.ingest_messages import (
    Add,
    AddReply,
    Command,
    Done,
    Drop,
    Enrol,
    Event,
    Fail,
    Finish,
    Forget,
    Job,
    Keep,
    Lease,
    Leased,
    LeaseLost,
    Look,
    NewJob,
    NothingToDo,
    Renew,
    Retry,
    Urgency,
)
from core.ingest_queue import KIND
from core.ingest_queue_state import Queue, became, is_held, is_ready
from core.ingest_queue_waking import RING_S
from core.ingest_queue_work import ANNOUNCE, MAX_CRASHES
from core.journal import Snapshot

NAMES = [f"youtube:{letter}" for letter in "abcdef"]
FOLLOWERS = ["t|1", "t|2"]
LEASE_S = 30.0
CODEC = Codec(KIND)


class QueueMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.now = 1_700_000_000.0
        self.state: Queue = KIND.initial("t")
        self.replayed: Queue = KIND.initial("t")
        self.held: dict[str, Job] = {}
        self.stale: list[Job] = []
        self.wanted: set[str] = set()
        self.brought_in: set[str] = set()
        self.out: set[str] = set()
        self.announced: list[str] = []
        self.look: Effect | None = None
        self.seq = 0

    def decide(self, command: Command) -> object:
        decision: Decision[Event] = KIND.decide(self.state, command, self.now, Chance("IngestQueue/t", self.seq))
        self.state = KIND.replay(self.state, decision.events)
        for event in decision.events:
            self.replayed = KIND.evolve(self.replayed, event)
        for effect in decision.effects:
            if effect.target == ANNOUNCE:
                self.announced.append(effect.effect_id.removeprefix("announce "))
            if effect.target == SELF:
                self.look = effect
        self.seq += 1
        return decision.reply

    # ------------------------------------------------------------ putting in
    @rule(
        names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
        urgency=st.sampled_from(Urgency),
        follower=st.sampled_from(["", *FOLLOWERS]),
        announce=st.booleans(),
        again=st.booleans(),
        delay_s=st.sampled_from([0.0, 0.0, 100.0]),
    )
    def add(
        self, names: list[str], urgency: Urgency, follower: str, announce: bool, again: bool, delay_s: float
    ) -> None:
        before = {name for name in names if name in self.state.jobs}
        jobs = tuple(
            NewJob(
                name,
                f"https://x.example/{name}",
                name,
                urgency,
                follower,
                announce_to="9" if announce else "",
                again=again,
                not_before=self.now + delay_s if delay_s else 0.0,
            )
            for name in names
        )
        reply = self.decide(Add(jobs))
        assert isinstance(reply, AddReply)
        known = set(reply.known)
        assert known == (set(names) & self.brought_in) - before if not again else not known
        assert set(reply.added) == set(names) - before - known
        self.wanted |= set(names)
        self.out -= set(reply.added)

    @rule(follower=st.sampled_from(FOLLOWERS), followed=st.booleans(), rests=st.booleans())
    def enrol(self, follower: str, followed: bool, rests: bool) -> None:
        before = dict(self.state.jobs)
        self.decide(Enrol(follower, "c", "https://x.example", "C", followed, rests))
        gone = set(before) - set(self.state.jobs)
        assert followed or all(before[name].followers == (follower,) for name in gone)
        assert not (followed and gone)
        assert not any(is_held(before[name], self.now) for name in gone)
        self.out |= gone - self.brought_in

    # ------------------------------------------------------------ working
    @rule()
    def lease(self) -> None:
        ready = [job for job in self.state.jobs.values() if is_ready(self.state, job, self.now)]
        reply = self.decide(Lease(LEASE_S))
        if isinstance(reply, NothingToDo):
            assert not ready or min(ready, key=lambda it: (it.urgency, it.number)).crashes >= MAX_CRASHES - 1
            return
        assert isinstance(reply, Leased)
        job = reply.job
        assert (job.urgency, job.number) == min((it.urgency, it.number) for it in ready)
        mine = self.held.get(job.job_id)
        assert mine is None or mine.lease_until <= self.now
        if mine:
            self.stale.append(mine)
        self.held[job.job_id] = job

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        job = self._pick(data)
        reply = self.decide(Renew(job.job_id, job.lease, LEASE_S))
        assert isinstance(reply, Done) == self._is_mine(job)
        if isinstance(reply, Done):
            self.held[job.job_id] = self.state.jobs[job.job_id]

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(),
        refused=st.sampled_from(["", "", "private", "deleted"]),
        announce=st.booleans(),
        check=st.booleans(),
    )
    def finish(self, data: st.DataObject, refused: str, announce: bool, check: bool) -> None:
        job = self._pick(data)
        mine, told = self._is_mine(job), len(self.announced)
        was_here = job.job_id in self.brought_in
        reply = self.decide(
            Finish(
                job.job_id,
                job.lease,
                refused,
                f"It is {refused}." if refused else "",
                "{}" if announce else "",
                self.now + 1_000.0 if check else 0.0,
            )
        )
        assert isinstance(reply, Done) == mine
        del self.held[job.job_id]
        if not mine:
            assert len(self.announced) == told
            return
        assert len(self.announced) - told == (announce and not refused and not was_here)
        if refused == "deleted" or (refused and not was_here):
            self.brought_in.discard(job.job_id)
            self.out.add(job.job_id)
        elif not refused:
            self.brought_in.add(job.job_id)
            self.out.discard(job.job_id)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), retry_s=st.sampled_from([None, 1.0, 500.0]), keep=st.booleans())
    def fail(self, data: st.DataObject, retry_s: float | None, keep: bool) -> None:
        job = self._pick(data)
        mine = self._is_mine(job)
        if keep:
            assert isinstance(self.decide(Keep(job.job_id, job.lease, "text", "words")), Done) == mine
        retry_at = None if retry_s is None else self.now + retry_s
        reply = self.decide(Fail(job.job_id, job.lease, "site_down", "It is down.", retry_at))
        assert isinstance(reply, Done) == mine
        del self.held[job.job_id]
        if mine:
            assert self.state.jobs[job.job_id].dead == (retry_s is None)

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def a_late_worker_changes_nothing(self, data: st.DataObject) -> None:
        job = self.stale.pop(data.draw(st.integers(0, len(self.stale) - 1)))
        before = self.state
        assert isinstance(self.decide(Finish(job.job_id, job.lease)), LeaseLost)
        assert self.state == before

    # ------------------------------------------------------------ people and time
    @rule()
    def retry(self) -> None:
        self.decide(Retry())
        assert not any(job.dead for job in self.state.jobs.values())

    @rule()
    def drop(self) -> None:
        dead = {name for name, job in self.state.jobs.items() if job.dead}
        reply = self.decide(Drop())
        assert reply == Done(len(dead))
        self.out |= dead - self.brought_in

    @rule(name=st.sampled_from(NAMES))
    def forget(self, name: str) -> None:
        self.decide(Forget((name,)))
        if name in self.held:
            self.stale.append(self.held.pop(name))
        self.brought_in.discard(name)
        self.wanted.discard(name)
        self.out.discard(name)
        self.announced = [it for it in self.announced if it != name]

    @rule(seconds=st.sampled_from([1.0, RING_S, LEASE_S, 200.0]))
    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while self.look is not None and self.look.due_at <= until:
            self.now = max(self.now, self.look.due_at)
            self.look = None
            self.decide(Look())
        self.now = until

    # ------------------------------------------------------------ what always holds
    @invariant()
    def none_is_lost(self) -> None:
        active = set(self.state.jobs)
        assert self.wanted <= active | self.brought_in | self.out
        assert {name for name in NAMES if name in self.state.brought_in} == self.brought_in
        assert self.out - active - self.brought_in <= set(self.state.refused) | self.out
        assert len(self.announced) == len(set(self.announced))
        told = became(self.state, NAMES)
        assert {name for name, why in told.items() if not why} == self.brought_in
        assert self.brought_in | self.out - active <= set(told) | (self.out - set(self.state.refused))

    @invariant()
    def somebody_will_look(self) -> None:
        """Whatever can be done now or later has a reminder, soon where it can be done now."""
        if any(is_ready(self.state, job, self.now) for job in self.state.jobs.values()):
            assert self.look is not None
            assert self.look.due_at <= self.now + RING_S + LEASE_S

    @invariant()
    def it_replays_and_is_written_down_whole(self) -> None:
        assert self.replayed == self.state
        assert CODEC.state(Snapshot("IngestQueue/t", 1, 0.0, KIND.version, to_json(self.state))) == self.state

    def _pick(self, data: st.DataObject) -> Job:
        return self.held[data.draw(st.sampled_from(sorted(self.held)))]

    def _is_mine(self, job: Job) -> bool:
        there = self.state.jobs.get(job.job_id)
        return there is not None and there.lease == job.lease


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
