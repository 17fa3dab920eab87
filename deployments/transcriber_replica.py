"""The deployment of speech recognition: opens its own connection to the web where it runs."""

from pathlib import Path

from deployments.audio import AudioSource
from deployments.host_gate import Pace as HostPace
from deployments.ingest_replica import WebConfig
from deployments.transcriber import SpeechConfig, Transcriber


class TranscriberReplica(Transcriber):
    """Speech recognition over the web."""

    def __init__(
        self,
        web: WebConfig,
        speech: SpeechConfig,
        hosts: HostPace,
        *,
        max_bytes: int,
        timeout_s: float,
        folder: Path | None = None,
    ) -> None:
        """`max_bytes` bounds an audio file, `timeout_s` fetching it into `folder`. Raises StartupFailed for cookies."""
        audio = AudioSource(
            web.client(hosts, timeout_s=timeout_s, max_bytes=max_bytes),
            timeout_s=timeout_s,
            max_bytes=max_bytes,
            folder=folder,
            options=web.options,
            allow_loopback=web.allow_loopback,
        )
        super().__init__(speech, audio)
