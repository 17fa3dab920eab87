"""/status: what is there, and whether everything works."""

import asyncio
from collections.abc import AsyncIterator

from bot import render
from bot.command import Call, Command
from bot.page import Page, Progress


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    library, health = await asyncio.gather(call.assistant.library(call.tenant), call.assistant.health())
    yield render.status(library, health)


COMMAND = Command("status", "Show which talks can be asked about, and whether every part works.", run)
