"""One table from every error to a sentence that says what happened and what to do."""

import asyncio
import logging

import aiohttp
import discord
import pytest

from bot import errors
from bot.page import Page, Tone, line
from core import errors as tree
from core.results import ErrorCategory, Fail, Skip
from core.source_states import SourceState
from core.stages import failure


class Response:
    """As much of an HTTP response as discord.py's exceptions look at."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.reason = "made up"


def http_error(kind: type[discord.HTTPException], status: int, code: int) -> discord.HTTPException:
    return kind(Response(status), {"code": code, "message": "made up"})  # type: ignore[arg-type]  # stands in for aiohttp


KNOWN: list[BaseException] = [
    tree.BadInput("The link is none.", "Send a link."),
    tree.RefusedUrl("10.0.0.1 is private.", "Send a public address."),
    tree.UnreadableCaptions("The captions are a web page.", "Look at the link."),
    tree.TenantRequired("The call names no tenant.", "Pass it."),
    tree.Unavailable("The store"),
    tree.Unavailable("The store", "Start it."),
    tree.DeadlineExceeded("The model"),
    tree.DeadlineExceeded("The model", "Ask less."),
    tree.NotReadable(SourceState.PRIVATE, "tube.example does not show that to everyone.", "Ask its owner."),
    tree.RateLimited("You ask too much at once.", 2.0),
    tree.RateLimited("This server may ask nothing.", None),
    tree.Busy("The ledger", 3.2),
    tree.Fenced("The ledger"),
    tree.Fenced("The ledger", "It was reloaded; try again."),
    tree.WriteFailed("The data folder", "Free some space."),
    tree.WriteFailed("The data folder"),
    tree.JournalUnreadable("Its stream has a gap.", "Restore it from a backup."),
    tree.StartupFailed("Port 8000 is taken.", "Set API_PORT."),
    http_error(discord.Forbidden, 403, 50013),
    http_error(discord.HTTPException, 500, 0),
    discord.RateLimited(7.0),
    TimeoutError(),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("error", KNOWN, ids=lambda error: type(error).__name__)
def test_a_known_error_is_a_sentence_with_advice(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    said = errors.sentence(error)
    assert said.endswith(".")
    assert said.count(". ") + said.count("; ") >= 1, "what happened, and what to do"
    assert "Traceback" not in said
    assert caplog.records == []


def test_every_error_of_the_tree_is_in_the_table() -> None:
    def below(kind: type[BaseException]) -> set[type[BaseException]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    ours = {kind for kind in below(tree.BotError) if kind.__module__ == "core.errors"} - {tree.BotError}
    assert ours <= {type(error) for error in KNOWN}


def test_an_unforeseen_error_is_logged_under_the_number_that_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        said = errors.sentence(ZeroDivisionError("secret detail"))
    (record,) = caplog.records
    number = record.getMessage().split()[-1]
    assert number in said
    assert "secret detail" not in said
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)


def test_two_incidents_have_two_numbers() -> None:
    assert errors.sentence(ZeroDivisionError()) != errors.sentence(ZeroDivisionError())


@pytest.mark.parametrize("category", ErrorCategory)
def test_every_category_of_failure_is_a_sentence(category: ErrorCategory) -> None:
    page = errors.page(Fail(category, "It did not work."))
    assert page.lines[0].spans[0].text.startswith("It did not work.")
    mine = category in (ErrorCategory.BAD_INPUT, ErrorCategory.REFUSED)
    assert page.tone is (Tone.BAD_INPUT if mine else Tone.PROBLEM)


def test_a_failure_with_a_time_says_when_to_try_again() -> None:
    assert errors.sentence(Fail(ErrorCategory.RATE_LIMITED, "Too fast.", True, 0.2)) == "Too fast. Try again in 1 s."


def test_a_wait_is_told_once_and_not_where_it_is_no_use() -> None:
    for limited in (tree.RateLimited("Too fast.", 3.0), Fail(ErrorCategory.RATE_LIMITED, "Too fast.", True, 3.0)):
        assert errors.sentence(limited) == "Too fast. Try again in 3 s."
    assert errors.sentence(failure(tree.Busy("Shard 1", 3.0))) == "Shard 1 has too much to do. Try again in 3 s."
    shut = "This server may ask nothing. Ask the people who run this bot for more."
    for closed in (tree.RateLimited("This server may ask nothing.", None), Fail(ErrorCategory.RATE_LIMITED, shut)):
        assert errors.sentence(closed) == shut


def test_tones_tell_whose_problem_it_is() -> None:
    assert errors.page(tree.RefusedUrl("x", "y")).tone is Tone.BAD_INPUT
    assert errors.page(tree.Unavailable("x")).tone is Tone.PROBLEM
    assert errors.page(Skip("Nothing to do.")).tone is Tone.NOTHING


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (discord.LoginFailure("x"), "Discord refused the token."),
        (discord.PrivilegedIntentsRequired(None), "intents"),
        (http_error(discord.DiscordServerError, 503, 0), "HTTP 503"),
        (aiohttp.ClientConnectionResetError("x"), "cannot be reached"),
        (OSError("x"), "cannot be reached"),
        (aiohttp.ServerDisconnectedError("x"), "cannot be reached"),
        (discord.GatewayNotFound(), "cannot be reached"),  # type: ignore[no-untyped-call]  # untyped there
    ],
)
def test_a_start_that_fails_says_why(error: Exception, said: str) -> None:
    failed = errors.discord_startup(error)
    assert failed is not None
    assert said in failed.problem
    assert failed.advice


def test_an_error_that_is_not_about_starting_is_left_alone() -> None:
    assert errors.discord_startup(ValueError("x")) is None


# ---------------------------------------------------------------- page_of
PAGE = Page((line("done"),))


async def made(page: Page) -> Page:
    return page


async def raising() -> Page:
    raise tree.Unavailable("The store")


async def forever() -> Page:
    await asyncio.Event().wait()
    raise AssertionError("never")


async def test_page_of_gives_the_page_or_says_how_the_work_ended() -> None:
    assert await errors.page_of(asyncio.ensure_future(made(PAGE))) is PAGE
    assert (await errors.page_of(asyncio.ensure_future(raising()))).tone is Tone.PROBLEM
    work = asyncio.ensure_future(forever())
    asyncio.get_running_loop().call_soon(work.cancel)
    assert "stopped" in (await errors.page_of(work)).lines[0].spans[0].text


async def test_cancelling_the_wait_cancels_the_work() -> None:
    work = asyncio.ensure_future(forever())
    waiting = asyncio.ensure_future(errors.page_of(work))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting, work})
    assert waiting.cancelled()
    assert work.cancelled()
