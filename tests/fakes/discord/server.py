"""The fake Discord as a test sees it: start it, act as a person, look at what the bot answered."""

import asyncio
import time
from collections.abc import Callable
from typing import Self

from aiohttp import web

from tests.fakes.discord.choosing import command_data
from tests.fakes.discord.gateway import ALL_INTENTS, Gateway
from tests.fakes.discord.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, Interaction, Interactions
from tests.fakes.discord.rest import CUT, Fault, Handler, Rest
from tests.fakes.discord.rooms import SEND, Rooms
from tests.fakes.discord.world import (
    ADMINISTRATOR,
    ALL_PERMISSIONS,
    APPLICATION_ID,
    BOT_USER,
    CHANNEL_ID,
    DM_CHANNEL_ID,
    GUILD_ID,
    MEMBER_ID,
    Json,
    Message,
    channel,
    dm_channel,
    guild,
    member,
    new_id,
    user,
)

PATIENCE_S = 20.0
_GUILD_MESSAGES, _DIRECT_MESSAGES = 1 << 9, 1 << 12
_STRING = 3


class FakeDiscord:
    """One application in one or more guilds, each with its channels and threads (`CHANNEL_ID` in `GUILD_ID`)."""

    def __init__(self, *, token: str = "made-up.token", clock: Callable[[], float] = time.monotonic) -> None:
        self.token = token
        self.messages: dict[int, Message] = {}
        self.guilds: dict[int, list[Json]] = {GUILD_ID: [channel(CHANNEL_ID, "talks")]}
        self.gateway = Gateway(token, self._ready_events)
        self.interactions = Interactions(clock, self._keep)
        self.rooms = Rooms(self.guilds, self.messages, clock)
        self.rest = Rest(token, self.interactions, self.rooms)
        self._changed = asyncio.Condition()
        self._busy = 0
        self._runner: web.AppRunner | None = None
        self.api_url = ""
        self.gateway_url = ""

    async def __aenter__(self) -> Self:
        api = web.Application(middlewares=[self._watch], client_max_size=30_000_000)
        api.add_routes(self.rest.routes())
        root = web.Application()
        root.add_subapp("/api/v10", api)
        root.router.add_get("/gateway", self.gateway.handle)
        root.router.add_get("/gateway/", self.gateway.handle)
        self._runner = web.AppRunner(root, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.api_url = f"http://{host}:{port}/api/v10"
        self.gateway_url = self.gateway.url = f"ws://{host}:{port}/gateway"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.gateway.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._busy += 1
        try:
            response = await self.rest.guard(request, handler)
        finally:
            self._busy -= 1
        async with self._changed:
            self._changed.notify_all()
        return response

    def _keep(self, message: Message) -> None:
        self.messages[message.message_id] = message

    def _ready_events(self) -> list[tuple[str, Json]]:
        guilds = [{"id": str(guild_id), "unavailable": True} for guild_id in self.guilds]
        ready = {"v": 10, "user": BOT_USER, "guilds": guilds, "application": {"id": str(APPLICATION_ID), "flags": 0}}
        return [("READY", ready), *(("GUILD_CREATE", guild(*item)) for item in self.guilds.items())]

    # ------------------------------------------------------------ waiting
    async def ready(self) -> None:
        """Wait until a bot has identified and its commands are there."""
        await asyncio.wait_for(self.gateway.until(lambda gateway: gateway.identified > 0), PATIENCE_S)

    async def until(self, wanted: Callable[[], object]) -> None:
        """Wait until `wanted()` holds; it is looked at after every call of the bot. Raises TimeoutError."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: bool(wanted())), PATIENCE_S)

    async def quiet(self) -> None:
        """Wait until no call is carried out, nor on its way."""
        await asyncio.sleep(0.02)
        while self._busy:  # noqa: ASYNC110 - the calls that end it may be cut off, and tell nobody
            await asyncio.sleep(0.01)

    # ------------------------------------------------------------ what goes wrong
    def rate_limit(
        self, method: str, path_part: str, *, times: int = 1, retry_after_s: float = 0.05, everywhere: bool = False
    ) -> None:
        """Answer the next `times` calls of a route with 429; `everywhere` makes it a global limit."""
        self.rest.faults.append(Fault(method, path_part, times, retry_after_s, everywhere))

    def break_route(self, method: str, path_part: str, *, times: int = 1, status: int = 500, code: int = 0) -> None:
        """Answer the next `times` calls of a route with another status, and one of Discord's error codes."""
        self.rest.faults.append(Fault(method, path_part, times, status=status, code=code))

    def swallow_reply(self, method: str, path_part: str, *, times: int = 1, status: int = 500) -> None:
        """Carry out the next calls of a route, but answer with a failure: the bot cannot know that they arrived."""
        self.rest.faults.append(Fault(method, path_part, times, status=status, after=True))

    def cut_connection(self, method: str, path_part: str, *, times: int = 1) -> None:
        """Cut the connection on the next `times` calls of a route, without an answer."""
        self.rest.faults.append(Fault(method, path_part, times, status=CUT))

    def forbid(self, channel_id: int, what: str = SEND) -> None:
        """Take a permission from the bot in a channel: one of `tests.fakes.discord.rooms`."""
        self.rooms.forbidden.add((channel_id, what))

    async def delete_channel(self, channel_id: int, *, told: bool = True) -> None:
        """Delete a channel; unless `told`, the bot does not hear of it."""
        for guild_id, channels in self.guilds.items():
            for found in [one for one in channels if one["id"] == str(channel_id)]:
                channels.remove(found)
                if told:
                    await self.gateway.dispatch("CHANNEL_DELETE", {**found, "guild_id": str(guild_id)}, intents=1)

    def posts(self, channel_id: int = CHANNEL_ID) -> list[Message]:
        """The messages that stand in a channel, but for replies to commands, in order."""
        replies = {id(reply) for call in self.interactions.all() for reply in call.messages}
        here = [message for message in self.messages.values() if message.channel_id == channel_id]
        return [message for message in here if not message.deleted and id(message) not in replies]

    # ------------------------------------------------------------ what a person does
    async def say(self, content: str, *, dm: bool = False) -> Message:
        """Write a message. As at Discord, a bot without the message content intent sees no content in guilds."""
        message = Message(new_id(), DM_CHANNEL_ID if dm else CHANNEL_ID, user(MEMBER_ID, "member"), content)
        self._keep(message)
        data = message.json()
        if not dm:
            data |= {"guild_id": str(GUILD_ID), "member": member(), "content": ""}
        await self.gateway.dispatch("MESSAGE_CREATE", data, intents=_DIRECT_MESSAGES if dm else _GUILD_MESSAGES)
        return message

    async def slash(
        self,
        command: str,
        /,
        *,
        guild_id: int | None = GUILD_ID,
        user_id: int = MEMBER_ID,
        permissions: int = ALL_PERMISSIONS,
        forced: bool = False,
        **options: str | int,
    ) -> Interaction:
        """Use a slash command, as far as Discord's own client would let a person of these permissions.

        `forced` sends what that client would not show them.
        """
        found = self._command(command)
        needed = int(found["default_member_permissions"] or 0)
        if not forced and not permissions & ADMINISTRATOR and permissions & needed != needed:
            raise LookupError(f"Discord does not show /{command} to somebody of the permissions {permissions}.")
        data = command_data(found, options, self.guilds)
        return await self._interact(COMMAND, data, guild_id, user_id, permissions=permissions)

    async def autocomplete(self, command: str, option: str, typed: str) -> Interaction:
        """Type into an option that offers completions."""
        found = self._command(command)
        option_data = {"name": option, "type": _STRING, "value": typed, "focused": True}
        data = {"id": found["id"], "name": command, "type": 1, "options": [option_data]}
        return await self._interact(AUTOCOMPLETE, data, GUILD_ID, MEMBER_ID)

    async def press(self, message: Message, custom_id: str, user_id: int = MEMBER_ID) -> Interaction:
        """Press a button of a message. Raises LookupError where it has none of that id."""
        buttons = [button for row in message.components for button in row["components"]]
        if not any(button.get("custom_id") == custom_id for button in buttons):
            raise LookupError(f"No button {custom_id!r} in message {message.message_id}.")
        data = {"component_type": 2, "custom_id": custom_id}
        return await self._interact(COMPONENT, data, GUILD_ID, user_id, message)

    def _command(self, name: str) -> Json:
        for command in self.rest.commands:
            if command["name"] == name:
                return command
        raise LookupError(f"The bot has registered no command {name!r}.")

    async def _interact(
        self,
        kind: int,
        data: Json,
        guild_id: int | None,
        user_id: int,
        message: Message | None = None,
        permissions: int = ALL_PERMISSIONS,
    ) -> Interaction:
        place = dm_channel() if guild_id is None else self.guilds[guild_id][0]
        made = self.interactions.open(kind, int(place["id"]), message)
        payload: Json = {
            "id": str(made.interaction_id),
            "application_id": str(APPLICATION_ID),
            "type": kind,
            "data": data,
            "token": made.token,
            "version": 1,
            "channel": place,
            "channel_id": place["id"],
            "entitlements": [],
            "app_permissions": "2147483647",
            "locale": "en-US",
            "attachment_size_limit": 10_485_760,
            "authorizing_integration_owners": {},
            "context": 1 if guild_id is None else 0,
        }
        if guild_id is None:
            payload["user"] = user(user_id, "member")
        else:
            payload |= {"guild_id": str(guild_id), "guild_locale": "en-US", "member": member(user_id, permissions)}
            payload["guild"] = {"id": str(guild_id), "locale": "en-US", "features": []}
        if message is not None:
            payload["message"] = message.json()
        await self.gateway.dispatch("INTERACTION_CREATE", payload, intents=ALL_INTENTS)
        return made
