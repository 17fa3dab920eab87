"""What is rebuilt from any beginning of a journal is what was in memory then, bit for bit."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime_live import Live
from core.entity_codec import Codec, to_json
from core.errors import BadInput
from core.journal import Loaded
from core.streams import stream_of
from tests.actors.counters import KIND, Counter, Counts
from tests.actors.shards import asked, outcome, running

AMOUNTS = st.one_of(st.floats(-1e9, 1e9), st.integers(-(2**53), 2**53), st.just(0.1), st.just(-0.0))
NAMES = st.sampled_from(["one", "two", "three"])
CALLS = st.one_of(
    st.tuples(st.just("add"), AMOUNTS),
    st.tuples(st.just("ask"), NAMES, st.just("nobody"), st.text(st.characters(exclude_categories=["Cs", "Cc"]))),
    st.tuples(st.just("cancel"), NAMES),
    st.tuples(st.just("note"), NAMES, st.text(st.characters(exclude_categories=["Cs", "Cc"]))),
    st.tuples(st.just("refuse")),
    st.tuples(st.just("add_and_reject"), AMOUNTS),
    st.tuples(st.just("add_and_break")),
)


def kept(entity: Live[Counts, Any, Any]) -> tuple[int, float, str]:
    return entity.seq, entity.at, to_json(entity.state)


async def history(folder: Path, calls: list[tuple[Any, ...]], snapshot_every: int) -> tuple[list[Any], Any, Any]:
    """Make calls, and return the entity after each entry, and what the journal holds at the end."""
    async with running(folder, snapshot_every=snapshot_every) as counter:
        lived = [kept(Live("a", Counts()))]
        for method, *args in calls:
            await outcome(counter, asked(method, "a", *args))
            now = kept(counter._host.live["a"])
            if now != lived[-1]:
                lived.append(now)
        journal = counter._host.journal
        assert journal
        snapshots, entries = await asyncio.to_thread(journal.history, stream_of("Counter", "a"))
        return lived, snapshots, entries


@settings(max_examples=40)
@given(st.lists(CALLS, max_size=25), st.integers(1, 8))
def test_every_prefix_gives_the_state_of_then_from_any_snapshot(calls: list[Any], snapshot_every: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lived, snapshots, entries = asyncio.run(history(Path(folder), calls, snapshot_every))
    codec = Codec(KIND)
    assert [entry.seq for entry in entries] == [*range(1, len(lived))]
    assert len(snapshots) == len(entries) // snapshot_every
    for length, then in enumerate(lived):
        prefix = tuple(entries[:length])
        bases = [None, *(snapshot for snapshot in snapshots if snapshot.seq <= length)]
        for base in bases:
            # All entries, or those alone that come after the snapshot.
            for left in {0, base.seq if base else 0}:
                loaded = Loaded(base, prefix[left:])
                assert kept(Live.load("a", KIND, codec, loaded, 0.0)) == then


@settings(max_examples=25)
@given(AMOUNTS)
def test_what_was_given_as_another_kind_of_number_is_kept_as_it_will_be_read(amount: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lived, _, entries = asyncio.run(history(Path(folder), [("add", amount)], 1_000))
    (event,) = Codec(KIND).events(entries[0])
    assert to_json(KIND.evolve(Counts(), event)) == lived[-1][2]


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), "text", None, "half \ud800"])
async def test_what_could_not_be_read_back_is_refused_and_changes_nothing(tmp_path: Path, amount: Any) -> None:
    async with running(tmp_path) as counter:
        await counter.add("a")
        before = kept(counter._host.live["a"])
        assert (await outcome(counter, asked("add", "a", amount))).error
        assert kept(counter._host.live["a"]) == before
        with pytest.raises(BadInput):
            await counter.note("a", "n", "half \ud800")
        assert kept(counter._host.live["a"]) == before
        await counter.add("a")
    async with running(tmp_path) as counter:
        assert (await counter.total("a")).adds == 2


async def test_what_a_shard_loads_is_what_another_had(tmp_path: Path) -> None:
    """Across several snapshots of the size that the product takes."""

    def states(counter: Counter) -> dict[str, Any]:
        return {key: kept(entity) for key, entity in counter._host.live.items()}

    keys = ["a", "b", "never called"]
    async with running(tmp_path) as counter:
        for _ in range(3):
            await counter.perform([asked("add", key, 0.1 * n) for n in range(100) for key in keys[:2]])
        await counter.total("never called")
        had = states(counter)
    async with running(tmp_path) as counter:
        await asyncio.gather(*(counter.total(key) for key in keys))
        assert states(counter) == had
