"""News of followed channels, posted on Discord: each once, whatever goes wrong on the way."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

import discord

from bot.discord_markdown import web_address
from bot.embeds import one_embed
from bot.render_announcement import announcement as page
from core.following import Announcement
from core.ports import Announcer
from core.retrying import full_jitter_s

_log = logging.getLogger(__name__)
T = TypeVar("T")

NEXT_WAIT_S = 20.0
AT_ONCE = 4
TRIES = 6
_BASE_S, _CAP_S = 1.0, 60.0
# As many as Discord gives in one answer.
LOOK_BACK = 100
REMEMBERED = 10_000
# What another try does not change: the post, the channel or the permission is wrong.
_FOR_GOOD = (400, 403, 404)


class Announcing:
    """Takes announcements and posts them, a few at a time, so that one slow channel holds up no other.

    Each is confirmed once Discord has it. Where that cannot be known (a broken connection, a restart), the channel's
    last messages are searched for it before it is posted again, and for some minutes the nonce keeps it one. What
    Discord would not take for now is left unconfirmed after `tries`, and comes again. It is never posted outside of its
    own server.
    """

    def __init__(
        self,
        announcer: Announcer,
        client: discord.Client,
        *,
        base_s: float = _BASE_S,
        tries: int = TRIES,
        rng: Random | None = None,
    ) -> None:
        self._announcer = announcer
        self._client = client
        self._base_s = base_s
        self._tries = tries
        self._rng = rng or Random()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._standing: dict[str, None] = {}
        self._taking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin as soon as the client knows its servers."""
        self._taking = asyncio.create_task(self._take())

    async def stop(self, grace_s: float) -> None:
        """Take no more; those under way have `grace_s`. What is cut off comes again."""
        if self._taking is not None:
            self._taking.cancel()
            await asyncio.wait({self._taking})
        if self._under_way:
            await asyncio.wait(set(self._under_way.values()), timeout=grace_s)
        left = set(self._under_way.values())
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    async def _take(self) -> None:
        await self._client.wait_until_ready()
        failures = 0
        while True:
            if len(self._under_way) >= AT_ONCE:
                await asyncio.wait(set(self._under_way.values()), return_when=asyncio.FIRST_COMPLETED)
                continue
            given, error = await _outcome(self._announcer.next(NEXT_WAIT_S))
            failures = failures + 1 if error is not None else 0
            if error is not None:
                _log.warning("No announcements can be had: %s", error)
                await self._pause(failures)
            elif given is not None and given.announcement_id in self._under_way:
                # It was given out again though we are at it: do not spin.
                await asyncio.wait({self._under_way[given.announcement_id]}, timeout=self._base_s)
            elif given is not None:
                self._under_way[given.announcement_id] = asyncio.create_task(self._deliver(given))

    async def _deliver(self, announcement: Announcement) -> None:
        name = announcement.announcement_id
        try:
            # A confirmation may get lost: what comes again is confirmed again, whether the history can be read or not.
            if name not in self._standing:
                refusal = await self._persist(lambda again: self._post(announcement, again), announcement)
                if refusal is None:
                    return
                if refusal:
                    _log.warning("Announcement %s cannot be posted: %s", name, refusal)
                    await self._persist(lambda _: self._announcer.refused(name, refusal), announcement)
                    return
                self._remember(name)
            await self._persist(lambda _: self._announcer.posted(name), announcement)
        finally:
            del self._under_way[name]

    def _remember(self, name: str) -> None:
        self._standing[name] = None
        while len(self._standing) > REMEMBERED:
            del self._standing[next(iter(self._standing))]

    async def _persist(self, work: Callable[[bool], Awaitable[T]], announcement: Announcement) -> T | None:
        """What `work` returns; tried again, and told so, while it raises. None where it never worked."""
        for attempt in range(self._tries):
            result, error = await _outcome(work(attempt > 0))
            if error is None:
                return result
            _log.warning("Announcement %s, try %d: %r", announcement.announcement_id, attempt + 1, error)
            if attempt + 1 < self._tries:
                await self._pause(attempt)
        _log.error("Announcement %s is left for later.", announcement.announcement_id)
        return None

    async def _pause(self, attempt: int) -> None:
        await asyncio.sleep(full_jitter_s(attempt, base_s=self._base_s, cap_s=_CAP_S, rng=self._rng))

    # ------------------------------------------------------------ one post
    async def _post(self, announcement: Announcement, again: bool) -> str:
        """Post it, unless it stands there: "", or why it can never be posted. Raises what may pass."""
        try:
            room = await self._room(announcement)
            if isinstance(room, str):
                return room
            embed = one_embed(page(announcement))
            if not ((again or announcement.repeated) and await self._stands(room, embed)):
                await room.send(embed=embed, nonce=nonce(announcement), allowed_mentions=discord.AllowedMentions.none())
        except discord.HTTPException as error:
            if error.status in _FOR_GOOD:
                return f"Discord refuses it: {error.text or error.status} (error {error.code})."
            raise
        return ""

    async def _room(self, announcement: Announcement) -> discord.abc.Messageable | str:
        """Where to post it; or why nowhere."""
        if not announcement.channel.isdecimal():
            return "It names no channel of Discord."
        number = int(announcement.channel)
        # What the cache does not know: a thread that rests, a channel that was deleted, a server that was left.
        found = self._client.get_channel(number) or await self._client.fetch_channel(number)
        guild = getattr(found, "guild", None)
        if guild is None or str(guild.id) != announcement.tenant:
            return "The channel belongs to another server."
        if not isinstance(found, discord.abc.Messageable):
            return "Messages cannot be written in that channel."
        return found

    async def _stands(self, room: discord.abc.Messageable, embed: discord.Embed) -> bool:
        """Whether we have posted it here lately. Where the history may not be read, the nonce has to do."""
        wanted = _mark(embed)
        try:
            async for message in room.history(limit=LOOK_BACK):
                ours = self._client.user is not None and message.author.id == self._client.user.id
                if ours and any(_mark(posted) == wanted for posted in message.embeds):
                    return True
        except discord.Forbidden:
            _log.info("The history of channel %s may not be read.", room)
        return False


def nonce(announcement: Announcement) -> str:
    """At most 25 characters, as Discord takes; the same for the same announcement in the same channel."""
    name = f"{announcement.tenant}\n{announcement.channel}\n{announcement.announcement_id}"
    return hashlib.sha256(name.encode()).hexdigest()[:25]


def _mark(embed: discord.Embed) -> str:
    """What tells an announcement from others: the address, or the title where it has none."""
    return web_address(embed.url) if embed.url else f"title {embed.title}"


async def _outcome(work: Awaitable[T]) -> tuple[T | None, BaseException | None]:
    """What became of `work`: its result, or what it raised. Cancelling this cancels it."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
    if task.cancelled():
        return None, asyncio.CancelledError()
    error = task.exception()
    return (None, error) if error is not None else (task.result(), None)
