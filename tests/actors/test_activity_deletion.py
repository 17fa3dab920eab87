"""What is deleted from the activity log, and that nothing of it stands in the journal's files any more."""

import asyncio
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.activity_log import ActivityLog
from core.activity_documents import AnswerActivity, Counts, Document, Forget
from core.entities import Find
from tests.actors.activities import (
    DAY_S,
    EVERYTHING,
    Opened,
    answer,
    everything_of,
    feedback,
    named,
    opens,
    tool_use,
)
from tests.actors.journals import fresh_url
from tests.actors.residents import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return fresh_url("sqlite", tmp_path)


@pytest.fixture
def opened(url: str, clock: Clock) -> Opened:
    return opens(url, clock)


async def log_all(log: ActivityLog, documents: Sequence[Document]) -> None:
    for first in range(0, len(documents), 100):
        await log.log("guild", documents[first : first + 100])


# ---------------------------------------------------------------- whose
@pytest.mark.parametrize(
    ("whose", "left"),
    [
        (Forget("ada"), {("bob", "tea"), ("bob", "attic")}),
        (Forget(channel="tea"), {("ada", "attic"), ("bob", "attic")}),
        (Forget("ada", "tea"), {("ada", "attic"), ("bob", "tea"), ("bob", "attic")}),
        (Forget(everything=True), set()),
        (Forget("eve"), {(user, channel) for user in ("ada", "bob") for channel in ("tea", "attic")}),
    ],
)
async def test_what_was_asked_for_is_deleted_counted_and_stays_deleted(
    whose: Forget, left: set[tuple[str, str]], opened: Opened
) -> None:
    async with opened() as log:
        for user in ("ada", "bob"):
            for channel in ("tea", "attic"):
                name = f"{user}-{channel}"
                await log.log("guild", [*everything_of(name, user, channel), tool_use(name, user, channel, 1)])
        before = await log.documents("guild", EVERYTHING)
        forgotten = await log.forget("guild", whose)
        assert forgotten.total == len(before) - len(await log.documents("guild", EVERYTHING))
        assert forgotten.counts == Counts(4 - len(left), 2 * (4 - len(left)), 4 - len(left))
        assert (await log.forget("guild", whose)).total == 0
    async with opened() as log:
        found = await log.documents("guild", EVERYTHING)
        assert {(each.document.user, each.document.workspace) for each in found} == left
        assert (await log.report("guild")).erased == forgotten.counts


async def test_answers_that_quote_a_forgotten_recording_are_deleted_wherever_they_stand(opened: Opened) -> None:
    """More than a page of them, many of one moment, between others that quote something else or nothing."""
    async with opened() as log:
        quoting = [replace(answer(f"a{n}"), recordings=("youtube:gone", "youtube:kept")) for n in range(0, 2_400, 2)]
        others = [replace(answer(f"a{n}"), recordings=("youtube:kept",)) for n in range(1, 2_400, 2)]
        await log_all(log, [document for pair in zip(quoting, others, strict=True) for document in pair])
        await log.log("guild", [feedback("a1"), tool_use("a1")])
        assert (await log.forget_recordings("guild", ["youtube:gone", "youtube:never"])).counts == Counts(answer=1_200)
        assert (await log.forget_recordings("guild", ["youtube:gone"])).total == 0
        left = [each.document for each in await log.documents("guild", EVERYTHING)]
        assert not any("youtube:gone" in it.recordings for it in left if isinstance(it, AnswerActivity))
        assert (await log.report("guild")).erased == Counts(answer=1_200)


async def test_thousands_of_documents_are_forgotten_and_all_others_stay(opened: Opened) -> None:
    async with opened() as log:
        await log_all(log, [answer(f"a{n}", "ada" if n % 3 else "bob") for n in range(4_500)])
        assert (await log.forget("guild", Forget("ada"))).counts == Counts(answer=3_000)
        assert await log.documents("guild", Find(user="ada")) == ()
        assert (await log.forget("guild", Forget("bob"))).counts == Counts(answer=1_500)


async def test_two_that_forget_at_once_report_each_document_once(opened: Opened) -> None:
    async with opened() as log:
        await log_all(log, [answer(f"a{n}", "ada") for n in range(1_500)])
        wishes = [Forget("ada"), Forget("ada"), Forget(channel="tea"), Forget(everything=True)]
        forgotten = await asyncio.gather(*(log.forget("guild", wish) for wish in wishes))
        assert sum(each.total for each in forgotten) == 1_500
        assert (await log.report("guild")).erased == Counts(answer=1_500)


async def test_whatever_is_logged_meanwhile_only_what_was_to_be_forgotten_is(opened: Opened) -> None:
    """Of the person nothing stays that was acknowledged before, and of the others everything does."""
    acknowledged: list[str] = []

    async def talk(log: ActivityLog, user: str, stop: asyncio.Event) -> None:
        for number in range(300):
            if not stop.is_set():
                await log.log("guild", everything_of(f"{user}-{number}", user))
                acknowledged.append(f"{user}-{number}")

    def known(user: str) -> set[str]:
        return {name for name in acknowledged if name.startswith(user)}

    async def kept(log: ActivityLog, user: str) -> list[str]:
        return [named(each)[1] for each in await log.documents("guild", Find(user=user, limit=1_000))]

    forgotten = Counts()
    async with opened() as log:
        stop = asyncio.Event()
        talkers = [asyncio.create_task(talk(log, user, stop)) for user in ("ada", "bob", "eve")]
        for _ in range(5):
            await asyncio.sleep(0.03)
            before = known("ada")
            forgotten += (await log.forget("guild", Forget("ada"))).counts
            assert before
            assert not before & set(await kept(log, "ada"))
        stop.set()
        await asyncio.gather(*talkers)
    async with opened() as log:
        for user in ("bob", "eve"):
            assert sorted(await kept(log, user)) == sorted(3 * list(known(user)))
        assert forgotten.total + len(await kept(log, "ada")) == 3 * len(known("ada"))


async def test_what_is_logged_after_the_deletion_began_is_kept(opened: Opened) -> None:
    async with opened() as log:
        await log_all(log, [answer(f"old-{n}") for n in range(5_000)])
        forgetting = asyncio.create_task(log.forget("guild", Forget("ada")))
        while not (await log.report("guild")).erased.total:
            assert not forgetting.done()
            await asyncio.sleep(0)
        names = [f"new-{n}" for n in range(20)]
        for name in names:
            await log.log("guild", [answer(name)])
        assert (await forgetting).total == 5_000
        assert sorted(named(each)[1] for each in await log.documents("guild", EVERYTHING)) == sorted(names)


# ---------------------------------------------------------------- to the last byte
def standing(folder: Path, words: Sequence[str]) -> dict[str, int]:
    """How often each of the words stands in the files of a journal."""
    files = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return {word: count for word in words if (count := sum(file.count(word.encode()) for file in files))}


def mixed(rng: random.Random, people: Sequence[str]) -> list[Document]:
    """What these people left, of all sizes and in any order: deleting some of it moves the rest about in the file."""
    made: list[Document] = []
    for number in range(60):
        for person in people:
            name, channel, word = f"{person}-{number}", f"c-{person}", f"w-{person}"
            made.append(answer(name, person, channel, f"{word} " * rng.choice([1, 3, 20, 200, 900])))
            made.append(tool_use(name, person, channel, number))
            made.append(feedback(name, person, channel, f"{word} " * rng.choice([1, 40])))
    rng.shuffle(made)
    return made


@pytest.mark.parametrize("seed", range(4))
async def test_of_what_was_forgotten_no_byte_is_left_in_any_file(seed: int, opened: Opened, tmp_path: Path) -> None:
    rng = random.Random(seed)
    people = [f"somebody-{number}" for number in range(5)]
    hashed = {person: blake2b(person.encode(), digest_size=8).hexdigest() for person in people}
    async with opened() as log:
        await log_all(log, mixed(rng, people))
        # As one by one they are forgotten, what is left of the others stays whole.
        for person in rng.sample(people, len(people)):
            assert set(standing(tmp_path, [person, hashed[person]])) == {person, hashed[person]}
            if rng.random() < 0.5:
                await log.forget("guild", Forget(channel=f"c-{person}"))
            assert (await log.forget("guild", Forget(person))).total in (0, 180)
            assert standing(tmp_path, [person, hashed[person]]) == {}
        assert (await log.report("guild")).erased.total == 180 * len(people)


def rewritings(url: str) -> int:
    """How often the file was written anew: SQLite counts that with the changes of its schema."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        count: int = connection.execute("PRAGMA schema_version").fetchone()[0]
        return count


async def test_for_many_that_are_forgotten_at_once_the_file_is_rewritten_a_few_times(
    opened: Opened, tmp_path: Path, url: str
) -> None:
    tenants = [f"guild-{number}" for number in range(40)]
    async with opened() as log:
        await asyncio.gather(*(log.log(tenant, everything_of("secretly", "secretly")) for tenant in tenants))
        before = rewritings(url)
        await asyncio.gather(*(log.forget(tenant, Forget("secretly")) for tenant in tenants))
        assert standing(tmp_path, ["secretly"]) == {}
        assert 1 <= rewritings(url) - before < len(tenants) / 2


async def test_a_long_history_tells_nothing_of_what_was_forgotten(opened: Opened, tmp_path: Path) -> None:
    async with opened() as log:
        # So many that the state was written as a snapshot, too.
        for number in range(300):
            await log.log("guild", [feedback(f"secretly-{number % 7}", "secretly", "c-secretly", "w-secretly")])
        await log.log("guild", [feedback("openly", "openly", "c-openly", "w-openly")])
        assert (await log.forget("guild", Forget("secretly"))).counts == Counts(feedback=7)
        assert set(standing(tmp_path, ["secretly", "openly", "guild"])) == {"openly", "guild"}


async def test_words_that_are_not_to_be_kept_never_reach_the_disk(opened: Opened, tmp_path: Path) -> None:
    async with opened(30, False) as log:
        await log.log("guild", [answer("a1", words="w-secretly"), feedback("a1", note="w-openly")])
        assert standing(tmp_path, ["w-secretly"]) == {}
        assert standing(tmp_path, ["w-openly"]) != {}


async def test_what_became_too_old_goes_to_the_last_byte_with_the_next_that_is_forgotten(
    opened: Opened, clock: Clock, tmp_path: Path
) -> None:
    async with opened() as log:
        await log_all(log, mixed(random.Random(0), ["secretly"]))
        clock.ahead_s = 2 * DAY_S
        await log.set_retention("guild", 1)
        await log.forget("guild", Forget("nobody"))
        assert standing(tmp_path, ["secretly"]) == {}
