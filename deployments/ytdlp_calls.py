"""The calls of yt-dlp itself, made in a process of its own: one recording, or a listing entry by entry."""

import functools
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from core.errors import BotError
from core.links import youtube_id_of
from deployments.ytdlp_errors import lacks_tab, named_error
from deployments.ytdlp_network import Network, request_handler

_PLAYLISTS = ("playlist", "multi_video")
_LINKS = ("url", "url_transparent")
_MAX_HOPS = 5
_MAX_WARNINGS = 50
# Asked of YouTube: dates in listings, and an error where a page came incomplete, not a listing that ends there.
_EXTRACTOR_ARGS = {"youtubetab": {"approximate_date": [""]}, "youtube": {"raise_incomplete_data": [""]}}


@dataclass(frozen=True, slots=True)
class YtDlpOptions:
    """What an operator may set. `cookies_file` is a path to cookies in Netscape's form, or empty.

    `javascript` lets yt-dlp run YouTube's player script in the packaged deno, which has no permissions there; without
    it some formats are missing, captions are not. `extractor_args` are yt-dlp's: {"youtube": {"lang": ["de"]}}.
    """

    cookies_file: str = ""
    javascript: bool = False
    extractor_args: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    def params(self, timeout_s: float) -> dict[str, Any]:
        """yt-dlp's parameters for a call that is given `timeout_s` seconds."""
        args = {name: dict(values) for name, values in _EXTRACTOR_ARGS.items()}
        for name, values in self.extractor_args.items():
            args[name] = args.get(name, {}) | {key: list(value) for key, value in values.items()}
        return {
            "quiet": True,
            "js_runtimes": {"deno": {"path": _deno()}} if self.javascript else {},
            "no_warnings": True,
            "noprogress": True,
            "skip_download": True,
            "noplaylist": True,  # a video's link that also names a playlist means the video
            "extract_flat": "in_playlist",
            "ignore_no_formats_error": True,  # only the captions are wanted
            "writesubtitles": True,  # some extractors look for captions only if told so
            "writeautomaticsub": True,
            "cachedir": False,
            "cookiefile": self.cookies_file or None,
            "extractor_args": args,
            "proxy": "",
            "socket_timeout": timeout_s,
            "extractor_retries": 1,
        }


@dataclass(frozen=True, slots=True)
class Extraction:
    """What yt-dlp made of a link: its info dict, and the first part of the first page that it read.

    `warnings` are yt-dlp's: with `ignore_no_formats_error`, why a video does not play is one of them.
    """

    info: Mapping[str, Any]
    head: bytes = b""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlatListing:
    """What a link lists. `info` is the page's own, without entries; of a single recording there are no entries.

    `error` is what ended the listing early, `lacks_tab` that the channel has no such tab, `more` that the limit cut it.
    """

    info: Mapping[str, Any]
    entries: tuple[Mapping[str, Any], ...]
    error: BotError | None = None
    lacks_tab: bool = False
    more: bool = False

    @property
    def is_list(self) -> bool:
        return self.info.get("_type") in _PLAYLISTS


@dataclass(frozen=True, slots=True)
class Ended:
    """How a listing ended: `error` before its end, or `lacks_tab` because the channel has no such tab."""

    error: BotError | None = None
    lacks_tab: bool = False


class Log:
    """yt-dlp's messages are for a terminal; errors arrive as such, and of the warnings the first are kept."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: str) -> None: ...

    def warning(self, message: str) -> None:
        if len(self.warnings) < _MAX_WARNINGS:
            self.warnings.append(message[:1000])

    def error(self, message: str) -> None: ...


def extract(url: str, network: Network, params: Mapping[str, Any]) -> Extraction:
    """yt-dlp's info dict of `url`. Raises BadInput (also of too much memory), NotReadable, and as the HTTP client."""
    log = Log()
    try:
        with downloader(network, params, log) as ydl:
            info = ydl.sanitize_info(ydl.extract_info(url, download=False))
    except Exception as error:  # extractors stumble in any way over pages that changed
        raise named_error(error, host_of(url), bytes(network.head)) from error
    return Extraction(info if isinstance(info, dict) else {}, bytes(network.head), tuple(log.warnings))


def collect(
    url: str, network: Network, params: Mapping[str, Any], limit: int, give: Callable[[Mapping[str, Any]], None]
) -> Ended:
    """`give` the page's own info dict, without entries, then its entries, up to one more than `limit`.

    Raises nothing: what was given before an error is worth keeping.
    """
    try:
        with downloader(network, params, Log()) as ydl:
            info = _opened(ydl, url)
            give(ydl.sanitize_info({name: value for name, value in info.items() if name != "entries"}))
            if info.get("_type") in _PLAYLISTS:
                for entry in islice(_entries(info), limit + 1):
                    give(ydl.sanitize_info(dict(entry)))
    except Exception as error:  # noqa: BLE001 - extractors stumble in any way over pages that changed; it is kept
        return Ended(named_error(error, host_of(url), bytes(network.head)), lacks_tab(error))
    return Ended()


def knows_site(url: str) -> bool:
    """Whether yt-dlp has an extractor of its own for this link (not only the generic one)."""
    return any(extractor.suitable(url) and extractor.IE_NAME != "generic" for extractor in extractors())


def youtube_id(url: str) -> str:
    """The id of the YouTube video that yt-dlp would fetch for `url`, whatever mirror it names; or empty."""
    extractor = importlib.import_module("yt_dlp.extractor.youtube").YoutubeIE
    return youtube_id_of(str(extractor.get_temp_id(url) or "")) if extractor.suitable(url) else ""


def _opened(ydl: Any, url: str) -> Mapping[str, Any]:
    """The page's info, not gone through: one page leads to another at most `_MAX_HOPS` times."""
    info = ydl.extract_info(url, download=False, process=False) or {}
    for _ in range(_MAX_HOPS):
        if info.get("_type") not in _LINKS:
            break
        info = ydl.extract_info(info["url"], ie_key=info.get("ie_key"), download=False, process=False) or {}
    return dict(info)


def _entries(info: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The recordings of a listing, and of the listings inside it, as they are read."""
    for entry in _items(info.get("entries") or ()):
        if entry and entry.get("_type") in _PLAYLISTS and depth < _MAX_HOPS:
            yield from _entries(entry, depth + 1)
        elif entry:
            yield entry


def _items(entries: Any) -> Iterator[Mapping[str, Any]]:
    # Of yt-dlp's pages on demand one entry after the other: what came before a page that fails is kept.
    return iter(entries._getslice(0, None)) if hasattr(entries, "_getslice") else iter(entries)


def downloader(network: Network, params: Mapping[str, Any], log: Log) -> Any:
    """A YoutubeDL that sends through `network` alone and writes no file."""
    handler = request_handler(network)

    def only_ours(ydl: Any, _handlers: Any, _preferences: Any = None) -> Any:
        return _yt_dlp().YoutubeDL.build_request_director(ydl, [handler])

    def not_written(_ydl: Any) -> None:
        """The operator's cookies file is read, by several threads at once, and never written."""

    parts = {"build_request_director": only_ours, "save_cookies": not_written}
    ydl = type("GuardedYoutubeDL", (_yt_dlp().YoutubeDL,), parts)({**params, "logger": log}, auto_init=False)
    for extractor in extractors():
        ydl.add_info_extractor(extractor)
    return ydl


@functools.cache
def extractors() -> tuple[Any, ...]:
    """yt-dlp's extractors in its order, chosen once: for each call anew it takes more than half of a call's time."""
    chosen = _yt_dlp().YoutubeDL({"quiet": True, "logger": Log()})._ies.values()
    # What is no class is one downloader's own.
    return tuple(extractor for extractor in chosen if isinstance(extractor, type))


def _yt_dlp() -> Any:
    return importlib.import_module("yt_dlp")


def _deno() -> str:
    return str(importlib.import_module("deno").find_deno_bin())


def host_of(url: str) -> str:
    """The host of a link, for a person."""
    return urlsplit(url).hostname or "The site"
