"""/following: every followed channel, and how complete it is."""

import time
from collections.abc import AsyncIterator

from bot import errors, render_following
from bot.command import Call, Command
from bot.page import Page, Progress
from core.results import Ok


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    result = await call.curator.following(call.tenant)
    yield render_following.following(result.data, time.time()) if isinstance(result, Ok) else errors.page(result)


COMMAND = Command("following", "Show the followed channels: what is here, what waits, what was left out and why.", run)
