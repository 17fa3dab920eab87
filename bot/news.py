"""News of followed channels in the console, where there is no Discord to post it on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.page import Page
from bot.render_announcement import announcement as page
from core.errors import BotError
from core.ports import Announcer

_log = logging.getLogger(__name__)

NEXT_WAIT_S = 20.0
AGAIN_AFTER_S = 10.0


@asynccontextmanager
async def shown_news(
    announcer: Announcer | None, tenant: str, show: Callable[[Page], None]
) -> AsyncIterator[asyncio.Event]:
    """While entered, each announcement to `tenant` is shown once the event that this gives is set.

    Those to others stay unconfirmed: they are for Discord. What ends the news unforeseen is raised at the end.
    """
    idle = asyncio.Event()
    if announcer is None:
        yield idle
        return
    showing = asyncio.create_task(_show(announcer, tenant, show, idle))
    try:
        yield idle
    finally:
        showing.cancel()
        await asyncio.wait({showing})
    if not showing.cancelled():
        showing.result()


async def _show(announcer: Announcer, tenant: str, show: Callable[[Page], None], idle: asyncio.Event) -> None:
    while True:
        try:
            given = await announcer.next(NEXT_WAIT_S)
            if given is None:
                continue
            if given.tenant != tenant:
                await asyncio.sleep(AGAIN_AFTER_S)
                continue
            await idle.wait()
            show(page(given))
            await announcer.posted(given.announcement_id)
        except (BotError, OSError) as error:
            _log.warning("News cannot be shown now: %s", error)
            await asyncio.sleep(AGAIN_AFTER_S)
