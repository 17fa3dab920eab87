"""/health: whether each part works, and why not."""

from collections.abc import AsyncIterator

from bot import render
from bot.command import Call, Command
from bot.page import Page, Progress


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    yield render.health(await call.assistant.health())


COMMAND = Command("health", "Show whether every part of the bot works, and why not.", run)
