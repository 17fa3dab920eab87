"""/status: what is there, and whether everything works."""

import asyncio
from collections.abc import AsyncIterator

from bot import render
from bot.command import Call, Command
from bot.page import Page, Progress
from core.errors import Unavailable
from core.messages import Library


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    library, health = await asyncio.gather(_library(call), call.assistant.health())
    yield render.status(library, health)


async def _library(call: Call) -> Library:
    """What there is to ask about; nothing where the store is down, which the health beside it tells."""
    try:
        return await call.assistant.library(call.tenant)
    except Unavailable:
        return Library()


COMMAND = Command("status", "Show which talks can be asked about, and whether every part works.", run)
