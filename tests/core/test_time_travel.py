"""What an entity was is told as it was: against live states that were recorded when they were the present."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from core.budgets import KIND as BUDGET
from core.entity_codec import to_json
from core.errors import BadInput, JournalUnreadable
from core.flat_paths import Change
from core.journal import Entry, Snapshot
from core.moments import parse_moment, utc_text
from core.time_travel import Altered, Moment, Past
from tests.core.pasts import NOW, PAID, PURSE, START, STREAMS, Purse, Recorded


# ---------------------------------------------------------------- the state
@given(STREAMS)
def test_the_state_after_every_entry_is_the_live_state_then_bit_for_bit(recorded: Recorded) -> None:
    for past in (recorded.past(), recorded.bare().past()):
        assert (past.first, past.last) == (0, len(recorded.entries))
        assert [to_json(past.state(seq)) for seq in range(past.last + 1)] == recorded.live


@given(STREAMS, st.data())
def test_the_state_at_every_moment_is_the_live_state_then_bit_for_bit(recorded: Recorded, data: st.DataObject) -> None:
    times = [START, *(entry.at for entry in recorded.entries)]
    edges = [edge for at in times for edge in (at, math.nextafter(at, 0.0), math.nextafter(at, math.inf))]
    for past in (recorded.past(), recorded.bare().past()):
        for when in [*edges, data.draw(st.floats(-1e6, times[-1] + 1e6))]:
            moment = past.moment(when, NOW)
            assert moment.at == when
            assert to_json(past.state(moment.seq)) == recorded.at(when)


@given(STREAMS)
def test_a_time_that_was_shown_names_the_entry_that_it_was_shown_for(recorded: Recorded) -> None:
    past = recorded.past()
    for entry in recorded.entries:
        when = parse_moment(utc_text(entry.at))
        found = past.moment(when, NOW)
        assert found.seq >= entry.seq
        assert all(late.at - entry.at <= 1e-6 for late in recorded.entries[entry.seq : found.seq])


@given(STREAMS, st.data())
def test_what_compaction_leaves_tells_the_same_of_every_moment_that_it_keeps(
    recorded: Recorded, data: st.DataObject
) -> None:
    times = [START, *(entry.at for entry in recorded.entries)]
    before = data.draw(st.sampled_from(times)) + data.draw(st.sampled_from([0.0, 1e-3, 100.0]))
    past = recorded.compacted(before, data.draw(st.integers(0, 3))).past()
    assert past.last == len(recorded.entries)
    for seq in range(past.last + 1):
        if seq < past.first:
            with pytest.raises(BadInput, match=f"begins at .* after entry {past.first}"):
                past.moment(seq, NOW)
        else:
            assert to_json(past.state(seq)) == recorded.live[seq]
    for when in times:
        if when >= before:
            assert to_json(past.state(past.moment(when, NOW).seq)) == recorded.at(when)
        elif past.first and when < recorded.entries[past.first - 1].at:
            with pytest.raises(BadInput, match=f"begins at {utc_text(recorded.entries[past.first - 1].at)}"):
                past.moment(when, NOW)


# ---------------------------------------------------------------- moments
def test_now_is_after_the_last_entry() -> None:
    assert PAID.past().moment(None, NOW) == Moment(3, NOW)


def test_the_time_of_an_entry_is_the_moment_that_its_number_names() -> None:
    assert [PAID.past().moment(seq, NOW) for seq in (0, 1, 3)] == [(0, START), (1, START), (3, START + 20)]


def test_a_clock_that_is_behind_the_one_that_wrote_still_sees_every_entry() -> None:
    past = PAID.past()
    assert past.moment(None, START) == Moment(3, START + 20)
    assert past.moment(START + 15, START) == Moment(2, START + 15)


@pytest.mark.parametrize("when", [math.nextafter(NOW, math.inf), 1e300, math.inf, math.nan])
def test_the_future_is_refused(when: float) -> None:
    with pytest.raises(BadInput, match="is in the future"):
        PAID.past().moment(when, NOW)


def test_an_entry_that_is_not_there_yet_is_refused() -> None:
    with pytest.raises(BadInput, match="Purse/a has no entry 4 yet: its last one is 3"):
        PAID.past().moment(4, NOW)
    with pytest.raises(BadInput, match="Purse/b has no entry 1 yet: it has none"):
        Past(PURSE, "b", [], []).moment(1, NOW)


def test_an_entity_that_nothing_ever_changed_is_what_its_kind_begins_with() -> None:
    past = Past(PURSE, "key", [], [])
    assert past.moment(None, NOW) == Moment(0, NOW)
    assert past.moment(START, NOW) == Moment(0, START)
    assert past.moment(0, NOW) == Moment(0, NOW)
    assert past.state(0) == Purse(coins=3)


def test_of_a_stream_whose_entries_all_were_compacted_the_snapshot_is_told() -> None:
    past = Past(PURSE, "a", PAID.snapshots, [])
    assert (past.first, past.last) == (2, 2)
    assert past.state(past.moment(None, NOW).seq) == Purse(coins=13)
    assert past.moment(2, NOW) == Moment(2, START + 10)
    assert past.why(2).verdict == "unknown"
    assert "Entry 2 itself is not kept" in past.why(2).because


# ---------------------------------------------------------------- what is refused
@given(STREAMS.filter(lambda recorded: len(recorded.entries) > 1), st.data())
def test_a_gap_is_refused(recorded: Recorded, data: st.DataObject) -> None:
    """Any entry but the last may be missing, except where what is left looks as compaction leaves it."""
    missing = data.draw(st.integers(0, len(recorded.entries) - 2))
    left = [*recorded.entries[:missing], *recorded.entries[missing + 1 :]]
    for damaged in (replace(recorded.bare(), entries=left), replace(recorded, entries=left)):
        if missing or not damaged.snapshots:
            with pytest.raises(JournalUnreadable, match=f"has a gap: entry {missing + 1} is missing"):
                damaged.past()
        else:
            assert damaged.past().first == damaged.snapshots[0].seq


@pytest.mark.parametrize(
    ("snapshots", "entries", "missing"),
    [
        ([], PAID.entries[1:], 1),
        ([structs.replace(PAID.snapshots[0], seq=4)], PAID.entries, 4),
        ([structs.replace(PAID.snapshots[0], seq=1)], PAID.entries[2:], 2),
        ([structs.replace(PAID.snapshots[0], seq=1), structs.replace(PAID.snapshots[0], seq=3)], [], 2),
        ([structs.replace(PAID.snapshots[0], seq=1), PAID.snapshots[0]], PAID.entries[2:], 2),
    ],
    ids=["no beginning", "a snapshot ahead", "after the snapshot", "no entries", "between two snapshots"],
)
def test_a_stream_that_does_not_join_its_snapshots_is_refused(
    snapshots: list[Snapshot], entries: list[Entry], missing: int
) -> None:
    with pytest.raises(JournalUnreadable, match=f"entry {missing} is missing"):
        Past(PURSE, "a", snapshots, entries)


@pytest.mark.parametrize("at", [START + 9, math.nan])
def test_a_stream_that_goes_back_in_time_is_refused(at: float) -> None:
    with pytest.raises(JournalUnreadable, match="goes back in time: entry 3"):
        Past(PURSE, "a", [], [*PAID.entries[:2], structs.replace(PAID.entries[2], at=at)])


def test_what_a_newer_release_wrote_is_refused() -> None:
    past = Past(PURSE, "a", [], [structs.replace(entry, version=2) for entry in PAID.entries])
    with pytest.raises(JournalUnreadable, match="newer release"):
        past.state(1)


def test_events_that_do_not_fit_the_state_before_them_are_refused() -> None:
    orphan = Entry("BudgetLedger/a", 1, START, "", 1, "", '[{"type":"Expired","reservation_id":"r","at":1.0}]', "{}")
    with pytest.raises(JournalUnreadable, match="the events of entry 1 do not fit"):
        Past(BUDGET, "a", [], [orphan]).state(1)


# ---------------------------------------------------------------- verifying
@given(STREAMS, st.data())
def test_snapshots_are_what_the_entries_give_and_one_that_is_not_is_found(
    recorded: Recorded, data: st.DataObject
) -> None:
    assert not list(recorded.past().altered())
    times = [START, *(entry.at for entry in recorded.entries)]
    compacted = recorded.compacted(data.draw(st.sampled_from(times)), data.draw(st.integers(0, 3)))
    assert not list(compacted.past().altered())
    if not recorded.snapshots or recorded.kind is not PURSE:
        return
    index = data.draw(st.integers(0, len(recorded.snapshots) - 1))
    wrong = recorded.snapshots[index]
    recorded.snapshots[index] = structs.replace(wrong, state='{"coins":-1}')
    (found,) = recorded.past().altered()
    assert found.seq == wrong.seq
    assert found.differences[0].after == -1


def test_a_snapshot_of_another_time_is_found() -> None:
    late = structs.replace(PAID.snapshots[0], at=START + 11)
    change = Change("at", START + 10, START + 11)
    assert list(replace(PAID, snapshots=[late]).past().altered()) == [Altered(2, (change,))]
