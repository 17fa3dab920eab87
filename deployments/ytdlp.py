"""Runs yt-dlp in processes of its own, with every request that it makes going through the one HTTP client.

yt-dlp follows what pages say, and pages are written by anybody; so it gets no network of its own, and its process is
ended when its time is up or its memory is full. Its requests are handed to `HttpClient` in the event loop, which
checks, pins and bounds them like any other. Where JavaScript is on, yt-dlp runs YouTube's player script in deno
without any permission: no network, no files, no environment. No other program is started.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from core.errors import BotError, DeadlineExceeded
from core.links import recording_id_of
from deployments.http_client import HttpClient
from deployments.ytdlp_calls import Extraction, FlatListing, YtDlpOptions, host_of
from deployments.ytdlp_process import Answers, YtDlpProcesses
from deployments.ytdlp_wire import Call, Done, error_of

_MAX_AT_ONCE = 4
# A long channel takes minutes: it must not keep those waiting who want one recording.
_MAX_LISTINGS = 2
# Beyond its time a process may compute this long, in case that nobody can end it any more.
_SPARE_CPU_S = 30.0


DEFAULT_MEMORY_BYTES = 1_500_000_000


class YtDlp:
    """yt-dlp for links of any site. `timeout_s` bounds one extraction; `max_page_bytes` bounds each page it reads.

    `listing_timeout_s` bounds the listing of a whole channel, which takes a page for each thirty uploads;
    `memory_bytes` what each of its processes may take, of which there are at most six; deno needs 700 MB of it.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        timeout_s: float,
        max_page_bytes: int,
        max_entries: int,
        listing_timeout_s: float = 900.0,
        options: YtDlpOptions | None = None,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
    ) -> None:
        self._http = http
        self._timeout_s = timeout_s
        self._listing_timeout_s = listing_timeout_s
        self._max_page_bytes = max_page_bytes
        self._max_entries = max_entries
        self._options = options or YtDlpOptions()
        self._memory_bytes = memory_bytes
        # Made where they are used: this object travels to its process.
        self._places: asyncio.Semaphore | None = None
        self._listings: asyncio.Semaphore | None = None
        self._processes: YtDlpProcesses | None = None

    async def knows_site(self, url: str) -> bool:
        """Whether yt-dlp has an extractor of its own for this link (not only the generic one)."""
        return bool((await self._asked("knows_site", url, [])).text)

    async def recording_id(self, url: str) -> str:
        """`core.links.recording_id_of`, also for YouTube's mirrors, whose videos yt-dlp fetches from YouTube."""
        known = recording_id_of(url)
        if known.partition(":")[0] in ("youtube", "vimeo", "twitch"):
            return known
        found = (await self._asked("youtube_id", url, [])).text
        return f"youtube:{found}" if found else known

    async def extract(self, url: str) -> Extraction:
        """The recording at `url`, or a flat list: one entry more than `max_entries` says that there are more.

        Raises BadInput (no recording there, too much memory), NotReadable, RefusedUrl, DeadlineExceeded or Unavailable.
        """
        infos: list[Mapping[str, Any]] = []
        params = self._options.params(self._timeout_s) | {"playlist_items": f"1:{self._max_entries + 1}"}
        done = await self._asked("extract", url, infos, params=params)
        if done.error is not None:
            raise error_of(done.error)
        return Extraction(infos[0] if infos else {}, done.head, tuple(done.warnings))

    async def list_flat(self, url: str, limit: int, *, first_page: bool = False) -> FlatListing:
        """What `url` lists, as far as it can be read and at most `limit` entries; `error` says what ended it early.

        With `first_page`, only what the page says of itself. Raises nothing but defects: what was read is kept.
        """
        params = self._options.params(self._timeout_s) | ({"playlist_items": "0"} if first_page else {})
        infos: list[Mapping[str, Any]] = []
        self._listings = self._listings or asyncio.Semaphore(_MAX_LISTINGS)
        try:
            if first_page:
                done = await self._asked("list", url, infos, params=params, limit=limit)
            else:
                async with self._listings:
                    done = await self._given("list", url, infos, self._listing_timeout_s, params=params, limit=limit)
            error = error_of(done.error) if done.error else None
        except BotError as raised:
            done, error = Done(), raised
        info = infos[0] if infos else {}
        return FlatListing(info, tuple(infos[1 : limit + 1]), error, done.lacks_tab, len(infos) - 1 > limit)

    async def _asked(self, kind: str, url: str, infos: list[Mapping[str, Any]], **more: Any) -> Done:
        self._places = self._places or asyncio.Semaphore(_MAX_AT_ONCE)
        async with self._places:
            return await self._given(kind, url, infos, self._timeout_s, **more)

    async def _given(self, kind: str, url: str, infos: list[Mapping[str, Any]], timeout_s: float, **more: Any) -> Done:
        """What yt-dlp says in the end; its info dicts go to `infos`. The time begins when a process is there."""
        self._processes = self._processes or YtDlpProcesses(self._memory_bytes)
        call = Call(kind, url, timeout_s + _SPARE_CPU_S, **more)
        answers = Answers(self._http, self._max_page_bytes)
        async with self._processes.one() as process:
            try:
                async with asyncio.timeout(timeout_s):
                    return await process.call(call, answers, infos.append)
            except TimeoutError:
                raise DeadlineExceeded(host_of(url), f"It was given {timeout_s:g} s; try again later.") from None
            finally:
                answers.close()


__all__ = ["Extraction", "FlatListing", "YtDlp", "YtDlpOptions"]
