"""Announcements for tests, and what starts to post them."""

from collections.abc import Callable
from dataclasses import replace

from bot.announcing import Announcing
from core.following import Announcement, Chapter
from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.discord import CHANNEL_ID, GUILD_ID

Start = Callable[[FakeAnnouncer], Announcing]

NEWS = Announcement(
    "news-1",
    str(GUILD_ID),
    str(CHANNEL_ID),
    "https://www.youtube.com/watch?v=abcdefghijk",
    "Brewing tea",
    "Ada Example",
    3_725.0,
    (("Green tea wants cooler water.", 754.2),),
    (Chapter(0.0, "Water"), Chapter(700.0, "Leaves")),
    ("tea", "water"),
)


def numbered(number: int, *, tenant: int | str = GUILD_ID, channel: int = CHANNEL_ID) -> Announcement:
    """One of many: its own id and address."""
    name, url = f"news-{number}", f"https://talks.example/{number}"
    return replace(NEWS, announcement_id=name, tenant=str(tenant), channel=str(channel), url=url)
