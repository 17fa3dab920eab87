"""Which of a recording's caption tracks to read: the words that were said, written by people where there are any."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Tracks: TypeAlias = Mapping[str | None, Sequence[Mapping[str, Any]]]

_FORMATS = ("vtt", "srt")
# These stand among the captions of some sites but hold something else.
_NOT_CAPTIONS = frozenset({"live_chat", "danmaku", "rechat", "comments"})
# Read as one file; a list of segments ("m3u8") is not.
_UNREADABLE = frozenset({"m3u8", "mpd", "f4m", "ism"})


@dataclass(frozen=True, slots=True)
class CaptionSource:
    """One caption file: its link, or its text where the page carried it. `automatic`: written by a machine."""

    url: str
    language: str
    format: str = ""
    automatic: bool = False
    data: bytes | None = None


def choose_track(captions: Tracks, automatic: Tracks, preferred: str) -> CaptionSource | None:
    """The best track, or None: people's before machines', the `preferred` language before others, vtt before srt.

    Of one language its plain form comes first, then its American and British, then other regions. Of machines' tracks
    the original ("en-orig") comes before translations, because a quote must be words that were said.
    """
    for tracks, by_machine in ((captions, False), (automatic, True)):
        for language in _ordered(tracks, preferred):
            track = _best_format(language, tracks[language], by_machine)
            if track is not None:
                return track
    return None


def _ordered(tracks: Tracks, preferred: str) -> Iterable[str | None]:
    wanted = preferred.lower().partition("-")[0]

    def rank(language: str | None) -> tuple[int, ...]:
        name = (language or "").lower()
        original = name.endswith("-orig")
        base = name.removesuffix("-orig")
        exact = (base == preferred.lower(), base == wanted, base == f"{wanted}-us", base == f"{wanted}-gb")
        is_wanted = base.partition("-")[0] == wanted
        return (not is_wanted, not original, exact.index(True) if True in exact else len(exact))

    # sorted() keeps the page's own order where the ranks are equal.
    return sorted((language for language in tracks if language not in _NOT_CAPTIONS), key=rank)


def _best_format(language: str | None, files: Sequence[Mapping[str, Any]], automatic: bool) -> CaptionSource | None:
    def rank(file: Mapping[str, Any]) -> int:
        kind = str(file.get("ext") or "").lower()
        return _FORMATS.index(kind) if kind in _FORMATS else len(_FORMATS)

    for file in sorted(files, key=rank):
        kind = str(file.get("ext") or "").lower()
        text = file.get("data")
        streamed = kind in _UNREADABLE or str(file.get("protocol") or "").startswith(("m3u8", "http_dash"))
        if (file.get("url") or text is not None) and not streamed:
            data = text.encode() if isinstance(text, str) else text if isinstance(text, bytes) else None
            name = (language or "").removesuffix("-orig")
            return CaptionSource(str(file.get("url") or ""), name, kind, automatic, data)
    return None
