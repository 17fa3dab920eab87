"""/unfollow: look for no more news of a channel."""

import time
from collections.abc import AsyncIterator

from bot.command import Call, Command
from bot.followed_channels import CHANNEL, shown
from bot.page import Page, Progress


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    yield shown(
        await call.curator.unfollow(call.tenant, call[CHANNEL]), "followed no more; what is here stays", time.time()
    )


COMMAND = Command("unfollow", "Follow a channel no more; what was brought in stays.", run, (CHANNEL,), moderators=True)
