"""/resume: go on with a channel that rests."""

import time
from collections.abc import AsyncIterator

from bot.command import Call, Command
from bot.followed_channels import CHANNEL, shown
from bot.page import Page, Progress


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    yield shown(await call.curator.resume(call.tenant, call[CHANNEL]), "resumed", time.time())


COMMAND = Command("resume", "Go on with a followed channel that was paused.", run, (CHANNEL,), moderators=True)
