"""/follow: a channel, playlist or feed, from now on and with its past."""

import time
from collections.abc import AsyncIterator

from bot.arguments import DiscordChannel, Link, Phrases, Several, WholeNumber
from bot.command import Call, Command
from bot.followed_channels import shown
from bot.page import Page, Progress
from core.following import FollowRequest
from core.uploads import ALL_KINDS

URL = Link("url", "Link to a channel, a playlist or a feed.", required=True)
KINDS = Several("kinds", "Which uploads; all of them if left out.", options=tuple(f"{kind}s" for kind in ALL_KINDS))
BACK = WholeNumber("back", "How many days of its past to bring in; a year if left out.", high=20_000, default=365)
ANNOUNCE = DiscordChannel("announce", "Where to post new uploads; nowhere if left out.")
ONLY = Phrases("only", "Words of which a title must have one, between commas.")
WITHOUT = Phrases("without", "Words that no title may have, between commas.")


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    wanted = call[KINDS]
    request = FollowRequest(
        call.tenant,
        call[URL],
        tuple(kind for kind in ALL_KINDS if f"{kind}s" in wanted),
        call[BACK],
        call[ANNOUNCE] or call.news_channel,
        call[ONLY],
        call[WITHOUT],
    )
    yield shown(await call.curator.follow(request), "followed", time.time())


COMMAND = Command(
    "follow",
    "Follow a channel, a playlist or a feed: its past, and everything new.",
    run,
    (URL, KINDS, BACK, ANNOUNCE, ONLY, WITHOUT),
    moderators=True,
)
