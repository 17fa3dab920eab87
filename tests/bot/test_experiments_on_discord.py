"""Experiments on Discord and in the console, with the real client: who may, buttons, and the attached picture."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest
from rich.console import Console

from bot.client import BotClient, point_at
from bot.console import run_console
from bot.embeds import MAX_ALT, embeds, files
from bot.lines import StreamLines
from bot.page import Page, Picture, line
from tests.bot.conftest import finished
from tests.fakes.assistant import FakeAssistant
from tests.fakes.discord import GUILD_ID, MEMBER_ID, FakeDiscord
from tests.fakes.discord.interactions import CHOICES
from tests.fakes.discord.world import EPHEMERAL, MANAGE_GUILD
from tests.fakes.experiments import FakeExperiments

PNG = b"\x89PNG\r\n\x1a\n"
OPERATOR = 4711


@pytest.fixture
def desk() -> FakeExperiments:
    return FakeExperiments()


@pytest.fixture
async def client(server: FakeDiscord, desk: FakeExperiments) -> AsyncIterator[BotClient]:
    """The bot with experiments, logged in and ready for interactions."""
    point_at(server.api_url, server.gateway_url)
    async with BotClient(FakeAssistant(), experiments=desk, operators=(str(OPERATOR),), grace_s=0.3) as made:
        made._connection.guild_ready_timeout = 0.05
        session = asyncio.create_task(made.start(server.token))
        await server.ready()
        yield made
        await made.close()
        await asyncio.wait_for(session, 10)


pytestmark = pytest.mark.usefixtures("client")


async def test_the_picture_is_attached_to_the_embed_that_shows_it_with_its_words(server: FakeDiscord) -> None:
    call = await server.slash("experiment", name="trimming")
    await finished(server, call)
    message = call.original
    assert message is not None
    assert message.flags & EPHEMERAL
    assert [name for name, data in message.files.items() if data.startswith(PNG)] == ["trimming.png"]
    assert message.embeds[-1]["image"]["url"] == "attachment://trimming.png"
    assert "Now: candidate +0.02" in message.alt["trimming.png"]


async def test_a_reply_whose_answer_was_lost_is_sent_again_with_its_picture(server: FakeDiscord) -> None:
    server.cut_connection("PATCH", "@original", times=1)
    call = await server.slash("experiment", name="trimming")
    await finished(server, call)
    assert call.original is not None
    assert call.original.files["trimming.png"].startswith(PNG)


async def test_a_reply_without_a_picture_has_no_file(server: FakeDiscord) -> None:
    call = await server.slash("experiments")
    assert "canary since" in await finished(server, call)
    assert call.original is not None
    assert call.original.files == {}


async def test_who_runs_the_bot_promotes_by_a_button_and_nobody_else(
    server: FakeDiscord, desk: FakeExperiments
) -> None:
    call = await server.slash("experiment", name="trimming", action="promote", user_id=MEMBER_ID)
    assert "for those alone who run this bot" in await finished(server, call)
    assert desk.calls == []
    call = await server.slash("experiment", name="trimming", action="promote", user_id=OPERATOR)
    await server.until(lambda: call.original is not None and call.original.components)
    assert call.original is not None
    await server.press(call.original, "agree", user_id=OPERATOR)
    await server.until(lambda: call.original is not None and "everybody" in call.original.text.casefold())
    await server.until(lambda: desk.calls[-1][0] == "promote")
    assert desk.calls[-1] == ("promote", "trimming", str(OPERATOR), "", "")


async def test_flags_are_those_of_the_server_that_it_is_used_in(server: FakeDiscord, desk: FakeExperiments) -> None:
    call = await server.slash("flags", feature="semantic_cache", value="on", permissions=MANAGE_GUILD)
    assert "on here, else off" in await finished(server, call)
    assert list(desk.own) == [(str(GUILD_ID), "semantic_cache")]


async def test_names_are_completed_as_they_are_typed(server: FakeDiscord) -> None:
    call = await server.autocomplete("experiment", "name", "rim")
    await server.until(lambda: call.answered_with == CHOICES)
    assert [choice["value"] for choice in call.choices] == ["trimming"]


async def test_the_console_is_the_operators_and_says_what_the_picture_shows(desk: FakeExperiments) -> None:
    typed = (
        "/experiment trimming\n/experiment trimming action=promote\n/experiment trimming action=promote confirm=yes\n"
    )
    out = io.StringIO()
    console = Console(file=out, width=200)
    lines = StreamLines(io.StringIO(typed))
    await run_console(FakeAssistant(), experiments=desk, console=console, lines=lines)
    shown = out.getvalue()
    assert "[picture: Gain of quality in trimming" in shown
    assert "Promote trimming?" in shown
    assert [call[0] for call in desk.calls] == ["show", "show", "show", "promote"]


def test_a_pictures_name_and_words_are_made_fit_for_discord() -> None:
    page = Page((line("text"),), picture=Picture("A/b c", PNG, "x" * 2_000 + " @everyone\n\x1b[31m"))
    (embed,) = embeds(page)
    (file,) = files(page, embed)
    assert (file.filename, embed.image.url) == ("a_b_c.png", "attachment://a_b_c.png")
    assert file.description is not None
    assert len(file.description) <= MAX_ALT
    assert files(page, embed)[0].fp.read() == PNG


def test_of_a_long_page_the_last_embed_has_the_picture() -> None:
    page = Page(tuple(line("word " * 60) for _ in range(40)), picture=Picture("p", PNG, "words"))
    made = embeds(page)
    assert len(made) > 1
    assert [len(files(page, embed)) for embed in made] == [0] * (len(made) - 1) + [1]
