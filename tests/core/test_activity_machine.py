"""The activity log against an oracle that keeps every document in a list and knows each day's retention."""

from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.activity import (
    DAY_S,
    KIND,
    Activity,
    Command,
    Erase,
    Event,
    Log,
    Prune,
    Retention,
    SetRetention,
    decide,
    evolve,
    report,
)
from core.activity_documents import AnswerActivity, Document, Feedback, Forget, ToolUse, record_of
from core.entities import SELF, Chance, Decision, Effect, Record
from core.entity_codec import Codec, to_json
from core.journal import Entry
from core.messages import Receipt

# Words that may stand in records alone.
USERS, CHANNELS, WORDS = ("ada-privately", "bob-privately"), ("garden-privately", "attic-privately"), "why-privately"
CHANCE = Chance("ActivityLog/t", 1)


def make(kind: str, answer_id: str, user: str, channel: str, number: int) -> Document:
    mine: dict[str, Any] = {"answer_id": answer_id, "user": user, "workspace": channel}
    if kind == "answer":
        return AnswerActivity(**mine, supported=True, receipt=Receipt(), question=WORDS, answer=WORDS)
    if kind == "tool_use":
        return ToolUse(**mine, number=number, agent="a", tool="t", ok=True, wall_ms=1.0)
    return Feedback(**mine, vote=1, note=WORDS)


documents = st.builds(
    make,
    st.sampled_from(["answer", "tool_use", "feedback"]),
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(USERS),
    st.sampled_from(CHANNELS),
    st.integers(0, 1),
)


@dataclass
class Kept:
    """A document as the oracle has it; `shortest_days` is the shortest retention that was in force since."""

    record: Record
    shortest_days: int


class ActivityMachine(RuleBasedStateMachine):
    """What a journal does with the decisions, on one side; on the other, what was promised of every document."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_772_366_400.0
        self.state, self.replayed = Activity(), Activity()
        self.codec = Codec(KIND)
        self.seq = 0
        self.records: dict[str, Record] = {}
        self.reminder: Effect | None = None
        self.oracle: dict[str, Kept] = {}
        self.chosen_days, self.default_days = 0, 0
        self.logged, self.erased = 0, 0

    def do(self, command: Command) -> Any:
        decision = decide(self.state, command, self.now, CHANCE)
        self.state = KIND.replay(self.state, decision.events)
        self.write(decision)
        return decision.reply

    def write(self, decision: Decision[Event]) -> None:
        self.seq += 1
        entry = Entry("s", self.seq, self.now, "", 1, "", to_json(decision.events), to_json(decision.reply))
        for event in self.codec.events(entry):
            self.replayed = evolve(self.replayed, event)
        assert self.codec.reply(entry) == decision.reply
        assert "privately" not in entry.events + entry.reply + to_json(self.state)
        for record in decision.records:
            self.records[record.record_id] = record
        for record_id in decision.erased:
            del self.records[record_id]
        self.records = {name: record for name, record in self.records.items() if record.at >= decision.erased_before}
        for effect in decision.effects:
            assert (effect.effect_id, effect.target, effect.body) == ("retention", SELF, to_json(Prune()))
            self.reminder = effect

    @property
    def in_force(self) -> int:
        return self.chosen_days or self.default_days

    def note_retention(self) -> None:
        for kept in self.oracle.values():
            kept.shortest_days = min(kept.shortest_days, self.in_force)

    @rule(logged=st.lists(documents, min_size=1, max_size=4), days=st.sampled_from([2, 5]), keep_text=st.booleans())
    def log(self, logged: list[Document], days: int, keep_text: bool) -> None:
        noted = self.do(Log(tuple(logged), days, keep_text))
        self.default_days = days
        self.note_retention()
        names = {record_of(document, self.now).record_id for document in logged}
        assert noted.counts.total == len(names)
        self.logged += len(names)
        for name in names:
            record = self.records[name]
            self.oracle[name] = Kept(record, self.in_force)
            assert record.at == self.now
            assert (WORDS in record.body) == (record.kind == "feedback" or (record.kind == "answer" and keep_text))

    @rule(days=st.sampled_from([None, 1, 3, 10]))
    def set_retention(self, days: int | None) -> None:
        reply = self.do(SetRetention(days))
        self.chosen_days = days or 0
        assert reply == Retention(self.in_force)
        self.note_retention()
        if self.in_force:
            assert all(record.at >= self.now - self.in_force * DAY_S for record in self.records.values())

    @rule(user=st.sampled_from(["", *USERS]), channel=st.sampled_from(["", *CHANNELS]))
    def forget(self, user: str, channel: str) -> None:
        whose = Forget(user, channel, everything=not (user or channel))
        find = whose.find()
        ids = [
            name
            for name, record in self.records.items()
            if find.user in ("", record.user) and find.channel in ("", record.channel)
        ]
        if ids:
            assert self.do(Erase(tuple(ids), whose.reason)).total == len(ids)
        self.erased += len(ids)
        for name, kept in list(self.oracle.items()):
            if user in ("", kept.record.user) and channel in ("", kept.record.channel):
                del self.oracle[name]

    @rule(wait_s=st.sampled_from([1.0, 3_600.0, DAY_S / 2, DAY_S, 3 * DAY_S]))
    def wait(self, wait_s: float) -> None:
        """Time passes, and the shell delivers the reminder when it is due: sometimes twice."""
        ends = self.now + wait_s
        while self.reminder is not None and self.reminder.due_at <= ends:
            self.now, self.reminder = max(self.now, self.reminder.due_at), None
            self.do(Prune())
        self.now = ends

    @rule()
    def prune_out_of_turn(self) -> None:
        self.do(Prune())

    @invariant()
    def what_is_not_too_old_is_there(self) -> None:
        for name, kept in self.oracle.items():
            if self.now - kept.record.at < kept.shortest_days * DAY_S:
                assert self.records[name] == kept.record

    @invariant()
    def what_is_a_day_too_old_or_was_forgotten_is_gone(self) -> None:
        for name, record in self.records.items():
            assert name in self.oracle
            assert self.now - record.at <= (self.in_force + 1) * DAY_S

    @invariant()
    def while_something_is_there_a_reminder_is_set(self) -> None:
        if self.records:
            assert self.reminder is not None
            assert self.reminder.due_at <= self.now + DAY_S
            assert self.reminder.due_at == self.state.prune_at

    @invariant()
    def replay_gives_the_same_state(self) -> None:
        assert repr(self.replayed) == repr(self.state)
        assert report(self.state).logged.total == self.logged
        assert report(self.state).erased.total == self.erased
        assert len(to_json(self.state)) < 400


ActivityMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestActivity = ActivityMachine.TestCase
