"""What people read when something goes wrong: the one table from an exception or a Fail to a sentence.

Each text says what happened and what to do. What nobody foresaw is logged under a number, and the number is shown.
"""

import asyncio
import logging
import math
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import discord

from bot.page import Page, Tone, line
from bot.plain_text import one_line, shorten
from core.errors import (
    BadInput,
    DeadlineExceeded,
    Fenced,
    JournalUnreadable,
    NotReadable,
    RateLimited,
    StartupFailed,
    TenantRequired,
    Unavailable,
)
from core.results import ErrorCategory, Fail, Skip

_log = logging.getLogger(__name__)

_AGAIN = "Try again in a minute; if it stays so, tell the people who run this bot."
_TOKEN_ADVICE = (
    "Copy the token again (discord.com/developers, your application, Bot, Reset Token), put it into DISCORD_TOKEN "
    "and start the bot again."
)

_SENTENCES: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
    (TenantRequired, lambda error: f"{error.problem} Use the command in a server's channel."),
    (BadInput, str),
    (NotReadable, str),
    (RateLimited, str),
    (Fenced, lambda error: f"{error.part} is just being moved. Try again in a moment."),
    (DeadlineExceeded, lambda error: f"{error.part} did not answer in time. {error.advice or _AGAIN}"),
    (Unavailable, lambda error: str(error) if error.advice else f"{error} {_AGAIN}"),
    (JournalUnreadable, lambda error: f"{error.problem} Tell the people who run this bot: {error.advice}"),
    (StartupFailed, str),
    (
        discord.Forbidden,
        lambda _: (
            "Discord does not let the bot write here. Ask a moderator to give it the permissions "
            "View Channel, Send Messages and Embed Links in this channel."
        ),
    ),
    (discord.RateLimited, lambda error: f"Discord asks us to wait {error.retry_after:.0f} s. Try again then."),
    (discord.HTTPException, lambda error: f"Discord did not take the answer (error {error.code}). {_AGAIN}"),
    (TimeoutError, lambda _: f"That took too long and was given up. {_AGAIN}"),
    (asyncio.CancelledError, lambda _: "This was stopped before it was done. Send the command again in a minute."),
)

_FAIL_ADVICE: dict[ErrorCategory, str] = {
    ErrorCategory.BAD_INPUT: "",
    ErrorCategory.REFUSED: "",
    ErrorCategory.NOT_FOUND: "Look at /status for what there is.",
    ErrorCategory.RATE_LIMITED: "Try again in a moment.",
    ErrorCategory.TIMEOUT: _AGAIN,
    ErrorCategory.UPSTREAM: _AGAIN,
    ErrorCategory.INTERNAL: _AGAIN,
}
_INPUT = (ErrorCategory.BAD_INPUT, ErrorCategory.REFUSED)


def sentence(problem: BaseException | Fail | Skip) -> str:
    """What happened and what to do; for an error that is not in the table, a sentence with a number that is logged."""
    if isinstance(problem, Skip):
        return problem.reason
    if isinstance(problem, Fail):
        return _fail_sentence(problem)
    for kind, say in _SENTENCES:
        if isinstance(problem, kind):
            return say(problem).strip()
    incident = secrets.token_hex(4)
    _log.error("Incident %s", incident, exc_info=problem)
    return (
        "Something went wrong that we did not foresee. Try again; if it happens again, tell the people who run this "
        f"bot, with the number {incident}."
    )


def _fail_sentence(fail: Fail) -> str:
    if fail.retry_after_s is not None:
        return f"{fail.message} Try again in {max(1, math.ceil(fail.retry_after_s))} s."
    if fail.category is ErrorCategory.RATE_LIMITED and not fail.retryable:
        return fail.message  # it says what to do, and that is not to wait
    return f"{fail.message} {_FAIL_ADVICE[fail.category]}".strip()


def page(problem: BaseException | Fail | Skip) -> Page:
    """The sentence as a page, with the tone of somebody's bad input, of nothing to do, or of our problem."""
    if isinstance(problem, Skip):
        tone = Tone.NOTHING
    elif isinstance(problem, BadInput) or (isinstance(problem, Fail) and problem.category in _INPUT):
        tone = Tone.BAD_INPUT
    else:
        tone = Tone.PROBLEM
    return Page((line(sentence(problem)),), tone=tone)


async def page_of(work: asyncio.Future[Page]) -> Page:
    """The page that `work` makes, or the one that says how it ended. Cancelling this cancels the work."""
    try:
        await asyncio.wait({work})
    finally:
        work.cancel()
    if work.cancelled():
        return page(asyncio.CancelledError())
    error = work.exception()
    return work.result() if error is None else page(error)


# ---------------------------------------------------------------- refusals of the bot itself
def empty(name: str) -> BadInput:
    return BadInput(f"The {name} is empty.", f"Write the {name} after the command.")


def too_long(name: str, chars: int, limit: int) -> BadInput:
    return BadInput(f"The {name} has {chars:,} characters; at most {limit:,} are read.", f"Shorten the {name}.")


def control_characters(name: str) -> BadInput:
    return BadInput(
        f"The {name} holds control characters, which are not text.", "Type it, or paste it from a text editor."
    )


def too_many(name: str, number: int, limit: int) -> BadInput:
    return BadInput(f"The {name} holds {number:,} phrases; at most {limit} are read.", "Leave some out.")


def not_an_option(name: str, chosen: str, options: Sequence[str]) -> BadInput:
    return BadInput(f"“{_shown(chosen)}” is nothing that {name} can be.", f"Choose from: {', '.join(options)}.")


def not_in_range(name: str, typed: str, low: int, high: int) -> BadInput:
    return BadInput(f"“{_shown(typed)}” is nothing that {name} can be.", f"Write a whole number from {low} to {high}.")


def not_an_id(name: str, typed: str) -> BadInput:
    return BadInput(f"“{_shown(typed)}” is nothing that {name} can be.", "Choose it from the list, or write its id.")


def unknown_argument(command: str, name: str, known: Sequence[str]) -> BadInput:
    advice = f"It takes {', '.join(f'{each}=…' for each in known)}; put quotation marks around text that holds a =."
    return BadInput(f"/{command} takes nothing that is called {_shown(name)}.", advice)


def given_twice(name: str) -> BadInput:
    return BadInput(f"The {name} is given twice.", f"Write {name}=… once.")


def one_of(first: str, second: str) -> BadInput:
    return BadInput(f"Name either {first} or {second}.", f"Leave out one of them: {first}=… or {second}=….")


def open_quotation() -> BadInput:
    return BadInput("A quotation mark is not closed.", 'Write " on both sides.')


def needs_moderator(what: str) -> BadInput:
    return BadInput(
        f"{what} for those alone who may manage this server.", "Ask a moderator who has the permission Manage Server."
    )


def needs_operator(what: str) -> BadInput:
    return BadInput(
        f"{what} for those alone who run this bot: it concerns every server.",
        "Switch a feature on or off for this server with /flags, or ask them.",
    )


def _shown(typed: str) -> str:
    return shorten(one_line(typed), 40)


def takes_nothing(name: str) -> BadInput:
    return BadInput(f"/{name} takes nothing after its name.", f"Type /{name} alone.")


def unknown_command(name: str) -> BadInput:
    return BadInput(f"There is no command /{name}.", "Type /help for the commands.")


def needs_server() -> BadInput:
    return BadInput(
        "Sorry, this does not work in direct messages: each server has talks of its own.",
        "Use the command in a channel of your server.",
    )


def cannot_write(name: str) -> BadInput:
    return BadInput(
        f"The bot may not write in the channel that {name} names.",
        "Give it the permissions View Channel, Send Messages and Embed Links there, or choose another.",
    )


def no_curator() -> Unavailable:
    return Unavailable("Following channels", "This bot was started without it: tell the people who run it.")


def no_feature(name: str) -> BadInput:
    return BadInput(f"There is no feature “{_shown(name)}” that a server may switch.", "See /flags for all of them.")


def no_experiments() -> Unavailable:
    return Unavailable("Experiments", "This bot was started without them: tell the people who run it.")


def no_report() -> Unavailable:
    return Unavailable("The report on what was brought in", "See /status for what arrived; the link can be sent again.")


# ---------------------------------------------------------------- start
def discord_startup(error: BaseException) -> StartupFailed | None:
    """Why the bot cannot be on Discord; None for an error that is not about starting."""
    if isinstance(error, discord.LoginFailure) or (isinstance(error, discord.ConnectionClosed) and error.code == 4004):
        return StartupFailed("Discord refused the token.", _TOKEN_ADVICE)
    if isinstance(error, discord.PrivilegedIntentsRequired):
        return StartupFailed(
            "Discord refused the bot's intents.", "The bot asks for none that need approval: update it."
        )
    if isinstance(error, discord.ConnectionClosed):
        return StartupFailed(
            f"Discord closed the connection for good (code {error.code}).", "Start the bot again later."
        )
    if isinstance(error, discord.HTTPException):
        return StartupFailed(
            f"Discord refused the start (HTTP {error.status}, error {error.code}).",
            "See discordstatus.com; if Discord is well, invite the bot again with the scope applications.commands.",
        )
    # discord.py lets its HTTP library's errors through, and only some of those are OSErrors.
    of_the_connection = type(error).__module__.partition(".")[0] == "aiohttp"
    if of_the_connection or isinstance(error, OSError | discord.GatewayNotFound):
        return StartupFailed("Discord cannot be reached.", f"Check this machine's network. ({type(error).__name__})")
    return None
