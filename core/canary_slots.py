"""How many experiments may be in the canary at once: two slots for all of them together, whatever crashes.

The promise: an experiment is in the canary only while it holds a slot, and there are never more slots than `MOST`.

    reserve a slot  ->  the experiment goes into the canary, before the slot's `enter_by`

An experiment that is handed a slot refuses to enter after `enter_by`. So whoever finds all slots taken, and a slot past
its time (`free_from`), may ask the experiment that holds it: if it is not in the canary now, it will not be with that
slot, and the slot is freed. A crash between the two steps holds a slot for a minute or two, and nothing else. Who
reserves again gets a new number, so that nobody frees what was checked before that. Clocks of two machines may
differ by `SKEW_S`.
"""

from core.entities import Decision, Message, State
from core.errors import BadInput

CANARIES = "canaries"
MOST = 2
ENTER_WITHIN_S, SKEW_S = 60.0, 60.0


class CanarySlot(State, frozen=True):
    """A place in the canary for `experiment`, which may enter until `enter_by` (unix s).

    Numbers are never used twice.
    """

    experiment: str
    number: int
    enter_by: float

    @property
    def free_from(self) -> float:
        """When its experiment, found outside of the canary, cannot enter any more."""
        return self.enter_by + SKEW_S


class Canaries(State, frozen=True):
    """The slots that are taken; `given` is how many ever were."""

    slots: tuple[CanarySlot, ...] = ()
    given: int = 0


class ReserveSlot(Message, frozen=True):
    """Give `experiment` a slot, or the one it holds anew."""

    experiment: str


class FreeSlot(Message, frozen=True):
    """The experiment of this slot was looked at after `free_from`, and was not in the canary."""

    experiment: str
    number: int


class SlotTaken(Message, frozen=True):
    """The slot is the experiment's; of its older ones none is."""

    slot: CanarySlot


class SlotFreed(Message, frozen=True):
    """The slot is nobody's any more."""

    experiment: str
    number: int


class NoSlot(Message, frozen=True):
    """All slots are taken, by these."""

    slots: tuple[CanarySlot, ...]


class SlotKept(Message, frozen=True):
    """Nothing was freed: there is no such slot, or its time has not come."""

    because: str


SlotCommand = ReserveSlot | FreeSlot
SlotEvent = SlotTaken | SlotFreed


def decide_slot(state: Canaries, command: SlotCommand, now: float) -> Decision[SlotEvent]:
    if isinstance(command, FreeSlot):
        return _free(state, command, now)
    if not command.experiment:
        raise BadInput("A slot is asked for by no experiment.", "Pass its name.")
    others = [slot for slot in state.slots if slot.experiment != command.experiment]
    if len(others) >= MOST:
        return Decision(NoSlot(tuple(others)))
    taken = SlotTaken(CanarySlot(command.experiment, state.given + 1, now + ENTER_WITHIN_S))
    return Decision(taken, (taken,))


def _free(state: Canaries, command: FreeSlot, now: float) -> Decision[SlotEvent]:
    for slot in state.slots:
        if (slot.experiment, slot.number) == (command.experiment, command.number):
            if now < slot.free_from:
                return Decision(SlotKept("its experiment may still enter"))
            freed = SlotFreed(slot.experiment, slot.number)
            return Decision(freed, (freed,))
    return Decision(SlotKept("there is no such slot any more"))


def evolve_slot(state: Canaries, event: SlotEvent) -> Canaries:
    if isinstance(event, SlotTaken):
        others = tuple(slot for slot in state.slots if slot.experiment != event.slot.experiment)
        return Canaries((*others, event.slot), event.slot.number)
    return Canaries(tuple(slot for slot in state.slots if slot.number != event.number), state.given)
