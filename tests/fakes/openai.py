"""An OpenAI-compatible chat server on loopback: it answers what a test scripts, and records what it was asked."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Says:
    """A proper completion with this text. `wait_s` is how long it takes, in seconds."""

    text: str
    prompt_tokens: int = 120
    completion_tokens: int = 30
    wait_s: float = 0.0
    finish_reason: str = "stop"


@dataclass(frozen=True, slots=True)
class Status:
    """An HTTP error in OpenAI's form, with a Retry-After header if `retry_after` is given."""

    status: int
    message: str = "scripted"
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Garbage:
    """A 200 whose body is not a completion."""

    body: str = "<html><body>It works!</body></html>"
    content_type: str = "text/html"


@dataclass(frozen=True, slots=True)
class Hangs:
    """Takes the request and never answers."""


@dataclass(frozen=True, slots=True)
class Drips:
    """Sends a space now and then, and never a body: no single read of the client times out."""


@dataclass(frozen=True, slots=True)
class CutOff:
    """Starts the answer and drops the connection in the middle of it."""

    text: str = "half of it"


Reply = Says | Status | Garbage | Hangs | Drips | CutOff


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in: its JSON body, its headers, and when (monotonic seconds)."""

    body: dict[str, Any]
    headers: dict[str, str]
    at_s: float

    @property
    def model(self) -> str:
        return str(self.body["model"])


@dataclass
class FakeOpenAI:
    """`async with FakeOpenAI([Status(500), Says("...")]) as server:`; the last reply is repeated."""

    replies: Sequence[Reply] = (Says('{"claims": []}'),)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> "FakeOpenAI":
        self._script = deque(self.replies)
        self.reached = asyncio.Event()
        self._released = asyncio.Event()
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._released.set()
        await self._runner.cleanup()

    def script(self, *replies: Reply) -> None:
        """From now on answer these, the last again and again."""
        self._script = deque(replies)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(
            Asked(body, {name.lower(): value for name, value in request.headers.items()}, time.monotonic())
        )
        self.reached.set()
        reply = self._script.popleft() if len(self._script) > 1 else self._script[0]
        match reply:
            case Says():
                await asyncio.sleep(reply.wait_s)
                return (
                    await _streamed(request, reply)
                    if body.get("stream")
                    else web.json_response(_completion(body, reply))
                )
            case Status():
                return _error(reply)
            case Garbage():
                return web.Response(text=reply.body, content_type=reply.content_type)
            case Hangs():
                await self._released.wait()
                raise web.HTTPServiceUnavailable
            case Drips():
                return await self._drip(request)
            case CutOff():
                return await _cut(request, reply)

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while not self._released.is_set():
            try:
                await response.write(b" ")
            except ConnectionError:
                break
            await asyncio.sleep(0.02)
        return response


def _completion(body: dict[str, Any], reply: Says) -> dict[str, Any]:
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": [
            {"index": 0, "finish_reason": reply.finish_reason, "message": {"role": "assistant", "content": reply.text}}
        ],
        "usage": {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        },
    }


def _error(reply: Status) -> web.Response:
    headers = {"Retry-After": reply.retry_after} if reply.retry_after else {}
    error = {"message": reply.message, "type": "scripted", "param": None, "code": str(reply.status)}
    return web.json_response({"error": error}, status=reply.status, headers=headers)


async def _streamed(request: web.Request, reply: Says) -> web.StreamResponse:
    """The same completion as server-sent events, a word at a time."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    words = reply.text.split(" ")
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word if index == 0 else f" {word}"} for index, word in enumerate(words)]
    for delta in deltas:
        await response.write(_event([{"index": 0, "delta": delta, "finish_reason": None}]))
    await response.write(_event([{"index": 0, "delta": {}, "finish_reason": reply.finish_reason}]))
    await response.write(b"data: [DONE]\n\n")
    return response


def _event(choices: list[dict[str, Any]]) -> bytes:
    chunk = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "scripted",
    }
    return f"data: {json.dumps(chunk | {'choices': choices})}\n\n".encode()


async def _cut(request: web.Request, reply: CutOff) -> web.StreamResponse:
    """Promise more bytes than are sent, then drop the connection."""
    half = json.dumps({"choices": [{"message": {"content": reply.text}}]})[:-10].encode()
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(half) + 500)})
    await response.prepare(request)
    await response.write(half)
    if request.transport is not None:
        request.transport.abort()
    return response
