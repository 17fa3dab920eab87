"""Whoever has lost its shard writes nothing more, and of two that go for one entry one wins: on both databases."""

import json
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from actors.runtime_journal import SqlJournal
from core.entities import Effect, Find, Record
from core.errors import BadInput, Fenced
from core.journal import Placement, Step, Write
from tests.actors.journal_rival import STREAM, Rival
from tests.actors.journals import ROOT, SHARD, append, entry, fill, kept, opened, python, snapshot


def test_a_shard_that_was_claimed_away_writes_nothing_more(journal: SqlJournal) -> None:
    mine = fill(journal, "Counter/a", 2)
    journal.claim(SHARD, "two")
    everything = append(
        "Counter/a",
        3,
        records=(Record("r", 1.0, "k", "{}"),),
        effects=(Effect("e", "t", "{}", 1.0),),
        snapshot=snapshot("Counter/a", 3),
    )
    for writes in ([everything], [append("Counter/b", 1), everything], [Write("Counter/a", settled=("e",))], []):
        with pytest.raises(Fenced, match=r"Counter-0 was replaced .* Call again"):
            journal.commit(SHARD, "one", writes)
    assert (journal.history("Counter/a"), journal.streams("", 9)) == (([], mine), ["Counter/a"])
    assert (journal.find("Counter/a", Find()), journal.due("Counter", 9.0, 9)) == ([], [])
    assert not journal.commit(SHARD, "two", [everything])
    journal.claim(SHARD, "one")
    assert not journal.commit(SHARD, "one", [append("Counter/a", 4)])


def test_a_shard_that_nobody_claimed_writes_nothing(journal: SqlJournal) -> None:
    for shard, incarnation in (("Counter-1", "one"), ("counter-0", "one"), (SHARD, ""), (SHARD, "One")):
        with pytest.raises(Fenced):
            journal.commit(shard, incarnation, [append("Counter/a", 1)])
    assert kept(journal, "Counter/a") == ()


def test_a_claim_leaves_other_shards_alone(journal: SqlJournal) -> None:
    journal.claim("Counter-1", "two")
    journal.claim("Counter-10", "three")
    assert not journal.commit(SHARD, "one", [append("Counter/a", 1)])
    assert not journal.commit("Counter-1", "two", [append("Counter/b", 1)])


def test_placing_a_kind_anew_fences_all_its_shards_until_they_claim_again(journal: SqlJournal) -> None:
    others = ("Count-0", "Counters-0", "Counter", "counter-0", "Counter.0")
    for shard in ("Counter-1", "Counter-12", *others):
        journal.claim(shard, "one")
    first = journal.place("Counter", 3)
    for shard in (SHARD, "Counter-1", "Counter-12"):
        with pytest.raises(Fenced):
            journal.commit(shard, "one", [append(f"Counter/{shard}", 1)])
    for shard in others:
        assert not journal.commit(shard, "one", [append(f"Counter/{shard}", 1)])
    journal.claim(SHARD, "two")
    assert not journal.commit(SHARD, "two", [append("Counter/a", 1)])
    second = journal.place("Counter", 3)
    with pytest.raises(Fenced):
        journal.commit(SHARD, "two", [append("Counter/a", 2)])
    assert (first, second, journal.placement("Counter")) == (Placement(3, 1), Placement(3, 2), second)
    assert len(journal.streams("", 99)) == len(others) + 1


def test_a_placement_is_what_was_placed_last_and_placed_changes_nothing(journal: SqlJournal) -> None:
    assert journal.placement("Counter") is None
    assert journal.placed("Counter", 2) == journal.placed("Counter", 5) == Placement(2, 1)
    assert not journal.commit(SHARD, "one", [append("Counter/a", 1)])
    assert journal.place("Counter", 5) == journal.placed("Counter", 2) == Placement(5, 2)
    assert journal.placement("Counters") is None
    for shards in (0, -1):
        with pytest.raises(BadInput, match="cannot be spread over"):
            journal.place("Counter", shards)
    assert journal.placement("Counter") == Placement(5, 2)


def test_all_that_ask_at_once_are_told_one_placement(journal_url: str) -> None:
    with opened(journal_url) as journal, ThreadPoolExecutor(6) as threads:
        told = list(threads.map(lambda shards: journal.placed("Counter", shards), range(1, 7)))
        assert set(told) == {journal.placement("Counter")}


@pytest.mark.parametrize(
    "take_over",
    [lambda other: other.claim(SHARD, "two"), lambda other: other.place("Counter", 2)],
    ids=["claim", "place"],
)
def test_who_takes_over_sees_all_that_was_acknowledged_before(
    journal_url: str, take_over: Callable[[SqlJournal], object]
) -> None:
    seen: list[int] = []

    def take_over_and_look() -> None:
        with opened(journal_url) as other:
            take_over(other)
            seen.append(len(kept(other, "Counter/a")))

    def begin_to_take_over(step: Step) -> None:
        if step is Step.BEFORE_COMMIT:
            thread.start()
            time.sleep(0.3)  # it would be through by now if it did not wait for this commit

    thread = threading.Thread(target=take_over_and_look)
    with opened(journal_url, "one", begin_to_take_over) as journal:
        assert not journal.commit(SHARD, "one", [append("Counter/a", 1)])
        thread.join()
        assert seen == [1]


def test_nothing_that_begins_after_a_placement_is_written_under_an_older_one(journal_url: str) -> None:
    placed = threading.Event()
    late: list[int] = []

    def write() -> None:
        with opened(journal_url, "one") as journal:
            begun.set()
            for seq in range(1, 100_000):
                is_late = placed.is_set()
                try:
                    journal.commit(SHARD, "one", [append("Counter/a", seq)])
                except Fenced:
                    return
                if is_late:
                    late.append(seq)

    begun, thread = threading.Event(), threading.Thread(target=write)
    with opened(journal_url) as journal:
        thread.start()
        begun.wait()
        journal.place("Counter", 2)
        placed.set()
        thread.join()
        assert late == []


Told = list[tuple[list[str], list[str]]]


def rivals_in_threads(url: str) -> Told:
    rivals = [Rival(url, name) for name in ("a", "b")]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda rival: rival.fight(40), rivals))
    return [(rival.acknowledged, rival.refused) for rival in rivals]


def namesakes_in_threads(url: str) -> Told:
    """Both believe that they are the owner: the primary key alone tells them apart."""
    rivals = [Rival(url, name) for name in ("a", "b")]
    with opened(url, "one"), ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda rival: rival.impersonate(40, "one"), rivals))
    return [(rival.acknowledged, rival.refused) for rival in rivals]


def rivals_in_processes(url: str) -> Told:
    running = [
        subprocess.Popen(python("tests.actors.journal_rival", url, name, 40), cwd=ROOT, stdout=subprocess.PIPE)
        for name in ("a", "b")
    ]
    return [json.loads(rival.communicate()[0]) for rival in running]


@pytest.mark.parametrize("fight", [rivals_in_threads, namesakes_in_threads, rivals_in_processes])
def test_two_incarnations_that_race_lose_and_double_nothing(journal_url: str, fight: Callable[[str], Told]) -> None:
    with opened(journal_url) as journal:
        told = fight(journal_url)
        entries = kept(journal, STREAM)
    written = [each.command_id for each in entries]
    assert [each.seq for each in entries] == list(range(1, len(entries) + 1))
    assert sorted(written) == sorted(command for acknowledged, _ in told for command in acknowledged)
    for acknowledged, _ in told:
        assert [command for command in written if command in set(acknowledged)] == acknowledged
    assert any(refused for _, refused in told), "they never met"
    assert all(each == entry(STREAM, each.seq, 1.0, command_id=each.command_id) for each in entries)
