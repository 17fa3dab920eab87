"""The commands about channels, the queue and forgetting, over a fake of the port: what they ask for and say."""

from dataclasses import replace

import pytest

from bot.command import Call, perform
from bot.command_line import given
from bot.commands import all_commands
from bot.commands.follow import BACK
from bot.page import Page, Progress, Question, Tone
from core.errors import BadInput, Unavailable
from core.following import ForgetReport
from core.results import ErrorCategory, Fail, Ok, Skip
from core.tenancy import TenantContext
from core.uploads import ALL_KINDS, UploadKind
from tests.fakes.assistant import TALK, FakeAssistant
from tests.fakes.curator import CHANNEL, FOLLOWED, REPORT, FakeCurator

TENANT = TenantContext("guild-1", "guild", "42")
COMMANDS = {command.name: command for command in all_commands()}
LINK = "https://www.youtube.com/@ada"


@pytest.fixture
def curator() -> FakeCurator:
    return FakeCurator()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody watches a backfill for minutes here."""
    monkeypatch.setattr("bot.commands.backfill.LOOK_EVERY_S", 0.0)
    monkeypatch.setattr("bot.commands.backfill.WATCH_S", 0.0)


@pytest.fixture
def patient(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - it goes before
    monkeypatch.setattr("bot.commands.backfill.WATCH_S", 100.0)


class Person:
    """Somebody who uses commands; `agrees` to what they are asked, or not."""

    def __init__(self, curator: FakeCurator | None, *, moderator: bool = True, agrees: bool = True) -> None:
        self.curator, self.moderator, self.agrees = curator, moderator, agrees
        self.assistant = FakeAssistant()
        self.asked: list[Question] = []
        self.shown: list[Progress] = []

    async def _confirm(self, question: Question) -> bool:
        self.asked.append(question)
        return self.agrees

    async def use(self, name: str, line: str = "") -> Page:
        arguments = given(COMMANDS[name], line)
        call = Call(self.assistant, TENANT, arguments, self.curator, self.moderator, self._confirm)
        return await perform(COMMANDS[name], call, self.shown.append)


def said(page: Page) -> str:
    return "\n".join([page.title, *("".join(span.text for span in line.spans) for line in page.lines)])


# ---------------------------------------------------------------- who may
MODERATORS = [
    ("follow", LINK),
    ("unfollow", "ada"),
    ("pause", "ada"),
    ("resume", "ada"),
    ("backfill", "ada"),
    ("queue", "retry"),
    ("queue", "drop job=j-1"),
    ("forget", LINK),
    ("forget", "user=43"),
]


@pytest.mark.parametrize(("name", "line"), MODERATORS)
async def test_a_member_is_refused_with_a_sentence_and_nothing_is_done(
    curator: FakeCurator, name: str, line: str
) -> None:
    with pytest.raises(BadInput, match=r"for those alone who may manage this server\. Ask a moderator"):
        await Person(curator, moderator=False).use(name, line)
    assert curator.calls == []


@pytest.mark.parametrize(("name", "line"), [*MODERATORS, ("queue", ""), ("following", "")])
async def test_a_moderator_may_do_all(curator: FakeCurator, name: str, line: str) -> None:
    assert (await Person(curator).use(name, line)).tone is Tone.ANSWER
    assert {tenant for _, tenant, _ in curator.calls} == {TENANT}


@pytest.mark.parametrize("line", ["mine", "user=42"])
async def test_a_member_may_see_and_forget_their_own_questions(curator: FakeCurator, line: str) -> None:
    member = Person(curator, moderator=False)
    await member.use("queue")
    await member.use("following")
    await member.use("forget", line)
    assert [(request.whose, request.url) for request in curator.forgets] == [("42", "")]
    assert member.asked == []


@pytest.mark.parametrize(("name", "line"), [*MODERATORS, ("queue", ""), ("following", ""), ("forget", "mine")])
async def test_where_nothing_is_followed_it_says_so(name: str, line: str) -> None:
    with pytest.raises(Unavailable, match="Following channels is not available"):
        await Person(None).use(name, line)


# ---------------------------------------------------------------- following
async def test_follow_asks_for_all_kinds_and_a_year_unless_told(curator: FakeCurator) -> None:
    await Person(curator).use("follow", f"<{LINK}>")
    (request,) = curator.follows
    assert (request.url, request.kinds, request.back_days) == (LINK, ALL_KINDS, 365)
    assert (request.announce_to, request.only, request.without) == ("", (), ())


async def test_follow_asks_for_what_it_is_told(curator: FakeCurator) -> None:
    line = f'{LINK} kinds=streams,videos back=0 announce=<#123> only="live coding, q&a" without=trailer'
    await Person(curator).use("follow", line)
    (request,) = curator.follows
    assert (request.kinds, request.back_days) == ((UploadKind.VIDEO, UploadKind.STREAM), 0)
    assert (request.announce_to, request.only, request.without) == ("123", ("live coding", "q&a"), ("trailer",))


@pytest.mark.parametrize("bad", ["", f"{LINK} back={BACK.high + 1}", f"{LINK} kinds=clips", f"{LINK} announce=#news"])
async def test_what_cannot_be_followed_so_is_refused_before_anything_is_done(curator: FakeCurator, bad: str) -> None:
    with pytest.raises(BadInput):
        await Person(curator).use("follow", bad)
    assert curator.calls == []


@pytest.mark.parametrize(
    ("name", "done"), [("unfollow", "followed no more"), ("pause", "paused"), ("resume", "resumed")]
)
async def test_a_channel_is_named_by_a_part_of_its_title(curator: FakeCurator, name: str, done: str) -> None:
    page = await Person(curator).use(name, "Ada's kitchen")
    assert curator.calls == [(name, TENANT, "Ada's kitchen")]
    assert page.title.startswith(f"Ada's kitchen: {done}")
    assert "312 listed = 200 ingested + 50 waiting + 62 refused" in said(page)


@pytest.mark.parametrize("name", ["follow", "unfollow", "pause", "resume", "backfill", "following", "queue"])
async def test_a_fail_or_a_skip_is_its_sentence(curator: FakeCurator, name: str) -> None:
    line = LINK if COMMANDS[name].arguments and name != "queue" else ""
    curator.channel = curator.channels = curator.jobs = Fail(ErrorCategory.NOT_FOUND, "No such channel.")
    page = await Person(curator).use(name, line)
    assert (page.tone, said(page).strip()) == (Tone.PROBLEM, "No such channel. Look at /status for what there is.")
    curator.channel = curator.channels = curator.jobs = Skip("It is followed already.")
    page = await Person(curator).use(name, line)
    assert (page.tone, said(page).strip()) == (Tone.NOTHING, "It is followed already.")


# ---------------------------------------------------------------- backfill
@pytest.mark.usefixtures("patient")
async def test_a_backfill_is_watched_until_it_is_done(curator: FakeCurator) -> None:
    reading = replace(FOLLOWED, completeness=replace(REPORT, listing_done=False))
    done = replace(FOLLOWED, completeness=replace(REPORT, ingested=250, waiting=0))
    curator.reports = [Ok(reading), Ok(FOLLOWED), Ok(done)]
    person = Person(curator)
    page = await person.use("backfill", "Ada back=30")
    assert [(shown.done, shown.total) for shown in person.shown] == [(262, 0), (262, 312)]
    assert curator.calls == [("backfill", TENANT, call) for call in ("Ada 30", f"{LINK} 0", f"{LINK} 0")]
    assert page.title.endswith("every upload is accounted for")
    assert "312 listed = 250 ingested + 0 waiting + 62 refused" in said(page)


async def test_a_backfill_that_takes_long_goes_on_by_itself(curator: FakeCurator) -> None:
    page = await Person(curator).use("backfill", "Ada")
    assert page.title.endswith("it goes on by itself, see /following")


async def test_a_report_alone_is_not_watched(curator: FakeCurator) -> None:
    person = Person(curator)
    await person.use("backfill", "Ada back=0")
    assert (len(curator.calls), person.shown) == (1, [])


async def test_a_channel_that_rests_is_not_watched(curator: FakeCurator) -> None:
    curator.channel = Ok(replace(FOLLOWED, paused="The budget is spent."))
    page = await Person(curator).use("backfill", "Ada")
    assert page.title.endswith("it rests until /resume")
    assert "Paused: The budget is spent." in said(page)


@pytest.mark.usefixtures("patient")
async def test_a_look_that_fails_ends_the_watching_with_what_was_seen(curator: FakeCurator) -> None:
    curator.reports = [Ok(FOLLOWED), Fail(ErrorCategory.TIMEOUT, "It did not answer in time.")]
    page = await Person(curator).use("backfill", "Ada")
    assert "it goes on by itself" in page.title
    assert "50 waiting" in said(page)


# ---------------------------------------------------------------- the queue
@pytest.mark.parametrize(
    ("line", "asked"),
    [("retry", ("retry", "all")), ("retry job=j-1", ("retry", "j-1")), ("DROP job=j-2", ("drop", "j-2"))],
)
async def test_jobs_are_moved_one_or_all(curator: FakeCurator, line: str, asked: tuple[str, str]) -> None:
    page = await Person(curator).use("queue", line)
    assert [(name, what) for name, _, what in curator.calls] == [asked]
    assert "1 job is" in said(page)


async def test_where_no_such_job_is_it_says_so(curator: FakeCurator) -> None:
    curator.moved = Ok(0)
    page = await Person(curator).use("queue", "drop job=j-9")
    assert (page.tone, "No such job" in said(page)) == (Tone.NOTHING, True)
    curator.moved = Fail(ErrorCategory.UPSTREAM, "The queue does not answer.")
    assert (await Person(curator).use("queue", "retry")).tone is Tone.PROBLEM


# ---------------------------------------------------------------- forgetting
async def test_one_recording_that_is_here_is_forgotten_without_a_question(curator: FakeCurator) -> None:
    moderator = Person(curator, agrees=False)
    page = await moderator.use("forget", f"{TALK.url}?utm_source=x")
    assert moderator.asked == []
    assert [request.url for request in curator.forgets] == [f"{TALK.url}?utm_source=x"]
    for told in ("1 recording", "12 passages", "2 queued jobs", "Backups lose it tomorrow."):
        assert told in said(page)


@pytest.mark.parametrize(
    ("what", "told"), [(LINK, "200 recordings of Ada's kitchen"), ("https://other.example/feed", "every recording of")]
)
async def test_a_channel_is_forgotten_once_they_agree(curator: FakeCurator, what: str, told: str) -> None:
    unsure = Person(curator, agrees=False)
    page = await unsure.use("forget", what)
    assert (page.tone, curator.forgets) == (Tone.NOTHING, [])
    assert told in said(unsure.asked[0].page)
    sure = Person(curator)
    assert (await sure.use("forget", what)).title == "Forgotten"
    assert [request.url for request in curator.forgets] == [what]


async def test_where_it_is_not_known_what_is_followed_it_asks_all_the_same(curator: FakeCurator) -> None:
    curator.channels = Fail(ErrorCategory.TIMEOUT, "It did not answer in time.")
    unsure = Person(curator, agrees=False)
    await unsure.use("forget", CHANNEL.url)
    assert len(unsure.asked) == 1


@pytest.mark.parametrize("line", ["", f"{LINK} user=43", "mine user=43"])
async def test_what_is_to_be_forgotten_is_named_once(curator: FakeCurator, line: str) -> None:
    with pytest.raises(BadInput, match="either what or user"):
        await Person(curator).use("forget", line)
    assert curator.forgets == []


async def test_a_moderator_forgets_what_somebody_asked(curator: FakeCurator) -> None:
    await Person(curator).use("forget", "user=<@43>")
    assert [(request.whose, request.tenant) for request in curator.forgets] == [("43", TENANT)]


async def test_nothing_to_forget_and_a_failure_are_told(curator: FakeCurator) -> None:
    curator.forgotten = Ok(ForgetReport())
    page = await Person(curator).use("forget", "mine")
    assert (page.tone, "Nothing of that was kept." in said(page)) == (Tone.NOTHING, True)
    curator.forgotten = Fail(ErrorCategory.UPSTREAM, "The store does not answer.")
    assert (await Person(curator).use("forget", "mine")).tone is Tone.PROBLEM
