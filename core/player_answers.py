"""Reads what YouTube's player is told about a video (`ytInitialPlayerResponse`): whether it plays, and its captions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.captiontracks import CaptionSource, Tracks, choose_track
from core.source_signs import state_of_words
from core.source_states import SourceState
from core.uploads import UploadKind

# What a status means where its reason, in words, does not say more.
_STATUSES = {
    "OK": SourceState.AVAILABLE,
    "LIVE_STREAM_OFFLINE": SourceState.PREMIERE,
    "AGE_CHECK_REQUIRED": SourceState.AGE_LIMITED,
    "AGE_VERIFICATION_REQUIRED": SourceState.AGE_LIMITED,
    "CONTENT_CHECK_REQUIRED": SourceState.AGE_LIMITED,
    "LOGIN_REQUIRED": SourceState.PRIVATE,
}


@dataclass(frozen=True, slots=True)
class PlayerAnswer:
    """One answer. `status` and `reason` are YouTube's own words; None where it says nothing.

    `live_details` are YouTube's: isLiveNow, startTimestamp, endTimestamp (ISO 8601). `captions` and `automatic` are its
    tracks in YouTube's order, those of people and of speech recognition.
    """

    status: str | None
    reason: str | None
    state: SourceState
    video_id: str | None = None
    title: str | None = None
    length_s: int | None = None
    channel_id: str | None = None
    is_live_content: bool | None = None
    is_live_now: bool | None = None
    is_private: bool | None = None
    live_details: Mapping[str, Any] | None = None
    tracks: tuple[CaptionSource, ...] = ()

    @property
    def kind(self) -> UploadKind:
        """A stream, also one that has ended; the player does not tell shorts from videos."""
        return UploadKind.STREAM if self.is_live_content else UploadKind.VIDEO

    def best_track(self, language: str) -> CaptionSource | None:
        """The track to read: people's before machines', `language` before others."""
        return choose_track(_by_language(self.tracks, False), _by_language(self.tracks, True), language)


def parse_player(data: Any) -> PlayerAnswer:
    """The answer in `data`, a decoded JSON value. What is missing or of another form is None; nothing is raised."""
    playability = _object(data, "playabilityStatus")
    details = _object(data, "videoDetails")
    live = _object(_object(_object(data, "microformat"), "playerMicroformatRenderer"), "liveBroadcastDetails") or None
    status = _text(playability, "status")
    reason = _text(playability, "reason")
    is_live_now = _flag(live or {}, "isLiveNow")
    if is_live_now is None:
        is_live_now = _flag(details, "isLive")
    length = _text(details, "lengthSeconds") or ""
    return PlayerAnswer(
        status,
        reason,
        _state(status, f"{reason or ''} {_more_words(playability)}", is_live_now, _flag(details, "isUpcoming")),
        _text(details, "videoId"),
        _text(details, "title"),
        int(length) if length.isascii() and length.isdigit() and len(length) < 10 else None,
        _text(details, "channelId"),
        _flag(details, "isLiveContent"),
        is_live_now,
        _flag(details, "isPrivate"),
        live,
        _tracks(_object(_object(data, "captions"), "playerCaptionsTracklistRenderer")),
    )


def _state(status: str | None, said: str, is_live_now: bool | None, is_upcoming: bool | None) -> SourceState:
    if status == "OK":
        if is_upcoming:
            return SourceState.PREMIERE
        return SourceState.LIVE if is_live_now else SourceState.AVAILABLE
    named = state_of_words(said)
    return named if named is not SourceState.UNKNOWN else _STATUSES.get(status or "", SourceState.UNKNOWN)


def _more_words(playability: Mapping[str, Any]) -> str:
    """The second line of the error that is shown, which often says more than the reason."""
    screen = _object(_object(playability, "errorScreen"), "playerErrorMessageRenderer")
    subreason = _object(screen, "subreason")
    runs = subreason.get("runs")
    words = [str(run.get("text", "")) for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []
    return " ".join([*words, str(subreason.get("simpleText") or "")])


def _tracks(captions: Mapping[str, Any]) -> tuple[CaptionSource, ...]:
    listed = captions.get("captionTracks")
    return tuple(
        CaptionSource(str(track.get("baseUrl") or ""), str(track["languageCode"]), automatic=track.get("kind") == "asr")
        for track in (listed if isinstance(listed, list) else ())
        if isinstance(track, dict) and track.get("languageCode")
    )


def _by_language(tracks: tuple[CaptionSource, ...], automatic: bool) -> Tracks:
    named: dict[str | None, list[Mapping[str, Any]]] = {}
    for track in tracks:
        if track.automatic is automatic:
            named.setdefault(track.language, []).append({"url": track.url, "ext": track.format})
    return named


def _object(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) else str(found) if isinstance(found, int) else None


def _flag(value: Mapping[str, Any], name: str) -> bool | None:
    found = value.get(name)
    return found if isinstance(found, bool) else None
