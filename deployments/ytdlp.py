"""Runs yt-dlp in a thread, with every request that it makes going through the one HTTP client.

yt-dlp follows what pages say, and pages are written by anybody; so it gets no network of its own. Its requests are
handed to `HttpClient` in the event loop, which checks, pins and bounds them like any other. Not covered: the programs
that a few of its extractors start (a JavaScript runtime for YouTube, ffmpeg for some streams), and a page that keeps
its regular expressions busy: the caller gets DeadlineExceeded in time, but the thread ends only when they do.
"""

import asyncio
import importlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from core.errors import DeadlineExceeded
from deployments.http_client import HttpClient
from deployments.ytdlp_errors import named_error
from deployments.ytdlp_network import Bridge, request_handler

T = TypeVar("T")

_MAX_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Extraction:
    """What yt-dlp made of a link: its info dict, and the first part of the first page that it read."""

    info: Mapping[str, Any]
    head: bytes = b""


class YtDlp:
    """yt-dlp for links of any site. `timeout_s` bounds one extraction; `max_page_bytes` bounds each page it reads."""

    def __init__(self, http: HttpClient, *, timeout_s: float, max_page_bytes: int, max_entries: int) -> None:
        self._http = http
        self._timeout_s = timeout_s
        self._max_page_bytes = max_page_bytes
        self._max_entries = max_entries
        self._places: asyncio.Semaphore | None = None  # made where it is used: this object travels to its process

    async def knows_site(self, url: str) -> bool:
        """Whether yt-dlp has an extractor of its own for this link (not only the generic one)."""
        return await self._in_thread(url, lambda: _knows_site(url), lambda: None)

    async def extract(self, url: str) -> Extraction:
        """The recording at `url`, or a flat list: one entry more than `max_entries` says that there are more.

        Raises BadInput (no recording there), RefusedUrl, DeadlineExceeded or Unavailable.
        """
        bridge = Bridge(self._http, asyncio.get_running_loop(), self._max_page_bytes)
        info = await self._in_thread(url, lambda: _extract(url, bridge, self._params()), bridge.stop)
        return Extraction(info, bytes(bridge.head))

    async def _in_thread(self, url: str, work: Callable[[], T], stop: Callable[[], None]) -> T:
        """Run `work` in a daemon thread, so that one that hangs cannot keep the process from ending."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 - nothing is swallowed: it is raised in the caller
                done.set_exception(error)

        self._places = self._places or asyncio.Semaphore(_MAX_AT_ONCE)
        async with self._places:
            threading.Thread(target=run, name="yt-dlp", daemon=True).start()
            result = asyncio.wrap_future(done)
            result.add_done_callback(lambda late: late.cancelled() or late.exception())  # so that a late error is seen
            try:
                return await asyncio.wait_for(asyncio.shield(result), self._timeout_s)
            except TimeoutError:
                host = urlsplit(url).hostname or "The site"
                raise DeadlineExceeded(host, f"It was given {self._timeout_s:g} s; try again later.") from None
            finally:
                stop()

    def _params(self) -> dict[str, Any]:
        return {
            "quiet": True,
            "js_runtimes": {},  # a program that it starts would have a network of its own
            "no_warnings": True,
            "noprogress": True,
            "logger": _Silent(),
            "skip_download": True,
            "noplaylist": True,  # a video's link that also names a playlist means the video
            "extract_flat": "in_playlist",
            "playlist_items": f"1:{self._max_entries + 1}",
            "ignore_no_formats_error": True,  # only the captions are wanted
            "writesubtitles": True,  # some extractors look for captions only if told so
            "writeautomaticsub": True,
            "cachedir": False,
            "proxy": "",
            "socket_timeout": self._timeout_s,
            "extractor_retries": 1,
        }


class _Silent:
    """yt-dlp's messages are for a terminal; what matters arrives as an error."""

    def debug(self, message: str) -> None: ...

    def warning(self, message: str) -> None: ...

    def error(self, message: str) -> None: ...


def _knows_site(url: str) -> bool:
    extractors = importlib.import_module("yt_dlp.extractor").gen_extractor_classes()
    return any(extractor.suitable(url) and extractor.IE_NAME != "generic" for extractor in extractors)


def _extract(url: str, bridge: Bridge, params: dict[str, Any]) -> Mapping[str, Any]:
    yt_dlp = importlib.import_module("yt_dlp")
    handler = request_handler(bridge)

    def only_ours(ydl: Any, _handlers: Any, _preferences: Any = None) -> Any:
        return yt_dlp.YoutubeDL.build_request_director(ydl, [handler])

    guarded = type("GuardedYoutubeDL", (yt_dlp.YoutubeDL,), {"build_request_director": only_ours})
    try:
        with guarded(params) as ydl:
            info = ydl.sanitize_info(ydl.extract_info(url, download=False))
    except yt_dlp.utils.YoutubeDLError as error:
        raise named_error(error, urlsplit(url).hostname or "The site") from error
    return info if isinstance(info, dict) else {}
