"""The REST API: what a bot calls to log in, register commands, answer interactions and write messages."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from tests.fakes.discord import answers, limits
from tests.fakes.discord.answers import answer
from tests.fakes.discord.interactions import Interactions, callback_result
from tests.fakes.discord.rooms import Rooms, body, checked
from tests.fakes.discord.world import APPLICATION_ID, BOT_USER, Json, Message, application, dm_channel
from tests.fakes.discord.world import new_id as next_id

CUT = 599  # a status that nobody sees: the connection is cut instead
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Fault:
    """What the next `times` calls of a route get instead of an answer: a 429, or another status.

    With `after` the call is carried out first, so that only its answer is lost.
    """

    method: str
    path_part: str
    times: int
    retry_after_s: float = 0.0
    everywhere: bool = False
    status: int = 429
    after: bool = False
    code: int = 0

    def matches(self, request: web.Request) -> bool:
        return self.times > 0 and self.method in ("*", request.method) and self.path_part in request.path


class Rest:
    """Handlers over the interactions and the messages. `calls` records each call as "METHOD /path"."""

    def __init__(self, token: str, interactions: Interactions, rooms: Rooms) -> None:
        self._token = token
        self._interactions = interactions
        self._rooms = rooms
        self.commands: list[Json] = []
        self.calls: list[str] = []
        self.impatient: list[str] = []
        self.faults: list[Fault] = []
        self._wait_until: dict[str, float] = {}

    def routes(self) -> list[web.RouteDef]:
        webhook = "/webhooks/{app}/{token}"
        commands = f"/applications/{APPLICATION_ID}/commands"
        return [
            web.get("/users/@me", self._me),
            web.post("/users/@me/channels", self._open_dm),
            web.get("/oauth2/applications/@me", self._application),
            web.get(commands, self._get_commands),
            web.put(commands, self._put_commands),
            web.post("/interactions/{id}/{token}/callback", self._callback),
            web.post(webhook, self._follow_up),
            web.get(webhook + "/messages/{message}", self._get_reply),
            web.patch(webhook + "/messages/{message}", self._edit_reply),
            web.delete(webhook + "/messages/{message}", self._delete_reply),
            *self._rooms.routes(),
        ]

    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Around every call: faults first, then the token, then Discord's JSON errors."""
        path = request.path.removeprefix("/api/v10")
        self.calls.append(f"{request.method} {path}")
        on_interaction = path.startswith(("/interactions/", "/webhooks/"))
        now = time.monotonic()
        keys = [f"{request.method} {path}"] if on_interaction else [f"{request.method} {path}", "everywhere"]
        if any(now < self._wait_until.get(key, 0.0) for key in keys):
            self.impatient.append(f"{request.method} {path}")
        for fault in self.faults:
            if fault.matches(request) and not (fault.everywhere and on_interaction):
                fault.times -= 1
                if fault.after:
                    await handler(request)
                return self._broken(fault, request, keys[0], now)
        if not on_interaction and request.headers.get("Authorization") != f"Bot {self._token}":
            return answers.unauthorized().response()
        try:
            return await handler(request)
        except answers.Refusal as refusal:
            return refusal.response()
        except web.HTTPNotFound:
            return answers.not_found().response()

    def _broken(self, fault: Fault, request: web.Request, key: str, now: float) -> web.Response:
        if fault.status == CUT and request.transport is not None:
            request.transport.abort()
        if fault.status != 429:
            return answer({"message": f"{fault.status}: made to fail", "code": fault.code}, fault.status)
        self._wait_until["everywhere" if fault.everywhere else key] = now + fault.retry_after_s
        return answers.rate_limited(fault.retry_after_s, everywhere=fault.everywhere)

    # ------------------------------------------------------------ who am I
    async def _me(self, _: web.Request) -> web.Response:
        return answer(BOT_USER)

    async def _application(self, _: web.Request) -> web.Response:
        return answer(application())

    async def _open_dm(self, _: web.Request) -> web.Response:
        return answer(dm_channel())

    # ------------------------------------------------------------ commands
    async def _get_commands(self, _: web.Request) -> web.Response:
        return answer(self.commands)

    async def _put_commands(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        errors = limits.command_errors(wanted)
        if errors:
            raise answers.invalid_form(errors)
        own = {"application_id": str(APPLICATION_ID), "version": "1"}
        given = {"type": 1, "default_member_permissions": None}
        # Discord keeps permissions as text, whichever way they are sent.
        self.commands = [
            {**given, **command, **own, "id": str(next_id()), "default_member_permissions": _as_text(command)}
            for command in wanted
        ]
        return answer(self.commands)

    # ------------------------------------------------------------ interactions
    async def _callback(self, request: web.Request) -> web.Response:
        sent, files = await body(request)
        part = request.match_info
        data = sent.get("data") or {}
        if errors := limits.message_errors(data, len(files)):
            raise answers.invalid_form({"data": errors})
        if sent.get("type") == 4 and limits.is_empty(data, len(files)):
            raise answers.empty_message()
        found = self._interactions.acknowledge(part["id"], part["token"], sent, files)
        if request.query.get("with_response") in ("1", "true"):
            return answer(callback_result(found))
        return web.Response(status=204)

    async def _follow_up(self, request: web.Request) -> web.Response:
        found = self._interactions.webhook(request.match_info["app"], request.match_info["token"])
        payload, files = await checked(request)
        return answer(self._interactions.follow_up(found, payload, files).json())

    def _reply(self, request: web.Request) -> Message:
        found = self._interactions.webhook(request.match_info["app"], request.match_info["token"])
        return self._interactions.message(found, request.match_info["message"])

    async def _get_reply(self, request: web.Request) -> web.Response:
        return answer(self._reply(request).json())

    async def _edit_reply(self, request: web.Request) -> web.Response:
        message = self._reply(request)
        payload, files = await checked(request, partial=True)
        return answer(self._interactions.edit(message, payload, files).json())

    async def _delete_reply(self, request: web.Request) -> web.Response:
        self._reply(request).deleted = True
        return web.Response(status=204)


def _as_text(command: Json) -> str | None:
    permissions = command.get("default_member_permissions")
    return None if permissions is None else str(permissions)
