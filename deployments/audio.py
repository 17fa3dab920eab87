"""Fetches the sound of a recording into a temporary file, by yt-dlp, with every request through the one HTTP client.

Pages, playlists and media are written by anybody. So what arrives is counted as it arrives, whatever a header claims;
no other program is started; and the file is gone when whoever asked for it is done, has failed or has left.
"""

import asyncio
import errno
import math
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from core.addresses import checked_url
from core.errors import BadInput, BotError, DeadlineExceeded, NotReadable, WriteFailed
from core.source_states import SourceState
from core.speech import check_length
from deployments.daemon_thread import in_daemon_thread
from deployments.http_client import HttpClient
from deployments.ytdlp_calls import Log, YtDlpOptions, downloader
from deployments.ytdlp_errors import named_error
from deployments.ytdlp_network import Bridge

T = TypeVar("T")

# YouTube's pages are 1 to 2 MB, parts of a stream a few.
_MAX_PAGE_BYTES = 16_000_000
_FILE = "sound"
# What yt-dlp downloads by itself; for anything else it would start a program.
_WHOLE = ("http", "https")
_IN_PARTS = ("m3u8", "m3u8_native", "http_dash_segments")
# Speech in fewer kbit/s is hard to understand, and in more it is no easier.
_ENOUGH_KBPS = 48.0
# A page that lists more recordings than this is no recording's own page.
_MOST_ITEMS = 1_000
_WRITABLE = "Set SPEECH_FOLDER to a folder with room that this user may write."
_PREFIX = "speech-"
# What a process that was killed left behind is removed after so long.
_LEFT_BEHIND_S = 86_400.0
_FAREWELL_S = 2.0
_NOT_ENDED = ("is_live", "is_upcoming", "post_live")


class AudioSource:
    """The sound of recordings of any site that yt-dlp reads, and of direct links to media. Sizes are bytes.

    `timeout_s` bounds fetching one recording, `max_bytes` its file, `max_page_bytes` each page, playlist and part on
    the way to it. `http` must allow one transfer as much time. Temporary files go to `folder` (None: the system's
    place), which is kept free of what killed processes left there.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        timeout_s: float,
        max_bytes: int,
        max_page_bytes: int = _MAX_PAGE_BYTES,
        folder: Path | None = None,
        options: YtDlpOptions | None = None,
        allow_loopback: bool = False,
    ) -> None:
        self._http = http
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._max_page_bytes = max_page_bytes
        self._folder = folder
        self._options = options or YtDlpOptions()
        self._allow_loopback = allow_loopback

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    @asynccontextmanager
    async def fetched(self, url: str, *, item: str = "", most_s: float = math.inf) -> AsyncIterator[Path]:
        """A media file with the sound of the recording at `url`, for as long as the context lasts.

        `item` is yt-dlp's id of the recording, where the page has several; without it, the first one is meant. A
        recording that its page says to be longer than `most_s` seconds is not fetched.

        Raises RefusedUrl, BadInput (no recording there, too long, too large), NotReadable, DeadlineExceeded,
        WriteFailed or Unavailable.
        """
        checked_url(url, allow_loopback=self._allow_loopback)
        host = urlsplit(url).hostname or "The site"
        bridge = _Noting(self._http, asyncio.get_running_loop(), self._max_page_bytes)
        with self._place() as folder:
            fetching = _Fetching(bridge, host, Path(folder), self._max_bytes, self._options.params(self._timeout_s))
            work = in_daemon_thread(lambda: fetching.fetch(url, item, most_s), "yt-dlp")
            try:
                await asyncio.wait_for(asyncio.shield(work), self._timeout_s)
            except TimeoutError:
                raise DeadlineExceeded(host, f"Its sound was given {self._timeout_s:g} s; try again later.") from None
            finally:
                bridge.stop()
                await asyncio.wait((work,), timeout=_FAREWELL_S)  # it ends with its next request
            yield fetching.path

    def _place(self) -> tempfile.TemporaryDirectory[str]:
        """A new folder, among which those that a killed process left long ago are removed."""
        folder = self._folder or Path(tempfile.gettempdir())
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob(f"{_PREFIX}*"):
                with suppress(FileNotFoundError):  # somebody else swept it away
                    if time.time() - left.stat().st_mtime > _LEFT_BEHIND_S:
                        shutil.rmtree(left, ignore_errors=True)
            # Errors of its cleanup are left to a later sweep: a thread may write its last bytes meanwhile.
            return tempfile.TemporaryDirectory(prefix=_PREFIX, dir=folder, ignore_cleanup_errors=True)
        except OSError as error:
            raise WriteFailed(str(folder), _WRITABLE) from error


class _Noting(Bridge):
    """Keeps the error of the last call: yt-dlp's own errors, after some retries, do not lead back to it."""

    error: BotError | None = None

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            result = super().call(work)
        except BotError as error:
            self.error = error
            raise
        self.error = None
        return result


class _Fetching:
    """One recording being fetched, in yt-dlp's thread."""

    def __init__(self, bridge: _Noting, host: str, folder: Path, max_bytes: int, params: Mapping[str, Any]) -> None:
        self.path = folder / _FILE
        self._bridge = bridge
        self._host = host
        self._max_bytes = max_bytes
        self._params = {**params, **self._own_params()}

    def fetch(self, url: str, item: str, most_s: float) -> None:
        """Fill `path`. Raises an error of ours."""
        try:
            with downloader(self._bridge, self._params, Log()) as ydl:
                info = self._recording(ydl, ydl.extract_info(url, download=False), item)
                self._check(info, most_s)
                ydl.process_ie_result(info, download=True)
        except BotError:
            raise
        except Exception as error:  # extractors stumble in any way over pages that changed
            if _is_of_the_disk(error):
                raise WriteFailed(str(self.path.parent), _WRITABLE) from error
            raise self._bridge.error or named_error(error, self._host, bytes(self._bridge.head)) from error
        if not self.path.is_file():
            raise BadInput(f"{self._host} gave no sound for that recording.", "Link to a recording that plays there.")

    def _recording(self, ydl: Any, info: Any, item: str) -> dict[str, Any]:
        """The recording that is meant among those of the page."""
        if isinstance(info, dict) and info.get("_type") in ("playlist", "multi_video"):
            entries = (entry for entry in info.get("entries") or () if entry)
            info = next((entry for entry in entries if not item or str(entry.get("id")) == item), None)
            if info and info.get("_type") in ("url", "url_transparent"):
                info = ydl.extract_info(str(info.get("url")), download=False)
        if not isinstance(info, dict) or info.get("_type", "video") != "video":
            raise BadInput(f"{self._host} has no such recording at that link.", "Link to the recording's own page.")
        return info

    def _check(self, info: Mapping[str, Any], most_s: float) -> None:
        """Refuse what cannot be used before it is fetched, and bound what may come."""
        if info.get("is_live") or info.get("live_status") in _NOT_ENDED:
            raise NotReadable(SourceState.LIVE, "The stream has not ended yet.", "Its sound can be had after it.")
        check_length(float(info.get("duration") or 0.0), most_s)
        if info.get("protocol") in _WHOLE:
            self._bridge.max_bytes = self._max_bytes  # parts are read into memory one by one, a whole file is not

    def _own_params(self) -> dict[str, Any]:
        return {
            "skip_download": False,
            "ignore_no_formats_error": False,
            "writesubtitles": False,
            "writeautomaticsub": False,
            "playlist_items": f"1:{_MOST_ITEMS}",
            "retries": 3,
            "fragment_retries": 3,
            "skip_unavailable_fragments": False,  # a hole would move every later word
            "format": _chosen,
            "external_downloader": {"default": "native"},
            "ffmpeg_location": f"{self.path}.none",
            "fixup": "never",
            "nopart": True,
            "updatetime": False,
            "paths": {"home": str(self.path.parent)},
            "outtmpl": _FILE,  # never a title, which may hold anything
            "progress_hooks": [self._count],
        }

    def _count(self, status: Mapping[str, Any]) -> None:
        """Called by yt-dlp after each piece that it wrote."""
        if max(status.get("downloaded_bytes") or 0, status.get("total_bytes") or 0) > self._max_bytes:
            problem = f"Its sound is larger than the {self._max_bytes / 1e6:,.0f} MB that are taken here."
            raise BadInput(problem, "Link to a shorter recording, or to one with captions.")


def _is_of_the_disk(error: BaseException) -> bool:
    """Whether the disk is full, or the file too large for it. yt-dlp carries the cause along."""
    cause = (getattr(error, "exc_info", None) or (None, error))[1]
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _chosen(context: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """For yt-dlp, whose own language for this cannot say it."""
    if (chosen := smallest_with_sound(context["formats"])) is not None:
        yield chosen


def smallest_with_sound(formats: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Of yt-dlp's formats, the one to listen to: in the language it was made in, sound alone, and no more than needed.

    None where there is none with sound that can be fetched without starting another program.
    """
    with_sound = [
        one
        for one in formats
        if one.get("acodec") != "none" and one.get("protocol") in _WHOLE + _IN_PARTS and not one.get("has_drm")
    ]
    return min(with_sound, key=_cost, default=None)


def _cost(one: Mapping[str, Any]) -> tuple[float, bool, bool, float, float]:
    alone = one.get("vcodec") == "none"
    rate = float((alone and one.get("abr")) or one.get("tbr") or 0.0)
    return (
        -float(one.get("language_preference") or 0),
        not alone,
        0 < rate < _ENOUGH_KBPS,
        abs(rate - _ENOUGH_KBPS) if rate else math.inf,
        float(one.get("height") or 0),
    )
