"""/pause: let a followed channel rest."""

import time
from collections.abc import AsyncIterator

from bot.command import Call, Command
from bot.followed_channels import CHANNEL, shown
from bot.page import Page, Progress


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    yield shown(await call.curator.pause(call.tenant, call[CHANNEL]), "paused", time.time())


COMMAND = Command("pause", "Let a followed channel rest until /resume.", run, (CHANNEL,), moderators=True)
