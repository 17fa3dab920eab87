"""Following, forgetting and news at the console, where no Discord is."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import replace

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from bot import console as console_module
from bot.commands.follow import BACK
from bot.console import TENANT, main, run_console
from bot.lines import CommandCompleter, StreamLines
from bot.product import Product
from core.errors import Unavailable
from core.following import Announcement
from core.results import ErrorCategory, Fail
from tests.bot.test_console import connect_to, screen
from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.assistant import TALK, FakeAssistant
from tests.fakes.curator import CHANNEL, FakeCurator

LINK = "https://www.youtube.com/@ada"
NEWS = Announcement("news-1", TENANT.tenant, TENANT.tenant, "https://talks.example/1", "Brewing tea", "Ada", 65.0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody watches a backfill for minutes here."""
    monkeypatch.setattr("bot.commands.backfill.WATCH_S", 0.0)


async def typed(curator: FakeCurator | None, text: str) -> str:
    console, out = screen()
    await run_console(FakeAssistant(), curator=curator, console=console, lines=StreamLines(io.StringIO(text)))
    return out.getvalue()


async def once(curator: FakeCurator | None, *argv: str) -> tuple[int, str]:
    console, out = screen()
    return await main(argv, connect_to(FakeAssistant(), curator), console), out.getvalue()


# ---------------------------------------------------------------- commands
async def test_every_command_works_at_the_prompt() -> None:
    curator = FakeCurator()
    shown = await typed(
        curator,
        f"""/follow {LINK} back=90 kinds=videos,shorts announce=123 only="live coding"
/following
/pause Ada's kitchen
/resume ada
/backfill Ada's kitchen back=30
/queue
/queue retry job=j-1
/unfollow ada
/forget {TALK.url}
/forget mine
""",
    )
    (request,) = curator.follows
    assert (request.tenant, request.back_days, request.announce_to, request.only) == (
        TENANT,
        90,
        "123",
        ("live coding",),
    )
    assert [(name, what) for name, _, what in curator.calls[1:6]] == [
        ("following", ""),
        ("pause", "Ada's kitchen"),
        ("resume", "ada"),
        ("backfill", "Ada's kitchen 30"),
        ("queue", ""),
    ]
    assert [(request.url, request.whose) for request in curator.forgets] == [(TALK.url, ""), ("", TENANT.user)]
    assert "312 listed = 200 ingested + 50 waiting + 62 refused" in shown
    assert "gone" in shown


async def test_news_of_what_is_followed_at_the_prompt_comes_to_the_prompt() -> None:
    curator = FakeCurator()
    await typed(curator, f"/follow {LINK}\n")
    assert curator.follows[0].announce_to == NEWS.channel


async def test_what_cannot_be_read_is_a_sentence_and_the_prompt_goes_on() -> None:
    curator = FakeCurator()
    lines = ["/follow", f"/follow {LINK} since=1", f"/follow {LINK} back=-1", f'/follow {LINK} only="a', "/following"]
    shown = await typed(curator, "\n".join(lines) + "\n")
    for said in (
        "url is empty",
        "nothing that is called since",
        f"from 0 to {BACK.high}",
        "not closed",
        "1 channel followed",
    ):
        assert said in shown
    assert [name for name, _, _ in curator.calls] == ["following"]


async def test_many_recordings_are_forgotten_where_it_is_confirmed_in_writing() -> None:
    curator = FakeCurator()
    shown = await typed(curator, f"/forget {CHANNEL.url}\n/forget {CHANNEL.url} confirm=no\n")
    assert shown.count("200 recordings of Ada's kitchen") == 2
    assert "confirm=yes" in shown
    assert curator.forgets == []
    await typed(curator, f"/forget {CHANNEL.url} confirm=yes\n")
    assert [request.url for request in curator.forgets] == [CHANNEL.url]


async def test_once_from_a_shell() -> None:
    curator = FakeCurator()
    code, _ = await once(curator, "follow", LINK, "only=live coding", "back=7")
    assert (code, curator.follows[0].only, curator.follows[0].back_days) == (0, ("live coding",), 7)
    assert (await once(curator, "follow", LINK, "back=x"))[0] == 2
    assert (await once(curator, "pause", "Ada's", "kitchen"))[0] == 0
    assert curator.calls[-1][2] == "Ada's kitchen"
    curator.channel = Fail(ErrorCategory.UPSTREAM, "It does not answer.")
    assert (await once(curator, "pause", "ada"))[0] == 1


async def test_where_nothing_is_followed_it_says_so() -> None:
    code, shown = await once(None, "following")
    assert code == 1
    assert "Following channels is not available." in shown


async def test_help_shows_the_arguments_by_name() -> None:
    shown = await typed(None, "/help\n")
    assert "/follow URL [kinds=…] [back=…] [announce=…] [only=…] [without=…]" in shown
    assert "/forget [WHAT] [user=…] [confirm=yes]" in shown


# ---------------------------------------------------------------- completion
async def completed(curator: FakeCurator | None, line: str) -> list[str]:
    completer = console_module._completer(Product(FakeAssistant(), curator))
    found = completer.get_completions_async(Document(line), CompleteEvent())
    return [each.text async for each in found]


async def test_names_and_followed_channels_are_completed() -> None:
    curator = FakeCurator()
    assert await completed(curator, "/unf") == ["/unfollow"]
    assert {"/follow", "/following"} == set(await completed(curator, "/follow"))
    assert await completed(curator, "/pause KIT") == [CHANNEL.url]
    assert await completed(curator, "How hot") == []
    assert await completed(curator, "/ask how ") == []
    assert await completed(curator, "/nothing x") == []


async def test_completions_that_cannot_be_had_are_none() -> None:
    curator = FakeCurator()
    curator.error = Unavailable("ChannelFollower")
    assert await completed(curator, "/pause a") == []
    assert await completed(None, "/pause a") == []
    assert [
        one async for one in CommandCompleter(["help"]).get_completions_async(Document("/pause a"), CompleteEvent())
    ] == []


# ---------------------------------------------------------------- news
class SlowLines:
    """Lines that come when a test says so; None ends them."""

    def __init__(self) -> None:
        self.coming: asyncio.Queue[str | None] = asyncio.Queue()

    async def read(self) -> str | None:
        return await self.coming.get()


async def shown_until(announcer: FakeAnnouncer, number: int, before: Sequence[str] = ()) -> str:
    """What the console shows until `number` announcements are settled."""
    console, out = screen()
    lines = SlowLines()
    for line in before:
        lines.coming.put_nowait(line)
    running = asyncio.ensure_future(run_console(FakeAssistant(), announcer=announcer, console=console, lines=lines))
    await announcer.until_settled(number)
    lines.coming.put_nowait(None)
    await asyncio.wait_for(running, 10)
    return out.getvalue()


async def test_news_is_shown_once_as_it_comes() -> None:
    announcer = FakeAnnouncer(NEWS, replace(NEWS, announcement_id="news-2", title="Pouring \x1b[31mtea"))
    shown = await shown_until(announcer, 2, ["/help"])
    assert shown.count("Brewing tea https://talks.example/1") == 1
    assert "Pouring tea" in shown
    assert "Ada · 1:05" in shown
    assert announcer.confirmed == ["news-1", "news-2"]


async def test_news_waits_until_a_command_is_through() -> None:
    assistant, announcer, lines = FakeAssistant(), FakeAnnouncer(), SlowLines()
    assistant.gate.clear()
    console, out = screen()
    running = asyncio.ensure_future(run_console(assistant, announcer=announcer, console=console, lines=lines))
    lines.coming.put_nowait("How hot?")
    await asyncio.wait_for(assistant.entered.wait(), 10)
    await announcer.add(NEWS)
    await asyncio.sleep(0.05)
    assert "Brewing tea" not in out.getvalue()
    assistant.gate.set()
    await announcer.until_settled()
    lines.coming.put_nowait(None)
    await asyncio.wait_for(running, 10)
    assert out.getvalue().index("Green tea") < out.getvalue().index("https://talks.example/1\n")


async def test_news_for_a_server_is_left_to_discord(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.news.AGAIN_AFTER_S", 0.0)
    announcer = FakeAnnouncer(replace(NEWS, announcement_id="news-9", tenant="700", title="Secret"), NEWS)
    shown = await shown_until(announcer, 1)
    assert "Secret" not in shown
    assert (announcer.confirmed, announcer.given_up) == (["news-1"], {})


async def test_a_hand_out_that_is_down_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.news.AGAIN_AFTER_S", 0.0)
    announcer = FakeAnnouncer(NEWS)
    announcer.failing["next"] = 2
    assert "Brewing tea" in await shown_until(announcer, 1)


async def test_no_news_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.news.NEXT_WAIT_S", 0.01)
    console, out = screen()
    lines = SlowLines()
    running = asyncio.ensure_future(
        run_console(FakeAssistant(), announcer=FakeAnnouncer(), console=console, lines=lines)
    )
    await asyncio.sleep(0.05)
    lines.coming.put_nowait(None)
    await asyncio.wait_for(running, 10)
    assert out.getvalue() == ""
