"""The fake Discord as a test sees it: start it, act as a person, look at what the bot answered."""

import asyncio
import time
from collections.abc import Callable
from typing import Self

from aiohttp import web

from tests.fakes.discord.gateway import ALL_INTENTS, Gateway
from tests.fakes.discord.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, Interaction, Interactions
from tests.fakes.discord.rest import CUT, Fault, Handler, Rest
from tests.fakes.discord.world import (
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
    """One application in one or more guilds, each with one channel (`CHANNEL_ID` in `GUILD_ID`)."""

    def __init__(self, *, token: str = "made-up.token", clock: Callable[[], float] = time.monotonic) -> None:
        self.token = token
        self.messages: dict[int, Message] = {}
        self.guilds: dict[int, list[Json]] = {GUILD_ID: [channel(CHANNEL_ID, "talks")]}
        self.gateway = Gateway(token, self._ready_events)
        self.interactions = Interactions(clock, self._keep)
        self.rest = Rest(token, self.interactions, self.messages)
        self._changed = asyncio.Condition()
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
        response = await self.rest.guard(request, handler)
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

    # ------------------------------------------------------------ what goes wrong
    def rate_limit(
        self, method: str, path_part: str, *, times: int = 1, retry_after_s: float = 0.05, everywhere: bool = False
    ) -> None:
        """Answer the next `times` calls of a route with 429; `everywhere` makes it a global limit."""
        self.rest.faults.append(Fault(method, path_part, times, retry_after_s, everywhere))

    def break_route(self, method: str, path_part: str, *, times: int = 1, status: int = 500, code: int = 0) -> None:
        """Answer the next `times` calls of a route with another status, and one of Discord's error codes."""
        self.rest.faults.append(Fault(method, path_part, times, status=status, code=code))

    def swallow_reply(self, method: str, path_part: str) -> None:
        """Carry out the next call of a route, but answer 500: the bot cannot know that it arrived."""
        self.rest.faults.append(Fault(method, path_part, 1, status=500, after=True))

    def cut_connection(self, method: str, path_part: str, *, times: int = 1) -> None:
        """Cut the connection on the next `times` calls of a route, without an answer."""
        self.rest.faults.append(Fault(method, path_part, times, status=CUT))

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
        self, command: str, /, *, guild_id: int | None = GUILD_ID, user_id: int = MEMBER_ID, **options: str
    ) -> Interaction:
        """Use a slash command, as far as Discord's own client would let a person."""
        data = self._command_data(command, options)
        return await self._interact(COMMAND, data, guild_id, user_id)

    async def autocomplete(self, command: str, option: str, typed: str) -> Interaction:
        """Type into an option that offers completions."""
        found = self._command(command)
        option_data = {"name": option, "type": _STRING, "value": typed, "focused": True}
        data = {"id": found["id"], "name": command, "type": 1, "options": [option_data]}
        return await self._interact(AUTOCOMPLETE, data, GUILD_ID, MEMBER_ID)

    async def press(self, message: Message, custom_id: str) -> Interaction:
        """Press a button of a message. Raises LookupError where it has none of that id."""
        buttons = [button for row in message.components for button in row["components"]]
        if not any(button.get("custom_id") == custom_id for button in buttons):
            raise LookupError(f"No button {custom_id!r} in message {message.message_id}.")
        data = {"component_type": 2, "custom_id": custom_id}
        return await self._interact(COMPONENT, data, GUILD_ID, MEMBER_ID, message)

    def _command(self, name: str) -> Json:
        for command in self.rest.commands:
            if command["name"] == name:
                return command
        raise LookupError(f"The bot has registered no command {name!r}.")

    def _command_data(self, name: str, options: dict[str, str]) -> Json:
        command = self._command(name)
        known = {option["name"]: option for option in command.get("options", [])}
        missing = [key for key, option in known.items() if option.get("required") and key not in options]
        if missing or set(options) - set(known):
            raise ValueError(f"/{name} takes {sorted(known)}; missing {missing}, given {sorted(options)}.")
        for key, value in options.items():
            low, high = known[key].get("min_length", 0), known[key].get("max_length", 6000)
            if not low <= len(value) <= high:
                raise ValueError(f"Discord lets nobody send {len(value)} characters as {key} of /{name}.")
        given = [{"name": key, "type": known[key]["type"], "value": value} for key, value in options.items()]
        return {"id": command["id"], "name": name, "type": 1, "options": given}

    async def _interact(
        self, kind: int, data: Json, guild_id: int | None, user_id: int, message: Message | None = None
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
            payload |= {"guild_id": str(guild_id), "guild_locale": "en-US", "member": member(user_id)}
            payload["guild"] = {"id": str(guild_id), "locale": "en-US", "features": []}
        if message is not None:
            payload["message"] = message.json()
        await self.gateway.dispatch("INTERACTION_CREATE", payload, intents=ALL_INTENTS)
        return made
