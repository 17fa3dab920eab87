"""/cache: what the answer cache of this server does, how often it was wrong, and what it saved."""

from collections.abc import AsyncIterator

from bot import render_cache
from bot.command import Call, Command
from bot.page import Page, Progress
from core.answer_cache_ports import CacheReports
from core.errors import Unavailable


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    if not isinstance(call.assistant, CacheReports):
        raise Unavailable("The answer cache", "This bot was started without it: tell the people who run it.")
    yield render_cache.report(await call.assistant.answer_cache(call.tenant))


COMMAND = Command(
    "cache",
    "Show what the answer cache does, how often it was wrong and what it saved.",
    run,
    moderators=True,
    private=True,
)
