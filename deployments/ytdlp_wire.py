"""What yt-dlp's process and its parent say to each other: typed messages in frames, over a pair of sockets.

The process reads what anybody writes, so its parent believes nothing that it says: a message has one of these shapes
and at most `MAX_FRAME_BYTES`, or the process is ended. Info dicts are JSON inside them, which, unlike msgpack, can hold
whatever a page may: large numbers, infinities, half a character.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from core.errors import BadInput, BotError, Busy, DeadlineExceeded, NotReadable, RefusedUrl, Unavailable
from core.source_states import SourceState

MAX_FRAME_BYTES = 64_000_000
MAX_HEAD_BYTES = 256 * 1024
CHUNK_BYTES = 64 * 1024
PREFIX_BYTES = 4
_MAX_CHARS = 2_000
# A list of nothing takes 3 bytes as JSON and 64 in memory: so what is inside is counted too.
_MAX_ITEMS = 4_000_000
_Kind = Literal["BadInput", "RefusedUrl", "Unavailable", "DeadlineExceeded", "Busy", "NotReadable"]


class _Said(msgspec.Struct, frozen=True, tag=True):
    pass


class Failure(_Said, frozen=True, omit_defaults=True):
    """An error of ours: its class and its fields. `problem` is the part, where that is what it names."""

    kind: _Kind
    problem: str
    advice: str = ""
    state: SourceState | None = None
    retry_after_s: float | None = None


# ---------------------------------------------------------------- to the process
class Call(_Said, frozen=True):
    """What to do: `kind` is "extract", "list", "knows_site" or "youtube_id". `params` are yt-dlp's.

    `cpu_s` bounds what the process may compute for it, should nobody be there to end it.
    """

    kind: str
    url: str
    cpu_s: float
    params: dict[str, Any] = {}
    limit: int = 0


class Opened(_Said, frozen=True):
    """An answer of a site, known by its `number`, whose body is still to be read."""

    number: int
    url: str
    status: int
    headers: list[tuple[str, str]]


class Piece(_Said, frozen=True):
    """A piece of a body; empty at its end."""

    data: bytes


# ---------------------------------------------------------------- from the process
class Ready(_Said, frozen=True):
    """yt-dlp is loaded."""


class Open(_Said, frozen=True):
    """A request to send. `closed` are the answers that nobody reads any further."""

    url: str
    method: str
    headers: dict[str, str]
    body: bytes | None
    closed: list[int]


class Read(_Said, frozen=True):
    """Up to `size` bytes more of the answer `number`."""

    number: int
    size: int


class Found(_Said, frozen=True):
    """An info dict as JSON: of the recording, of the page that lists, or of the next entry of a listing."""

    info: bytes


class Done(_Said, frozen=True, omit_defaults=True):
    """The call has ended. `text` is its answer where that is none of the above, `defect` an error of no kind of ours.

    After a call that took much memory the process is `worn`, and another one takes its place.
    """

    text: str = ""
    head: bytes = b""
    warnings: list[str] = []
    lacks_tab: bool = False
    error: Failure | None = None
    defect: str = ""
    worn: bool = False


ToChild = Call | Opened | Piece | Failure
ToParent = Ready | Open | Read | Found | Done
FOR_CHILD: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
FOR_PARENT: msgspec.msgpack.Decoder[ToParent] = msgspec.msgpack.Decoder(ToParent)


def framed(message: ToChild | ToParent) -> bytes:
    """The message with its length before it."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(PREFIX_BYTES, "big") + body


def length_of(prefix: bytes) -> int:
    """How long the message after `prefix` is. Raises ValueError if that is more than is taken."""
    length = int.from_bytes(prefix, "big")
    if length > MAX_FRAME_BYTES:
        raise ValueError(f"a message of {length} bytes")
    return length


# ---------------------------------------------------------------- what is inside
def packed(info: Mapping[str, Any], host: str) -> bytes:
    """An info dict as JSON. Raises BadInput if it is larger than is taken."""
    packed_info = json.dumps(info, separators=(",", ":")).encode("ascii")
    # The frame needs some bytes of its own.
    if len(packed_info) > MAX_FRAME_BYTES - CHUNK_BYTES or _items(packed_info) > _MAX_ITEMS:
        raise BadInput(f"What {host} lists is larger than is taken here.", "Link to a single recording.")
    return packed_info


def unpacked(info: bytes) -> dict[str, Any]:
    """The info dict again. Raises ValueError for anything else."""
    if _items(info) > _MAX_ITEMS:
        raise ValueError("an info dict with too much in it")
    try:
        found = json.loads(info)
    except RecursionError:
        raise ValueError("an info dict nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("no info dict")
    return found


def _items(info: bytes) -> int:
    """At most as many values are inside."""
    return sum(info.count(sign) for sign in b",[{")


def failure_of(error: BotError) -> Failure:
    """The error in a form that travels; its text is cut to a sensible length."""
    match error:
        case NotReadable():
            text = plain(error.problem), plain(error.advice)
            return Failure("NotReadable", *text, error.state, error.retry_after_s)
        case Busy():
            return Failure("Busy", plain(error.part), retry_after_s=error.retry_after_s)
        case BadInput():
            kind: _Kind = "RefusedUrl" if isinstance(error, RefusedUrl) else "BadInput"
            return Failure(kind, plain(error.problem), plain(error.advice))
        case Unavailable():
            kind = "DeadlineExceeded" if isinstance(error, DeadlineExceeded) else "Unavailable"
            return Failure(kind, plain(error.part), plain(error.advice))
    return Failure("Unavailable", "The site", plain(str(error)))


def error_of(failure: Failure) -> BotError:
    """The error that `failure` stands for."""
    text, wait_s = (failure.problem, failure.advice), failure.retry_after_s
    wait_s = max(0.0, wait_s) if wait_s is not None and math.isfinite(wait_s) else None
    match failure.kind:
        case "NotReadable":
            return NotReadable(failure.state or SourceState.UNKNOWN, *text, wait_s)
        case "Busy":
            return Busy(failure.problem, wait_s or 0.0)
        case "RefusedUrl":
            return RefusedUrl(*text)
        case "BadInput":
            return BadInput(*text)
        case "DeadlineExceeded":
            return DeadlineExceeded(*text)
    return Unavailable(*text)


def plain(text: str, most: int = _MAX_CHARS) -> str:
    """Text that can be sent: half characters are replaced, and of long ones there are the first `most` characters."""
    return text[:most].encode("utf-8", "replace").decode("utf-8")
