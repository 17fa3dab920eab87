"""A web site on this machine: pages with videos and captions, feeds, and everything that can be wrong with them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web

VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nTidal pools are home to sea stars.\n\n\
00:00:04.000 --> 00:00:08.000\nA sea star can grow back a lost arm.\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the site answers. `cut_after` breaks the transfer off after so many bytes; `hangs` never answers.

    With an `etag` or `last_modified`, who has that already gets a 304 without a body.
    """

    body: bytes = b""
    content_type: str = "text/html"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    hangs: bool = False
    etag: str = ""
    last_modified: str = ""

    def is_known_to(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers has it already (RFC 9110, 13.2.2: the ETag decides where both are)."""
        if "If-None-Match" in headers:
            return headers["If-None-Match"] == self.etag
        return bool(self.last_modified) and headers.get("If-Modified-Since") == self.last_modified


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Site:
    """`async with Site() as site`: put replies at paths, then fetch `site.url(path)`.

    A list of replies is given out one by one, and its last one from then on.
    """

    def __init__(self) -> None:
        self.replies: dict[str, list[Reply]] = {}
        self.seen: list[Seen] = []
        self.port = 0
        self._ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        await self._runner.cleanup()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def put(self, path: str, *replies: Reply) -> str:
        """Answer `path` with `replies`; gives its link."""
        self.replies[path] = list(replies)
        return self.url(path)

    def redirect(self, path: str, target: str, status: int = 302) -> str:
        return self.put(path, Reply(status=status, headers={"Location": target}))

    def talk(self, name: str, captions: Reply | None = None, *, author: str = "Ada Example", head: str = "") -> str:
        """A page with a video; with `captions`, a track that leads to them. Gives the page's link."""
        track = ""
        if captions is not None:
            self.put(f"/{name}.vtt", captions)
            track = f'<track kind="captions" src="/{name}.vtt" srclang="en">'
        return self.put(f"/{name}.html", Reply(page(name, f"<video src='/{name}.mp4'>{track}</video>", author, head)))

    def feed(self, path: str, names: list[str], *, cut_after: int | None = None, until: str = "") -> str:
        """An RSS feed of the talks `names`; `until` ends it before that text, `cut_after` breaks the transfer off."""
        body = rss([(name, self.url(f"/{name}.html")) for name in names])
        if until:
            body = body[: body.index(until.encode())]
        return self.put(path, Reply(body, "application/rss+xml", cut_after=cut_after))

    def release(self) -> None:
        """Let every reply that hangs go on."""
        self._ended.set()

    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(Seen(request.method, request.path_qs, dict(request.headers), await request.read()))
        waiting = self.replies.get(request.path) or [Reply(b"nothing here", status=404)]
        return await self._send(request, waiting.pop(0) if len(waiting) > 1 else waiting[0])

    async def _send(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        if reply.hangs:
            await self._ended.wait()
        headers = {"Content-Type": reply.content_type, **reply.headers}
        headers |= {"ETag": reply.etag} if reply.etag else {}
        headers |= {"Last-Modified": reply.last_modified} if reply.last_modified else {}
        if reply.is_known_to(request.headers):
            return web.Response(status=304, headers=headers)
        if reply.cut_after is None:
            return web.Response(body=reply.body, status=reply.status, headers=headers)
        response = web.StreamResponse(status=reply.status, headers=headers)
        response.content_length = len(reply.body)
        await response.prepare(request)
        await response.write(reply.body[: reply.cut_after])
        if request.transport is not None:
            request.transport.close()
        return response


def page(title: str, body: str, author: str = "", head: str = "") -> bytes:
    """An HTML page."""
    meta = f'<meta name="author" content="{author}">' if author else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{meta}{head}</head>'
        f"<body>{body}</body></html>"
    ).encode()


def rss(items: list[tuple[str, str]], author: str = "Ada Example") -> bytes:
    """An RSS feed with (title, link) items."""
    parts = [
        f"<item>\n<title>{title}</title>\n<link>{link}</link>\n<dc:creator>{author}</dc:creator>\n"
        f"<pubDate>Tue, 16 Sep 2008 10:00:00 GMT</pubDate>\n</item>\n"
        for title, link in items
    ]
    return (
        '<?xml version="1.0"?>\n<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>\n'
        f"<title>Shore Talks</title>\n<language>en</language>\n{''.join(parts)}</channel></rss>"
    ).encode()
