"""A server that speaks LangSmith's ingest protocol on loopback, and keeps the runs that the SDK sends.

`GET /info` says what the server can do; then runs come by `POST /runs/multipart` (parts named `post.ID`,
`post.ID.outputs`, `patch.ID`, …, compressed with zstd if `/info` offers it) or by `POST /runs/batch` (one JSON
document).
"""

import asyncio
import json
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import zstandard
from aiohttp import web
from aiohttp.typedefs import Handler


@dataclass
class FakeLangsmith:
    """`async with FakeLangsmith() as server:`.

    `multipart` and `zstd` are what `/info` offers; `refusing` is the status that it answers everything
    with (0: none), and a `hanging` server never answers.
    """

    multipart: bool = True
    zstd: bool = True
    refusing: int = 0
    hanging: bool = False
    url: str = ""
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    async def __aenter__(self) -> "FakeLangsmith":
        self.reached = asyncio.Event()
        self._released = asyncio.Event()

        @web.middleware
        async def meet(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._meet(request, handler)

        app = web.Application(client_max_size=50_000_000, middlewares=[meet])
        app.router.add_get("/info", self._info)
        app.router.add_post("/runs/multipart", self._multipart)
        app.router.add_post("/runs/batch", self._batch)
        # aiohttp reads zstd only with a package that we do not have; `_multipart` does it.
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, auto_decompress=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()
        await self._runner.cleanup()

    def named(self, name: str) -> list[dict[str, Any]]:
        """The runs of this name, in the order in which they started."""
        return sorted(
            (run for run in self.runs.values() if run["name"] == name), key=lambda run: str(run["dotted_order"])
        )

    async def _meet(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        self.keys.add(request.headers.get("x-api-key", ""))
        self.reached.set()
        if self.hanging:
            await self._released.wait()
        if self.refusing:
            return web.json_response({"detail": "scripted"}, status=self.refusing)
        return await handler(request)

    def release(self) -> None:
        """Answer the requests that hang, and those to come."""
        self.hanging = False
        self._released.set()

    async def _info(self, _: web.Request) -> web.Response:
        ingest = {
            "use_multipart_endpoint": self.multipart,
            "scale_up_qsize_trigger": 1000,
            "scale_up_nthreads_limit": 16,
            "scale_down_nempty_trigger": 4,
            "size_limit": 100,
            "size_limit_bytes": 20_971_520,
        }
        flags = {"zstd_compression_enabled": self.zstd}
        return web.json_response({"version": "0.10.0", "instance_flags": flags, "batch_ingest_config": ingest})

    async def _multipart(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "zstd":
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        for name, value in _parts(request.headers["Content-Type"], body):
            kind, run_id, *rest = name.split(".")
            if kind in ("post", "patch"):
                self._keep(run_id, {rest[0]: value} if rest else value)
        return web.json_response({}, status=202)

    async def _batch(self, request: web.Request) -> web.Response:
        document = await request.json()
        for run in [*document.get("post", ()), *document.get("patch", ())]:
            self._keep(run["id"], run)
        return web.json_response({}, status=202)

    def _keep(self, run_id: str, fields: dict[str, Any]) -> None:
        known = {name: value for name, value in fields.items() if value is not None}
        self.runs.setdefault(run_id, {}).update(known)


def _parts(content_type: str, body: bytes) -> list[tuple[str, Any]]:
    """The parts of a multipart/form-data body: (name, JSON value)."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            parts.append((str(part.get_param("name", header="content-disposition")), json.loads(content)))
    return parts
