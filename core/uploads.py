"""What a channel has: its uploads, as a listing or a feed names them."""

from dataclasses import dataclass
from enum import StrEnum

from core.source_states import SourceState


class UploadKind(StrEnum):
    """What sort of upload it is: YouTube keeps them under three tabs, other sites have videos alone."""

    VIDEO = "video"
    SHORT = "short"
    STREAM = "stream"


ALL_KINDS = tuple(UploadKind)


@dataclass(frozen=True, slots=True)
class Channel:
    """What can be followed: a channel, a playlist or a feed. `channel_id` is one for all links that lead to it."""

    channel_id: str
    url: str
    title: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload of a listing. `published_at` is unix seconds, None where the listing has no date.

    `exact` is False where the date is the listing's guess ("3 months ago"). `starts_at` is when a premiere or a stream
    begins (unix s, 0.0 where not known). `kind_is_certain` is False where a VIDEO may turn out to be a stream or a
    short: the recording itself says so.
    """

    recording_id: str
    url: str
    title: str = ""
    kind: UploadKind = UploadKind.VIDEO
    published_at: float | None = None
    exact: bool = False
    length_s: float = 0.0
    state: SourceState = SourceState.AVAILABLE
    starts_at: float = 0.0
    kind_is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Uploads:
    """A listing, newest first. `problem` says what of it could not be read; "" where it is complete.

    `state` and `retry_after_s` (None where the site does not say) tell why, for `core.source_states.next_try_at`.
    `cut` says that the limit left older ones out. `channel` is what the source calls itself now: another title where it
    was renamed, another id where it was merged into another one; None where it does not say.
    """

    uploads: tuple[Upload, ...]
    problem: str = ""
    cut: bool = False
    channel: Channel | None = None
    state: SourceState = SourceState.AVAILABLE
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Validator:
    """What a server gave to ask whether something changed (RFC 9110, 8.8): empty where it gave nothing."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll found: `uploads` is None where nothing changed since `validator` was given."""

    uploads: Uploads | None
    validator: Validator = Validator()
