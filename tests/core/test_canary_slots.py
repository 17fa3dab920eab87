"""The slots of the canary: two for all experiments together."""

import pytest

from core.canary_slots import CANARIES, ENTER_WITHIN_S, SKEW_S, FreeSlot, NoSlot, ReserveSlot, SlotFreed, SlotKept
from core.errors import BadInput
from tests.core.one_experiment import Registry


def test_a_third_is_told_whose_the_slots_are() -> None:
    slots = Registry(CANARIES)
    one, two = (slots.do(ReserveSlot(name)).slot for name in ("one", "two"))
    assert slots.do(ReserveSlot("three")) == NoSlot((one, two))
    assert slots.events == ()


def test_who_reserves_again_holds_one_slot_with_a_new_number_and_a_new_time() -> None:
    slots = Registry(CANARIES)
    first = slots.do(ReserveSlot("one")).slot
    slots.do(ReserveSlot("two"))
    slots.wait(1)
    again = slots.do(ReserveSlot("one")).slot
    assert again.number > first.number
    assert again.enter_by == slots.now + ENTER_WITHIN_S
    assert [slot.experiment for slot in slots.state.canaries.slots] == ["two", "one"]
    slots.wait(1)
    assert isinstance(slots.do(FreeSlot("one", first.number)), SlotKept)
    assert isinstance(slots.do(FreeSlot("two", again.number)), SlotKept)
    assert isinstance(slots.do(FreeSlot("one", again.number)), SlotFreed)


def test_a_slot_is_not_freed_while_its_experiment_may_still_enter() -> None:
    slots = Registry(CANARIES)
    slot = slots.do(ReserveSlot("one")).slot
    for later_s, freed in ((ENTER_WITHIN_S, False), (SKEW_S - 0.1, False), (0.1, True)):
        slots.now += later_s
        assert isinstance(slots.do(FreeSlot("one", slot.number)), SlotFreed) == freed


def test_a_slot_for_nobody_is_refused() -> None:
    with pytest.raises(BadInput):
        Registry(CANARIES).do(ReserveSlot(""))
