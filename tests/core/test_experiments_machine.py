"""Experiments against an oracle: operators, pipelines, crashes and clocks do as they like, over three experiments."""

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from core.canary_slots import CANARIES, MOST, CanarySlot, FreeSlot, NoSlot, ReserveSlot, SlotTaken
from core.decision_chain import Phase, broken_at
from core.experiment_messages import Assigned, Moved, NotYet, Observe, ObservePair, Promote
from core.experiment_plans import HOUR_S
from tests.core.one_experiment import GOOD, PLAN, Registry

NAMES = ("one", "two", "three")
WHICH = st.sampled_from(NAMES)
UNITS = st.sampled_from([f"u-{index}" for index in range(30)])
STEPS = {
    Phase.OFF: {Phase.SHADOW},
    Phase.SHADOW: {Phase.CANARY, Phase.OFF},
    Phase.CANARY: {Phase.ACTIVE, Phase.OFF},
    Phase.ACTIVE: {Phase.OFF},
}


@dataclass
class Truth:
    """What an onlooker counts of one experiment in its present phase."""

    phase: Phase = Phase.OFF
    exposed: list[str] = field(default_factory=list)
    observed: list[str] = field(default_factory=list)
    paired: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    open: list[Assigned] = field(default_factory=list)


class ExperimentsMachine(RuleBasedStateMachine):
    """A promotion into the canary is two calls, and anything may come between them."""

    @initialize(share=st.sampled_from([0.3, 1.0]))
    def begin(self, share: float) -> None:
        self.plans = {
            name: replace(PLAN, name=name, canary_share=share, least_phase_s=HOUR_S, least_outcomes=1) for name in NAMES
        }
        self.all = {name: Registry(name, plan) for name, plan in self.plans.items()}
        self.canaries = Registry(CANARIES)
        self.truth = {name: Truth() for name in NAMES}
        self.slots: list[CanarySlot] = []
        self.variants: dict[tuple[str, str], str] = {}

    # ------------------------------------------------------------ time and crashes
    @rule(hours=st.sampled_from([0.0, 0.001, 0.02, 0.5, 7.0]))
    def wait(self, hours: float) -> None:
        for each in (*self.all.values(), self.canaries):
            each.wait(hours)

    @rule()
    def restart(self) -> None:
        for each in (*self.all.values(), self.canaries):
            each.restart()

    # ------------------------------------------------------------ the pipeline
    @rule(name=WHICH, unit=UNITS)
    def assign(self, name: str, unit: str) -> None:
        truth, given = self.truth[name], self.all[name].assign(unit)
        assert given.phase is truth.phase
        assert given.exposed == bool(self.all[name].events)
        if truth.phase in (Phase.OFF, Phase.SHADOW):
            assert (given.variant, given.exposed) == ("control", False)
        if truth.phase is Phase.ACTIVE:
            assert (given.variant, given.exposed) == ("candidate", True)
        if truth.phase is Phase.CANARY:
            # The same for ever, whatever happened in between.
            assert self.variants.setdefault((name, unit), given.variant) == given.variant
            assert given.exposed or given.variant == "control"
        if given.exposed:
            truth.exposed.append(given.variant)
            truth.open.append(given)

    @rule(name=WHICH, quality=st.floats(0, 1), data=st.data())
    def observe(self, name: str, quality: float, data: st.DataObject) -> None:
        truth = self.truth[name]
        if not truth.open:
            return
        given = data.draw(st.sampled_from(truth.open))
        truth.open.remove(given)
        counted = self.all[name].do(Observe(given.variant, GOOD | {"quality": quality}, given.epoch))
        assert counted.counted == (given.epoch == self.all[name].experiment.epoch and truth.phase is not Phase.OFF)
        if counted.counted:
            truth.observed.append(given.variant)

    @rule(name=WHICH, live=st.floats(0, 1), other=st.floats(0, 1), times=st.sampled_from([1, 1, 5]))
    def pair(self, name: str, live: float, other: float, times: int) -> None:
        truth, registry = self.truth[name], self.all[name]
        for _ in range(times):
            pair = ObservePair("candidate", GOOD | {"quality": live}, {"quality": other}, registry.experiment.epoch)
            assert registry.do(pair).counted == (truth.phase is Phase.SHADOW)
            truth.paired += truth.phase is Phase.SHADOW

    @rule(name=WHICH)
    def harm(self, name: str) -> None:
        """The candidate breaks down, until a rail notices."""
        truth, registry = self.truth[name], self.all[name]
        if truth.phase is not Phase.SHADOW:
            return
        for _ in range(200):
            bad = ObservePair("candidate", GOOD, {"error": 1.0}, registry.experiment.epoch)
            if registry.do(bad).phase is Phase.OFF:
                break
        self._moved(name, Phase.OFF)

    # ------------------------------------------------------------ operators
    @rule(names=st.sets(WHICH, min_size=1))
    def ripen(self, names: set[str]) -> None:
        """Bring experiments to where they could go into the canary."""
        for name in names:
            if self.truth[name].phase is Phase.OFF:
                self.start(name)
            self.pair(name, 0.5, 0.5, 1)
        self.wait(7.0)

    @rule(name=WHICH)
    def enter(self, name: str) -> None:
        """As the desk does, undisturbed."""
        self.reserve(name)
        if self.slots and self.slots[-1].experiment == name and self.truth[name].phase is Phase.SHADOW:
            self._promote(name, self.slots[-1])

    @rule(name=WHICH)
    def use_it(self, name: str) -> None:
        """The pipeline, for a while."""
        for index in range(30):
            self.assign(name, f"u-{index}")
        truth = self.truth[name]
        for given in [each for each in truth.open if each.epoch == self.all[name].experiment.epoch]:
            truth.open.remove(given)
            assert self.all[name].observe(given).counted == (truth.phase is not Phase.OFF)
            if truth.phase is not Phase.OFF:
                truth.observed.append(given.variant)

    @rule(name=WHICH)
    def start(self, name: str) -> None:
        step = self.all[name].start()
        assert isinstance(step, Moved) == (self.truth[name].phase is Phase.OFF)
        if isinstance(step, Moved):
            self._moved(name, Phase.SHADOW)

    @rule(name=WHICH)
    def reserve(self, name: str) -> None:
        reply = self.canaries.do(ReserveSlot(name))
        if isinstance(reply, SlotTaken):
            self.slots.append(reply.slot)
        else:
            assert isinstance(reply, NoSlot)
            assert name not in [slot.experiment for slot in reply.slots]
            assert len(reply.slots) == MOST

    @rule(name=WHICH)
    def promote_to_active(self, name: str) -> None:
        if self.truth[name].phase is Phase.CANARY:
            self._promote(name, None)

    @rule(data=st.data())
    def use_a_slot(self, data: st.DataObject) -> None:
        """Of any age, in any order: a call may have been under way for long."""
        if self.slots:
            slot = data.draw(st.sampled_from(self.slots))
            if self.truth[slot.experiment].phase is Phase.SHADOW:
                self._promote(slot.experiment, slot)

    def _promote(self, name: str, slot: CanarySlot | None) -> None:
        registry, before = self.all[name], self.truth[name].phase
        lived_s, known = registry.experiment.lived_s(registry.now), registry.evidence
        step = registry.do(Promote("op-1", "", slot))
        if isinstance(step, NotYet):
            return
        gain = known.gains[0]
        assert lived_s >= HOUR_S or (gain.low is not None and gain.low > 0)
        assert min(gain.control, gain.outcomes) >= 1
        assert known.alarms == ()
        assert slot is None or registry.now <= slot.enter_by
        self._moved(name, Phase.CANARY if before is Phase.SHADOW else Phase.ACTIVE)

    @rule(name=WHICH)
    def roll_back(self, name: str) -> None:
        step = self.all[name].roll_back()
        assert isinstance(step, Moved) == (self.truth[name].phase is not Phase.OFF)
        if isinstance(step, Moved):
            self._moved(name, Phase.OFF)

    @rule()
    def free_what_is_not_used(self) -> None:
        """As the desk does: look at who holds a slot that is past its time, then free it."""
        for slot in self.canaries.state.canaries.slots:
            if self.canaries.now >= slot.free_from and self.truth[slot.experiment].phase is not Phase.CANARY:
                self.canaries.do(FreeSlot(slot.experiment, slot.number))

    @rule(data=st.data())
    def free_what_was_looked_at_long_ago(self, data: st.DataObject) -> None:
        """A call to free that was under way while others went on: it names an older slot, and frees nothing else."""
        held = {slot.number for slot in self.canaries.state.canaries.slots}
        older = [slot for slot in self.slots if slot.number not in held]
        if older:
            slot = data.draw(st.sampled_from(older))
            before = self.canaries.state
            self.canaries.do(FreeSlot(slot.experiment, slot.number))
            assert self.canaries.state == before

    def _moved(self, name: str, after: Phase) -> None:
        before = self.truth[name]
        assert after in STEPS[before.phase]
        self.truth[name] = Truth(after, open=before.open)
        if after is Phase.ACTIVE:
            # The control's of the canary stay, to compare with.
            self.truth[name].exposed = [each for each in before.exposed if each == "control"]
            self.truth[name].observed = [each for each in before.observed if each == "control"]

    # ------------------------------------------------------------ what always holds
    @invariant()
    def never_more_than_two_canaries_and_each_has_a_slot(self) -> None:
        if not hasattr(self, "all"):
            return
        inside = {name for name, registry in self.all.items() if registry.experiment.phase is Phase.CANARY}
        held = [slot.experiment for slot in self.canaries.state.canaries.slots]
        assert len(inside) <= MOST
        assert len(held) == len(set(held)) <= MOST
        assert inside <= set(held)

    @invariant()
    def counts_are_the_onlookers(self) -> None:
        for name, registry in getattr(self, "all", {}).items():
            truth, experiment = self.truth[name], registry.experiment
            assert experiment.phase is truth.phase
            if experiment.plan is None:
                continue
            for variant, tally in zip(experiment.plan.variants, experiment.tallies, strict=True):
                assert tally.exposures == truth.exposed.count(variant)
                assert tally.outcomes == truth.observed.count(variant) + truth.paired

    @invariant()
    def decisions_are_a_chain_of_steps(self) -> None:
        for registry in getattr(self, "all", {}).values():
            made = registry.decisions
            assert broken_at(made, registry.experiment.head) is None
            assert all(earlier.after is later.before for earlier, later in pairwise(made))
            assert [each.number for each in made] == list(range(1, len(made) + 1))


TestExperimentsMachine = ExperimentsMachine.TestCase
TestExperimentsMachine.settings = settings(max_examples=100, stateful_step_count=50)
