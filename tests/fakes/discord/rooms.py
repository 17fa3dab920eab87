"""Channels and the messages in them: who may see, write and read back; nonces; threads that rest.

Sources: discord.com/developers/docs: resources/message ("Create Message", "Get Channel Messages"), topics/threads.
"""

import json
from collections.abc import Callable

from aiohttp import web

from tests.fakes.discord import answers, limits
from tests.fakes.discord.answers import answer
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.world import BOT_USER, DM_CHANNEL_ID, Json, Message, dm_channel
from tests.fakes.discord.world import new_id as next_id

# "The past few minutes", says Discord.
NONCE_LIVES_S = 180.0
VIEW, SEND, HISTORY, CONNECT = "view", "send", "history", "connect"


class Rooms:
    """`guilds` has each guild's channels and threads; `forbidden` what the bot may not do, by channel."""

    def __init__(self, guilds: dict[int, list[Json]], messages: dict[int, Message], clock: Callable[[], float]) -> None:
        self._guilds = guilds
        self._messages = messages
        self._clock = clock
        self._nonces: dict[str, tuple[float, Message]] = {}
        self.nonce_lives_s = NONCE_LIVES_S
        self.forbidden: set[tuple[int, str]] = set()

    def routes(self) -> list[web.RouteDef]:
        channel = "/channels/{channel}"
        messages = channel + "/messages"
        return [
            web.get(channel, self._get_channel),
            web.get(messages, self._history),
            web.post(messages, self._post),
            web.patch(messages + "/{message}", self._edit),
            web.delete(messages + "/{message}", self._delete),
        ]

    # ------------------------------------------------------------ channels
    def _channel(self, request: web.Request) -> Json:
        """The channel of a call, with its guild. Raises answers.Refusal where there is none, or it cannot be seen."""
        channel_id = int(request.match_info["channel"])
        if channel_id == DM_CHANNEL_ID:
            return dm_channel()
        for guild_id, channels in self._guilds.items():
            for found in channels:
                if found["id"] == str(channel_id):
                    if (channel_id, VIEW) in self.forbidden:
                        raise answers.missing_access()
                    return {**found, "guild_id": str(guild_id)}
        raise answers.unknown_channel()

    def _may(self, channel: Json, what: str) -> bool:
        return (int(channel["id"]), what) not in self.forbidden

    async def _get_channel(self, request: web.Request) -> web.Response:
        return answer(self._channel(request))

    def _wake(self, channel: Json) -> None:
        """A message takes a thread out of the archive, unless it was locked there."""
        rest = channel.get("thread_metadata", {})
        if rest.get("archived") and rest.get("locked"):
            raise answers.archived_thread()
        if rest.get("archived"):
            rest["archived"] = False

    # ------------------------------------------------------------ messages
    async def _history(self, request: web.Request) -> web.Response:
        """The newest first. Without Read Message History, Discord shows none; a voice channel wants Connect too."""
        channel = self._channel(request)
        if not self._may(channel, CONNECT):
            raise answers.missing_access()
        if not self._may(channel, HISTORY):
            return answer([])
        limit = int(request.query.get("limit", "50"))
        before = int(request.query.get("before", str(2**63)))
        here = [
            message
            for message in self._messages.values()
            if str(message.channel_id) == channel["id"] and not message.deleted and message.message_id < before
        ]
        newest = sorted(here, key=lambda message: -message.message_id)[:limit]
        return answer([message.json() for message in newest])

    async def _post(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        if not self._may(channel, SEND):
            raise answers.missing_permissions()
        payload, files = await checked(request)
        self._wake(channel)
        nonce, now = str(payload.get("nonce")), self._clock()
        # One author has one set of nonces, whatever the channel.
        posted_at, before = self._nonces.get(nonce, (now, None))
        if payload.get("enforce_nonce") and before is not None and now - posted_at < self.nonce_lives_s:
            return answer(before.json())
        message = Message(next_id(), int(channel["id"]), BOT_USER)
        message.write(payload, files)
        self._messages[message.message_id] = message
        self._nonces[nonce] = (now, message)
        return answer(message.json())

    def _own(self, request: web.Request) -> Message:
        message = self._messages.get(int(request.match_info["message"]))
        if message is None or message.deleted or str(message.channel_id) != request.match_info["channel"]:
            raise answers.unknown_message()
        return message

    async def _edit(self, request: web.Request) -> web.Response:
        message = self._own(request)
        payload, files = await checked(request, partial=True)
        return answer(Interactions.edit(message, payload, files).json())

    async def _delete(self, request: web.Request) -> web.Response:
        self._own(request).deleted = True
        return web.Response(status=204)


async def body(request: web.Request) -> tuple[Json, dict[str, bytes]]:
    """The JSON body, and the files of a multipart one."""
    if not request.content_type.startswith("multipart/"):
        return await request.json(), {}
    form = await request.post()
    files = {part.filename: part.file.read() for part in form.values() if isinstance(part, web.FileField)}
    return json.loads(str(form["payload_json"])), files


async def checked(request: web.Request, *, partial: bool = False) -> tuple[Json, dict[str, bytes]]:
    payload, files = await body(request)
    if errors := limits.message_errors(payload, len(files)):
        raise answers.invalid_form(errors)
    if not partial and limits.is_empty(payload, len(files)):
        raise answers.empty_message()
    return payload, files
