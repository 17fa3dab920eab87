"""Captions: right cues, right text, no roll-up repeats, no crash on odd files.

Over a directory with `index.jsonl` (files and what to expect of each), `gold/` and `conformance_vttjs.jsonl`:

- derived: files made from real ones, whose text, and cues where the gold has them, must be exact;
- real: published files, with the right number of cues, first and last time, and SHA-256 of the text;
- conformance: mozilla/vtt.js cases with the right number, ids, times, settings and text of cues (not the disputed);
- crashes: files on which anything is raised but UnreadableCaptions.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.captions import CaptionTrack, parse
from core.captions.cue_settings import read_settings
from core.captions.track import RawCue
from core.captions.webvtt import parse_raw
from core.errors import BadInput, UnreadableCaptions

_SAME_TIME_S = 0.0006
_SETTINGS = {
    "align": "align",
    "line": "line",
    "lineAlign": "line_align",
    "position": "position",
    "positionAlign": "position_align",
    "size": "size",
    "snapToLines": "snap_to_lines",
    "vertical": "vertical",
}


def run(data: Path) -> Mapping[str, object]:
    """The figures over the data set in `data`. Prints a line for each file that is not right."""
    figures = dict.fromkeys(
        (
            "derived_exact",
            "derived_total",
            "real_cues_right",
            "real_total",
            "no_crash_files",
            "refused",
            "missing",
            "crashes",
        ),
        0,
    )
    word_ratios: list[float] = []
    for row in _rows(data / "index.jsonl"):
        track = _track(data / str(row["file"]), figures)
        if row["expect"] == "gold_text":
            gold = json.loads((data / row["gold"]["file"]).read_text(encoding="utf-8"))
            figures["derived_total"] += 1
            figures["derived_exact"] += _judge(row["file"], derived_faults(track, gold))
            if "cues" not in gold and track is not None:
                word_ratios.append(len(text_of(track).split()) / max(1, len(gold["text"].split())))
        elif row["expect"] == "cues":
            figures["real_total"] += 1
            figures["real_cues_right"] += _judge(row["file"], real_faults(track, row["gold"]))
        else:
            figures["no_crash_files"] += 1
    right, total = _conformance(data / "conformance_vttjs.jsonl", figures)
    ratio = round(sum(word_ratios) / len(word_ratios), 4) if word_ratios else None
    return {**figures, "conformance_right": right, "conformance_total": total, "rollup_word_ratio": ratio}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise BadInput(f"{path} is missing.", "Give --data a directory of the form that this module's help describes.")
    # Not splitlines(): a JSON string may hold U+2028 and its like.
    for line in filter(str.strip, path.read_text(encoding="utf-8").split("\n")):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise BadInput(f"{path} has a line that is not JSON ({error}).", "Fetch the data set again.") from error


def _track(path: Path, figures: dict[str, int]) -> CaptionTrack | None:
    try:
        return parse(path.read_bytes())
    except UnreadableCaptions as refusal:
        figures["refused"] += 1
        print(f"refused {path.name}: {refusal}")
    except OSError as error:
        figures["missing"] += 1
        print(f"MISSING {path.name}: {error.strerror}")
    except Exception as error:  # noqa: BLE001 - that a parser may raise anything is what is counted here
        figures["crashes"] += 1
        print(f"CRASH {path.name}: {type(error).__name__}: {error}")
    return None


def _judge(name: str, faults: list[str]) -> bool:
    if faults:
        print(f"WRONG {name}: {', '.join(faults)}")
    return not faults


def text_of(track: CaptionTrack) -> str:
    """The whole text of a track, cues joined by one space."""
    return " ".join(cue.text for cue in track.cues)


def derived_faults(track: CaptionTrack | None, gold: Mapping[str, Any]) -> list[str]:
    """What is wrong with a track beside its exact gold: nothing, or the names of what differs."""
    if track is None:
        return ["not read"]
    faults = [] if text_of(track) == gold["text"] else ["text"]
    if "cues" in gold:
        same_number = len(track.cues) == len(gold["cues"])
        same = same_number and all(
            _same_time(cue.start_s, start) and _same_time(cue.end_s, end) and cue.text == text
            for cue, (start, end, text) in zip(track.cues, gold["cues"], strict=True)
        )
        faults += [] if same else ["cues"]
    return faults


def real_faults(track: CaptionTrack | None, gold: Mapping[str, Any]) -> list[str]:
    """What is wrong with a track beside the gold of a published file."""
    if track is None:
        return ["not read"]
    checks = {
        f"{len(track.cues)} cues, not {gold['n_cues']}": len(track.cues) == gold["n_cues"],
        "text": hashlib.sha256(text_of(track).encode()).hexdigest() == gold["text_sha256"],
        "first time": _same_time(track.cues[0].start_s, gold.get("first_start_s")),
        "last time": _same_time(track.cues[-1].end_s, gold.get("last_end_s")),
    }
    return [fault for fault, right in checks.items() if not right]


def _same_time(one: float, other: float | None) -> bool:
    """Whether two times in seconds are the same; a gold that tells none agrees with any."""
    return other is None or abs(one - other) < _SAME_TIME_S


def _conformance(path: Path, figures: dict[str, int]) -> tuple[int, int]:
    right = total = 0
    for row in _rows(path):
        if row.get("disputed"):
            continue
        total += 1
        try:
            cues = parse_raw(base64.b64decode(row["vtt_b64"]))
        except Exception as error:  # noqa: BLE001 - that a parser may raise anything is what is counted here
            figures["crashes"] += 1
            print(f"CRASH {row['id']}: {type(error).__name__}: {error}")
            continue
        right += _judge(row["id"], conformance_faults(cues, row["cues"] or []))
    return right, total


def conformance_faults(cues: tuple[RawCue, ...], gold: list[Mapping[str, Any]]) -> list[str]:
    """What is wrong with raw WebVTT cues beside those of mozilla/vtt.js."""
    if len(cues) != len(gold):
        return [f"{len(cues)} cues, not {len(gold)}"]
    faults: list[str] = []
    for cue, wanted in zip(cues, gold, strict=True):
        settings = read_settings(cue.settings)
        faults += [] if cue.identifier == wanted["id"] else ["id"]
        faults += [] if cue.text == wanted["text"] else ["text"]
        times = _same_time(cue.start_s, wanted["startTime"]) and _same_time(cue.end_s, wanted["endTime"])
        faults += [] if times else ["times"]
        faults += [
            name for name, ours in _SETTINGS.items() if name in wanted and getattr(settings, ours) != wanted[name]
        ]
    return faults
