"""One key of the registry with the time in hand: what it decides happens at once, by way of the journal's texts."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from core.canary_slots import CanarySlot
from core.decision_chain import Evidence, PhaseDecision
from core.entities import Chance
from core.entity_codec import Codec, to_json
from core.experiment_evidence import evidence
from core.experiment_exposures import assign_command
from core.experiment_messages import (
    Assigned,
    Command,
    Counted,
    Moved,
    NotYet,
    Observe,
    ObservePair,
    Promote,
    RollBack,
    Start,
)
from core.experiment_plans import HOUR_S, ExperimentPlan, Goal, Metric
from core.experiment_state import Experiment
from core.experiments import KIND, Registered
from core.journal import Entry, Snapshot
from core.streams import stream_of

AT = 1_790_000_000.0
HALVES = {"control": 0.5, "candidate": 0.5}
PLAN = ExperimentPlan(
    "trimming",
    (Metric("quality"), Metric("cost_usd", Goal.LOWER, high=10.0)),
    HALVES,
    canary_share=1.0,
    least_outcomes=5,
)
CODEC = Codec(KIND)
GOOD = {"quality": 0.8, "cost_usd": 0.01, "error": 0.0, "latency_ms": 100.0}


def said(step: Moved | NotYet) -> str:
    """Why an experiment stays where it is."""
    assert isinstance(step, NotYet)
    return " ".join(step.because)


class Registry:
    """One entity. Every step is written to the journal's texts, read back, and must come to the same state."""

    def __init__(self, key: str = PLAN.name, plan: ExperimentPlan = PLAN) -> None:
        self.key, self.plan, self.now, self.seq = key, plan, AT, 0
        self.state: Registered = KIND.initial(key)
        self.replayed = self.state
        self.entries: list[Entry] = []
        self.records: list[str] = []
        self.events: tuple[Any, ...] = ()
        self._units = iter(range(10**9))

    def do(self, command: Command) -> Any:
        stream = stream_of(KIND.name, self.key)
        decision = KIND.decide(self.state, command, self.now, Chance(stream, self.seq + 1))
        self.state, self.events = KIND.replay(self.state, decision.events), decision.events
        self.records += [record.body for record in decision.records]
        self.seq += bool(decision.events)
        texts = to_json(command), to_json(decision.events), to_json(decision.reply)
        entry = Entry(stream, self.seq, self.now, "", 1, *texts)
        assert CODEC.command(entry.command) == command
        assert CODEC.reply(entry) == decision.reply
        if decision.events:
            self.entries.append(entry)
        self.replayed = KIND.replay(self.replayed, CODEC.events(entry))
        assert to_json(self.replayed) == to_json(self.state)
        return decision.reply

    def restart(self) -> None:
        """As after a crash: from a snapshot."""
        self.state = CODEC.state(Snapshot(stream_of(KIND.name, self.key), self.seq, self.now, 1, to_json(self.state)))

    @property
    def experiment(self) -> Experiment:
        return self.state.experiment

    @property
    def evidence(self) -> Evidence:
        return evidence(self.experiment, self.now)

    @property
    def decisions(self) -> list[PhaseDecision]:
        return [msgspec.json.decode(body, type=PhaseDecision) for body in self.records]

    def wait(self, hours: float) -> None:
        self.now += hours * HOUR_S

    # ------------------------------------------------------------ the pipeline
    def units(self, count: int) -> Iterator[str]:
        """Units that nobody has seen yet."""
        return (f"unit-{next(self._units)}" for _ in range(count))

    def assign(self, unit: str, tenant: str = "t-1") -> Assigned:
        given = self.do(assign_command(self.experiment.plan or self.plan, tenant, unit))
        assert isinstance(given, Assigned)
        return given

    def observe(self, given: Assigned, **metrics: float) -> Counted:
        counted = self.do(Observe(given.variant, GOOD | metrics, given.epoch))
        assert isinstance(counted, Counted)
        return counted

    def pair(self, live: dict[str, float], candidate: dict[str, float], variant: str = "candidate") -> Counted:
        counted = self.do(ObservePair(variant, GOOD | live, GOOD | candidate, self.experiment.epoch))
        assert isinstance(counted, Counted)
        return counted

    # ------------------------------------------------------------ the steps
    def start(self, plan: ExperimentPlan | None = None) -> Moved | NotYet:
        step: Moved | NotYet = self.do(Start(plan or self.plan, "op-1", "it should be cheaper"))
        return step

    def promote(self, variant: str = "", slot: CanarySlot | None = None) -> Moved | NotYet:
        given = slot or CanarySlot(self.key, 1, self.now + 60.0)
        step: Moved | NotYet = self.do(Promote("op-1", "", given, variant))
        return step

    def roll_back(self, reason: str = "") -> Moved | NotYet:
        step: Moved | NotYet = self.do(RollBack("op-2", reason))
        return step

    def lived(self, hours: float) -> None:
        """Let a phase last so long with an outcome now and then, in shadow and canary."""
        until = self.now + hours * HOUR_S
        while self.now < until:
            self.now = min(until, self.now + 5 * HOUR_S)
            if self.experiment.phase == "shadow":
                self.pair({}, {})
            else:
                for unit in self.units(4):
                    self.observe(self.assign(unit))

    def in_canary_at_once(self) -> "Registry":
        """The same with a plan that asks for no time and hardly for outcomes."""
        self.plan = replace(self.plan, least_phase_s=0.0, least_outcomes=1)
        self.start()
        for variant in self.plan.candidates:
            self.do(ObservePair(variant, {"error": 0.0, self.plan.primary.name: 0.5}, {self.plan.primary.name: 0.5}, 1))
        assert isinstance(self.promote(), Moved)
        return self

    def in_canary(self) -> "Registry":
        """Bring it into the canary, by way of 72 hours of shadow."""
        self.start()
        self.lived(72)
        assert isinstance(self.promote(), Moved)
        return self

    def in_active(self) -> "Registry":
        self.in_canary().lived(72)
        assert isinstance(self.promote(), Moved)
        return self
