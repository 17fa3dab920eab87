"""The bot that posts, on a Discord that is a file: every post is a line in it, and who posts may end beside it."""

import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import discord
import msgspec

from actors.announcer import Announcer
from bot.announcing import Announcing
from tests.chaos.fuses import Fuses
from tests.chaos.ingest_points import Post

# Discord knows a nonce again for some minutes.
NONCE_S = 20.0
US = SimpleNamespace(id=1)


class Posted(msgspec.Struct, frozen=True):
    """A message that stands in a room."""

    room: str
    url: str
    nonce: str
    at: float


class Discord:
    """All messages of all rooms, kept in a file."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder, "discord")

    def all(self) -> Sequence[Posted]:
        """What was posted, oldest first."""
        text = self._path.read_text() if self._path.exists() else ""
        return [msgspec.json.decode(line, type=Posted) for line in text.splitlines()]

    def post(self, room: str, url: str, nonce: str) -> None:
        """Post, unless the same nonce was posted in the room just now."""
        now = time.time()
        if any(it.room == room and it.nonce == nonce and now - it.at < NONCE_S for it in self.all()):
            return
        line = json.dumps({"room": room, "url": url, "nonce": nonce, "at": now}) + "\n"
        writing = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(writing, line.encode())
        os.close(writing)


class Room(discord.abc.Messageable):
    """A channel of a guild."""

    def __init__(self, where: Discord, number: int, fuses: Fuses) -> None:
        self._where, self._number, self._fuses = where, number, fuses
        self._rng = Random()
        # Each guild has one room, numbered as it is.
        self.guild = SimpleNamespace(id=number)

    async def send(self, *, embed: discord.Embed, nonce: str, **_: Any) -> None:  # type: ignore[override]
        """Post; now and then the connection breaks before the answer is there."""
        self._fuses(Post.WRITING)
        self._where.post(str(self._number), embed.url or "", nonce)
        self._fuses(Post.POSTED)
        if self._rng.random() < 0.05:
            raise OSError("The connection broke.")

    async def history(self, *, limit: int | None = 100, **_: Any) -> AsyncIterator[Any]:
        """The last messages, newest first."""
        for it in [it for it in reversed(self._where.all()) if it.room == str(self._number)][:limit]:
            yield SimpleNamespace(author=US, embeds=[discord.Embed(url=it.url)])


class Client:
    """As much of a Discord client as announcing needs."""

    user = US

    def __init__(self, folder: str) -> None:
        self._where, self._fuses = Discord(folder), Fuses(f"{folder}/Poster")

    async def wait_until_ready(self) -> None:
        pass

    def get_channel(self, number: int) -> Room:
        return Room(self._where, number, self._fuses)


class Poster:
    """Posts what the announcer gives out, as the bot does. It keeps nothing."""

    def __init__(self, folder: str, announcer: Announcer) -> None:
        self._announcing: Announcing | None = None
        self._folder, self._announcer = folder, announcer

    async def go_on(self) -> None:
        """Begin, where it has not begun."""
        if self._announcing is None:
            client = cast(discord.Client, Client(self._folder))
            self._announcing = Announcing(self._announcer, client, base_s=0.2)
            self._announcing.start()
