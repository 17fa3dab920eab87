"""The ingest deployment: opens what cannot travel to it, such as connections, where it runs."""

import asyncio
from dataclasses import dataclass

from core.ingest_ports import ChannelFollower, IngestQueue
from core.ports import BudgetLedger, ChatModel, Embedder, Pace, TranscriptStore
from deployments.analysis import AnalysisConfig, Analyst
from deployments.cookies import read_cookies
from deployments.host_gate import GateConfig, HostGate
from deployments.host_gate import Pace as HostPace
from deployments.http_client import HttpClient
from deployments.ingest import Ingest, IngestConfig
from deployments.media_source import MAX_PAGE_BYTES, MediaSource
from deployments.personal_data import PersonalDataFilter
from deployments.reading import Listener
from deployments.shared_source import SharedSource
from deployments.ytdlp import DEFAULT_MEMORY_BYTES
from deployments.ytdlp_calls import YtDlpOptions


@dataclass(frozen=True, slots=True)
class WebConfig:
    """How the web is read: bounds in seconds and bytes, and what an operator gives for it."""

    language: str
    max_recordings: int
    max_caption_bytes: int
    timeout_s: float
    allow_loopback: bool = False
    cookies_file: str = ""
    proxy: str = ""
    javascript: bool = False
    ytdlp_memory_bytes: int = DEFAULT_MEMORY_BYTES

    def client(self, hosts: HostPace, *, timeout_s: float = 0.0, max_bytes: int = MAX_PAGE_BYTES) -> HttpClient:
        """A client of this process that keeps to the pace of `hosts`. Raises StartupFailed for the cookies file."""
        return HttpClient(
            timeout_s=timeout_s or self.timeout_s,
            max_bytes=max_bytes,
            allow_loopback=self.allow_loopback,
            gate=HostGate(hosts, GateConfig()),
            proxy=self.proxy,
            cookies=read_cookies(self.cookies_file) if self.cookies_file else None,
        )

    @property
    def options(self) -> YtDlpOptions:
        """What yt-dlp is told."""
        return YtDlpOptions(self.cookies_file, self.javascript)

    def source(self, hosts: HostPace) -> MediaSource:
        """The web as this process reads it."""
        return MediaSource.of_the_web(
            language=self.language,
            max_recordings=self.max_recordings,
            max_caption_bytes=self.max_caption_bytes,
            timeout_s=self.timeout_s,
            allow_loopback=self.allow_loopback,
            options=self.options,
            memory_bytes=self.ytdlp_memory_bytes,
            http=self.client(hosts),
        )


class IngestReplica(Ingest):
    """Ingest over the web."""

    def __init__(
        self,
        web: WebConfig,
        config: IngestConfig,
        analysis: AnalysisConfig,
        embedder: Embedder,
        store: TranscriptStore,
        queue: IngestQueue,
        followers: ChannelFollower,
        hosts: HostPace,
        pace: Pace,
        chat: ChatModel,
        ledger: BudgetLedger,
        *,
        listener: Listener | None = None,
        masks: bool = False,
    ) -> None:
        """With `masks` personal data is masked before anything is stored. Raises StartupFailed."""
        personal_data = PersonalDataFilter() if masks else None
        if personal_data is not None:
            personal_data.load()
        self._shared = SharedSource(web.source(hosts))
        self._analyst = Analyst(analysis, chat, ledger)
        super().__init__(
            self._shared,
            embedder,
            store,
            queue,
            followers,
            pace,
            config,
            listener=listener,
            personal_data=personal_data,
            analyst=self._analyst,
        )

    async def forget_fetched(self) -> None:
        """Hold nothing any more of what was fetched."""
        await super().forget_fetched()
        self._shared.forget()

    async def close(self) -> None:
        """Take no more jobs, and close every connection."""
        await super().close()
        await asyncio.gather(self._analyst.close(), self._shared.close())
