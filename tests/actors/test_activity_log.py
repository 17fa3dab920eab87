"""The activity log as an actor on a real journal: what is found again, retention, restarts, and other tenants."""

import asyncio
import itertools
import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.activity_log import ActivityLog
from actors.runtime_journal import SqlJournal
from core.activity import Noted, Retention
from core.activity_documents import KINDS, Counts, Document, Forget, Found, receipt_from, receipt_query
from core.entities import Find
from core.errors import BadInput
from core.results import Ok
from core.tenancy import TenantContext
from tests.actors.activities import (
    DAY_S,
    EVERYTHING,
    RECEIPT,
    Opened,
    answer,
    everything_of,
    feedback,
    named,
    opens,
    tool_use,
)
from tests.actors.journals import KINDS as DATABASES
from tests.actors.journals import fresh_url
from tests.actors.residents import NOON, Clock

USERS, CHANNELS = ("ada", "bob", ""), ("tea", "coffee")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_url(request.param, tmp_path)


@pytest.fixture
def opened(url: str, clock: Clock) -> Opened:
    return opens(url, clock)


# ---------------------------------------------------------------- finding
def matches(find: Find, found: Found) -> bool:
    document = found.document
    return (
        find.kind in ("", KINDS[type(document)])
        and find.user in ("", document.user)
        and find.channel in ("", document.workspace)
        and find.since <= found.at < find.until
    )


async def test_documents_are_found_by_time_user_channel_and_kind_newest_first(opened: Opened, clock: Clock) -> None:
    rng = random.Random(7)
    async with opened() as log:
        for number in range(120):
            user, channel, clock.ahead_s = rng.choice(USERS), rng.choice(CHANNELS), number * 60.0
            made: list[Document] = [answer(f"a{number}", user, channel), tool_use(f"a{number}", user, channel)]
            made += [feedback(f"a{number}", user, channel)] if user else []
            await log.log("guild", rng.sample(made, rng.randint(1, len(made))))
        everything = await log.documents("guild", EVERYTHING)
    assert [each.at for each in everything] == sorted((each.at for each in everything), reverse=True)
    assert len({named(each) for each in everything}) == len(everything) > 120
    times = (0.0, NOON + 1_000, everything[30].at, NOON + 1e6)
    finds = [
        Find("", kind, user, channel, since, until, limit)
        for kind, user, channel in itertools.product(("", *KINDS.values()), USERS, ("", *CHANNELS))
        for since, until in itertools.combinations(times, 2)
        for limit in (1, 5, 1_000)
    ]
    async with opened() as log:
        for find in rng.sample(finds, 150):
            expected = [each for each in everything if matches(find, each)][: find.limit]
            assert list(await log.documents("guild", find)) == expected


async def test_a_receipt_is_found_by_whose_it_is_alone(opened: Opened) -> None:
    async with opened() as log:
        await log.log("guild", [answer("a1", "ada"), answer("b1", "bob"), answer("a2", "ada", "coffee")])
        for user, answer_id, expected in (("ada", "", "a1"), ("bob", "", "b1"), ("ada", "a1", "a1")):
            query = receipt_query(TenantContext("guild", "tea", user), answer_id)
            result = receipt_from(await log.documents("guild", query), answer_id)
            assert isinstance(result, Ok)
            assert (result.data.answer.answer_id, result.data.answer.receipt) == (expected, RECEIPT)
        for user, answer_id in (("eve", ""), ("bob", "a1"), ("ada", "a2")):
            query = receipt_query(TenantContext("guild", "tea", user), answer_id)
            assert not isinstance(receipt_from(await log.documents("guild", query), answer_id), Ok)


async def test_a_tenant_never_sees_anothers_documents_nor_deletes_them(opened: Opened) -> None:
    keys = ["1", "11", "1/1", "guild", "Guild", "g%", "g_ild", "gUILD "]
    async with opened() as log:
        await asyncio.gather(*(log.log(key, everything_of(f"of {key}", "ada")) for key in keys))
    async with opened() as log:
        for key in keys:
            assert {named(each)[1] for each in await log.documents(key, EVERYTHING)} == {f"of {key}"}
            assert await log.documents(key, Find("answer/of stranger")) == ()
        assert await log.documents("stranger", EVERYTHING) == ()
        assert (await log.forget("stranger", Forget(everything=True))).total == 0
        for number, key in enumerate(keys):
            assert (await log.forget(key, Forget("ada"))).total == 3
            left = [len(await log.documents(each, EVERYTHING)) for each in keys]
            assert left == [0] * (number + 1) + [3] * (len(keys) - number - 1)


# ---------------------------------------------------------------- once, and for good
async def test_what_256_callers_logged_at_once_is_there_after_a_restart(opened: Opened) -> None:
    async with opened() as log:
        noted = await asyncio.gather(*(log.log("guild", everything_of(f"a{n}", f"u{n % 9}")) for n in range(256)))
        assert set(noted) == {Noted(Counts(1, 1, 1))}
    async with opened() as log:
        found = await log.documents("guild", EVERYTHING)
        assert {named(each)[1] for each in found} == {f"a{n}" for n in range(256)}
        assert (len(found), (await log.report("guild")).logged) == (768, Counts(256, 256, 256))


async def test_a_repeated_call_is_answered_as_the_first_time_and_done_once(opened: Opened, clock: Clock) -> None:
    asked = clock.asked("log", "guild", (feedback("a1"),))
    async with opened() as log:
        outcomes = [*await log.perform((asked, asked)), *await log.perform((asked,))]
        await log.log("guild", [replace(feedback("a1"), vote=-1)])
    async with opened() as log:
        outcomes += await log.perform((asked,))
        assert [each.result() for each in outcomes] == [Noted(Counts(feedback=1))] * 4
        (found,) = await log.documents("guild", EVERYTHING)
        assert found.document == replace(feedback("a1"), vote=-1)
        assert (await log.report("guild")).logged == Counts(feedback=2)


async def test_of_documents_that_are_sent_together_all_are_kept_or_none(opened: Opened) -> None:
    async with opened() as log:
        with pytest.raises(BadInput, match="feedback"):
            await log.log("guild", [answer("a1"), replace(feedback("a1"), vote=5)])
        assert await log.documents("guild", EVERYTHING) == ()
        with pytest.raises(BadInput, match="keeps no 'diary'"):
            await log.documents("guild", Find(kind="diary"))
        with pytest.raises(BadInput, match="not clear whose"):
            await log.forget("guild", Forget())


# ---------------------------------------------------------------- retention
async def until_only(log: ActivityLog, key: str, names: set[str]) -> None:
    """Wait until the reminder has left just these answers."""
    async with asyncio.timeout(30):
        while True:
            if {named(each)[1] for each in await log.documents(key, EVERYTHING)} == names:
                return
            await asyncio.sleep(0.01)


def prunings(url: str) -> int:
    """How often the journal says that a reminder was obeyed."""
    journal = SqlJournal(url)
    _, entries = journal.history("ActivityLog/guild")
    journal.close()
    return sum('"Pruned"' in entry.events for entry in entries)


async def test_the_reminder_of_retention_comes_after_a_restart_and_once(opened: Opened, url: str, clock: Clock) -> None:
    async with opened(1) as log:
        await log.log("guild", [answer("old")])
        clock.ahead_s = 20 * 3_600.0
        await log.log("guild", [answer("young")])
    clock.ahead_s = 30 * 3_600.0
    async with opened(1) as log:
        await log.start()
        await until_only(log, "guild", {"young"})
    assert prunings(url) == 1
    clock.ahead_s += DAY_S
    async with opened(1) as log:
        await log.log("other", [answer("x")])
        await until_only(log, "guild", set())
    assert prunings(url) == 2
    # What has run empty is reminded no more, however long after.
    clock.ahead_s += 10 * DAY_S
    async with opened(1) as log:
        await log.start()
        await until_only(log, "other", set())
    assert prunings(url) == 2


async def test_a_shorter_retention_deletes_at_once_and_lasts_over_a_restart(opened: Opened, clock: Clock) -> None:
    async with opened() as log:
        await log.log("guild", [answer("old")])
        clock.ahead_s = 3 * DAY_S
        await log.log("guild", [answer("young")])
        assert await log.set_retention("guild", 2) == Retention(2)
        assert [named(each)[1] for each in await log.documents("guild", EVERYTHING)] == ["young"]
    async with opened() as log:
        assert (await log.report("guild")).retention_days == 2
        assert await log.set_retention("guild", None) == Retention(30)


async def test_a_shorter_retention_of_the_settings_holds_from_the_next_document_on(
    opened: Opened, clock: Clock
) -> None:
    async with opened(30) as log:
        await log.log("guild", [answer("old")])
        await log.log("chose", [answer("old")])
        await log.set_retention("chose", 20)
    clock.ahead_s = 9 * DAY_S
    async with opened(7) as log:
        for key, left in (("guild", ["new"]), ("chose", ["new", "old"])):
            await log.log(key, [answer("new")])
            assert [named(each)[1] for each in await log.documents(key, EVERYTHING)] == left
