"""/backfill: bring in what is missing of a followed channel's past, and report what became of every upload."""

import asyncio
import time
from collections.abc import AsyncIterator

from bot.arguments import WholeNumber
from bot.command import Call, Command
from bot.followed_channels import CHANNEL, shown
from bot.page import Page, Progress
from bot.render_following import progress
from core.following import Followed
from core.results import Ok

BACK = WholeNumber("back", "How many days back; 0 only reports. A year if left out.", high=20_000, default=365)
LOOK_EVERY_S = 3.0
WATCH_S = 180.0


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    result = await call.curator.backfill(call.tenant, call[CHANNEL], call[BACK])
    ends_at = time.monotonic() + (WATCH_S if call[BACK] else 0.0)
    while isinstance(result, Ok) and _goes_on(result.data) and time.monotonic() < ends_at:
        yield progress(result.data)
        await asyncio.sleep(LOOK_EVERY_S)
        seen = await call.curator.backfill(call.tenant, result.data.channel.url, 0)
        if not isinstance(seen, Ok):
            break
        result = seen
    yield shown(result, _told(result.data) if isinstance(result, Ok) else "", time.time())


def _told(value: Followed) -> str:
    if value.paused:
        return "it rests until /resume"
    return "it goes on by itself, see /following" if _goes_on(value) else "every upload is accounted for"


def _goes_on(value: Followed) -> bool:
    report = value.completeness
    return not value.paused and (report.waiting > 0 or not report.listing_done)


COMMAND = Command(
    "backfill", "Bring in what is missing of a followed channel, and report.", run, (CHANNEL, BACK), moderators=True
)
