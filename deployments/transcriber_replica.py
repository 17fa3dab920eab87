"""The deployment of speech recognition: opens its own connection to the web where it runs."""

from deployments.audio import AudioSource
from deployments.host_gate import Pace as HostPace
from deployments.ingest_replica import WebConfig
from deployments.transcriber import SpeechConfig, Transcriber


class TranscriberReplica(Transcriber):
    """Speech recognition over the web."""

    def __init__(
        self, web: WebConfig, speech: SpeechConfig, hosts: HostPace, *, max_bytes: int, timeout_s: float
    ) -> None:
        """`max_bytes` bounds an audio file, `timeout_s` fetching it. Raises StartupFailed for the cookies file."""
        audio = AudioSource(
            web.client(hosts, timeout_s=timeout_s, max_bytes=max_bytes),
            timeout_s=timeout_s,
            max_bytes=max_bytes,
            options=web.options,
            allow_loopback=web.allow_loopback,
        )
        super().__init__(speech, audio)
