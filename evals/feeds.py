"""Sources: the right video ids, kinds, states and caption tracks, and no broken answer read as an empty channel.

Over a directory with `index.jsonl` (files, their kind and what a right reader finds) and `ytdlp_cases.jsonl` (links):

- feeds: Atom and RSS, with the right ids, number and shorts; one that is cut says so and keeps what came before;
- not_a_feed: pages in place of data, which are failures with a name;
- player, page_data, info: YouTube's player answers, its pages' data, yt-dlp's info JSON;
- caption_xml: timed text that gives cues;
- links: a video's link gives its id, a channel's or playlist's its own where the link names it, others none.
"""

import functools
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from core.captions import parse
from core.errors import BadInput, BotError, NotReadable
from core.feeds import parse_feed
from core.links import youtube_channel_of, youtube_id_of
from core.player_answers import parse_player
from core.source_signs import state_of_page
from core.source_states import SourceState
from core.upload_info import channel_of, published_at, upload_of
from core.uploads import UploadKind
from core.youtube_pages import page_data, parse_page
from deployments.ytdlp_calls import youtube_id

_BASE = "https://feeds.example/"
# Later than every date of a recorded file: what is right of a file must not change with the day it is read on.
_NOW = 4_102_444_800.0
_LIVE_STATES = {
    "is_upcoming": SourceState.PREMIERE,
    "is_live": SourceState.LIVE,
    "post_live": SourceState.PROCESSING,
}
_MEDIA_KINDS = {"short": UploadKind.SHORT, "livestream": UploadKind.STREAM, "video": UploadKind.VIDEO}
# Ids of channels and playlists; what else yt-dlp calls a list is a handle, a search or a visitor's own page.
_LIST_ID = re.compile(r"(?:UC|UU|PL|FL|OLAK5uy_)[\w-]{8,}")
Expected = Mapping[str, Any]


class _EmptyInstead(Exception):
    """A failure that was read as if there was nothing."""


def run(data: Path) -> Mapping[str, object]:
    """The figures over the data set in `data`. Prints a line for each row that is not right, and counts by kind."""
    tally = _Tally()
    for row in _rows(data / "index.jsonl"):
        tally.judge(str(row["kind"]), str(row["file"]), functools.partial(_file_faults, data, row))
    for row in _rows(data / "ytdlp_cases.jsonl"):
        tally.judge(str(row["extractor"]), str(row["url"]), functools.partial(link_faults, row))
    for kind, total in sorted(tally.total.items()):
        print(f"{kind}: {tally.right[kind]} of {total} right")
    return {
        "right": sum(tally.right.values()),
        "total": sum(tally.total.values()),
        "video_ids_right": tally.right["YoutubeIE"],
        "video_ids_total": tally.total["YoutubeIE"],
        "failures_read_as_empty": tally.empty,
        "crashes": tally.crashes,
    }


class _Tally:
    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.empty = self.crashes = 0

    def judge(self, kind: str, name: str, faults_of: Callable[[], list[str]]) -> None:
        self.total[kind] += 1
        try:
            faults = faults_of()
        except _EmptyInstead as error:
            self.empty += 1
            faults = [f"a failure was read as empty: {error}"]
        except (BotError, OSError) as error:
            faults = [f"not read: {error}"]
        except Exception as error:  # noqa: BLE001 - that a reader may raise anything is what is counted here
            self.crashes += 1
            faults = [f"CRASH {type(error).__name__}: {error}"]
        if faults:
            print(f"WRONG {kind} {name}: {'; '.join(faults)}")
        self.right[kind] += not faults


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise BadInput(f"{path} is missing.", "Give --data a directory of the form that this module's help describes.")
    for line in filter(str.strip, path.read_text(encoding="utf-8").split("\n")):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise BadInput(f"{path} has a line that is not JSON ({error}).", "Fetch the data set again.") from error


def _file_faults(data: Path, row: Mapping[str, Any]) -> list[str]:
    path = data / str(row["file"])
    body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    reader = _READERS.get(str(row["kind"]))
    return [f"no reader for {row['kind']}"] if reader is None else reader(body, row.get("expected") or {})


# ---------------------------------------------------------------- files
def feed_faults(body: bytes, expected: Expected) -> list[str]:
    """What is wrong with our reading of a feed."""
    feed = parse_feed(body, _BASE)
    if feed is None:
        return ["no feed"]
    if not feed.entries and not feed.cut and expected.get("n_entries") != 0:
        raise _EmptyInstead("no entries")
    ids = [youtube_id_of(entry.url) for entry in feed.entries]
    found = {
        "n_entries": len(feed.entries),
        "n_complete_entries": len(feed.entries),
        "video_ids": ids,
        "n_shorts_links": sum(entry.kind is UploadKind.SHORT for entry in feed.entries),
    }
    undated = sum(entry.published_at is None for entry in feed.entries)
    return [
        *_differences(found, expected),
        *(["a cut feed counts as whole"] if "n_complete_entries" in expected and not feed.cut else []),
        *([f"{undated} entries without a date"] if undated and b"<published" in body else []),
    ]


def not_a_feed_faults(body: bytes, expected: Expected) -> list[str]:  # noqa: ARG001 - one form for all readers
    """What is wrong with our reading of a page that stands in place of data: it must be a failure with a name."""
    if parse_feed(body, _BASE) is not None:
        raise _EmptyInstead("taken for a feed")
    state = state_of_page(body)
    return ["taken for readable"] if state is SourceState.AVAILABLE else []


def player_faults(body: bytes, expected: Expected) -> list[str]:
    """What is wrong with our reading of a player's answer."""
    answer = parse_player(json.loads(body))
    if expected.get("status") != "OK" and answer.state is SourceState.AVAILABLE:
        raise _EmptyInstead("taken for a video that plays")
    tracks = [[track.language, "asr" if track.automatic else "manual"] for track in answer.tracks]
    names = ("status", "reason", "video_id", "title", "length_s", "channel_id", "is_live_content", "is_live_now")
    found = {name: getattr(answer, name) for name in (*names, "is_private", "live_details")}
    people = {language for language, by in tracks if by == "manual"}
    best = answer.best_track("en")
    return [
        *_differences(found | {"caption_tracks": tracks}, expected),
        *(["no track chosen"] if tracks and best is None else []),
        *(["a machine's track before people's"] if best is not None and people and best.automatic else []),
    ]


def page_faults(body: bytes, expected: Expected) -> list[str]:
    """What is wrong with our reading of a page's data; a page that is refused must have nothing to find."""
    wanted = list(dict.fromkeys(expected.get("video_ids") or ()))
    text = body.decode("utf-8", "replace")
    try:
        listing = parse_page(page_data(text) if text.lstrip().startswith("<") else json.loads(text))
    except NotReadable:
        if wanted:
            raise
        return []
    ids = [video.video_id for video in listing.videos]
    if not ids and wanted:
        raise _EmptyInstead("no videos")
    return [] if ids == wanted else [f"video_ids: {len(ids)} found, {len(wanted)} expected"]


def info_faults(body: bytes, expected: Expected) -> list[str]:
    """What is wrong with our reading of yt-dlp's info JSON."""
    info = json.loads(body)
    upload, channel = upload_of(info, exact=True, now=_NOW), channel_of(info)
    moment = published_at(info)
    found = {
        "id": upload.recording_id.partition(":")[2],
        "title": upload.title,
        "duration": upload.length_s or None,
        "channel_id": channel.channel_id.partition(":")[2] if channel else None,
        "day": None if moment is None else int(moment // 86_400),
        "state": upload.state,
    }
    day = published_at({"upload_date": expected.get("upload_date")})
    wanted = {**expected, "title": " ".join(str(expected.get("title")).split()), "state": _state(expected, info)}
    wanted["day"] = None if day is None else int(day // 86_400)
    if expected.get("media_type"):
        found["kind"], wanted["kind"] = upload.kind, _MEDIA_KINDS.get(expected["media_type"])
    if expected.get("release_timestamp"):
        found["starts_at"], wanted["starts_at"] = upload.starts_at, expected["release_timestamp"]
    return _differences(found, wanted)


def _state(expected: Expected, info: Mapping[str, Any]) -> SourceState:
    live = _LIVE_STATES.get(str(expected.get("live_status")))
    closed = {
        "subscriber_only": SourceState.MEMBERS_ONLY,
        "premium_only": SourceState.MEMBERS_ONLY,
        "private": SourceState.PRIVATE,
        "needs_auth": SourceState.AGE_LIMITED if info.get("age_limit") else SourceState.PRIVATE,
    }.get(str(expected.get("availability")))
    return live or closed or SourceState.AVAILABLE


def caption_faults(body: bytes, expected: Expected) -> list[str]:  # noqa: ARG001 - one form for all readers
    """What is wrong with our reading of timed text: it must have words, in order of time."""
    starts = [cue.start_s for cue in parse(body).cues]
    return [] if starts and starts == sorted(starts) else ["no cues, or out of order"]


def _differences(found: Mapping[str, Any], expected: Expected) -> list[str]:
    """The fields that `expected` tells and of which something else was found."""
    wrong = (name for name in found if name in expected and found[name] != expected[name])
    return [f"{name}: {str(found[name])[:80]!r}, not {str(expected[name])[:80]!r}" for name in wrong]


_READERS: dict[str, Callable[[bytes, Expected], list[str]]] = {
    "feeds": feed_faults,
    "not_a_feed": not_a_feed_faults,
    "player": player_faults,
    "page_data": page_faults,
    "info": info_faults,
    "caption_xml": caption_faults,
}


# ---------------------------------------------------------------- links
def link_faults(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with our reading of a link.

    A row of YoutubeIE must give the id that it states, or, where it states none, one that stands in the link.
    """
    url, stated = str(row["url"]), str((row.get("info_dict") or {}).get("id") or "")
    video = youtube_id_of(url) or youtube_id(url)
    if row["extractor"] == "YoutubeIE":
        right = video == stated if stated else bool(video) and video in url
        return [] if right else [f"id {video!r}, not {stated or 'one of the link'!r}"]
    channel = youtube_channel_of(url)
    faults = []
    if (
        len(stated) == 11
        and (row.get("info_dict") or {}).get("upload_date")
        and stated in url
        and stated not in (video, channel)
    ):
        faults.append(f"id {video!r}, not {stated!r}")
    if _LIST_ID.fullmatch(stated) and stated in url and not video and channel[2:] != stated[2:]:
        faults.append(f"channel or playlist {channel!r}, not {stated!r}")
    if video and video not in url:
        faults.append(f"an id {video!r} that the link does not hold")
    return faults
