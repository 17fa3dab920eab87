"""/quota: what the person and their server may still do."""

from collections.abc import AsyncIterator

from bot import render_usage
from bot.command import Call, Command
from bot.page import Page, Progress


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    yield render_usage.quota(await call.assistant.quota(call.tenant))


COMMAND = Command("quota", "Show what you and this server may still do, and when limits are whole again.", run)
