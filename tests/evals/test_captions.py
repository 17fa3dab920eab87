"""The captions eval: right on right files, and it sees what is wrong."""

import json
import shutil
from pathlib import Path

import pytest

from core.captions import parse
from core.captions.webvtt import parse_raw
from core.errors import BadInput
from evals import captions
from evals.captions import conformance_faults, derived_faults, real_faults, run

DATA = Path(__file__).parents[1] / "data" / "captions"
CUE = b"WEBVTT\n\nid\n00:01.000 --> 00:02.000 align:end\n<b>hello</b>"


def test_the_parser_is_right_on_the_files_kept_here() -> None:
    figures = run(DATA)
    assert figures["derived_exact"] == figures["derived_total"] == 11
    assert figures["real_cues_right"] == figures["real_total"] == 3
    assert figures["conformance_right"] == figures["conformance_total"] == 33
    assert (figures["crashes"], figures["no_crash_files"], figures["refused"]) == (0, 10, 3)
    assert figures["rollup_word_ratio"] == 1.0


def test_wrong_gold_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    gold = tmp_path / "data" / "gold" / "unsorted.vtt.json"
    wanted = json.loads(gold.read_text(encoding="utf-8"))
    wanted["cues"][3][0] += 0.5
    gold.write_text(json.dumps(wanted), encoding="utf-8")
    (tmp_path / "data" / "derived" / "cr_only.vtt").write_bytes(b"<html>")
    figures = run(tmp_path / "data")
    assert figures["derived_exact"] == 9
    printed = capsys.readouterr().out
    assert "WRONG derived/unsorted.vtt: cues" in printed
    assert "WRONG derived/cr_only.vtt: not read" in printed


def test_crashes_are_counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_: bytes) -> None:
        raise IndexError("off by one")

    monkeypatch.setattr(captions, "parse", broken)
    figures = run(DATA)
    assert figures["crashes"] == 24
    assert figures["rollup_word_ratio"] is None
    assert "CRASH rollup_short.en.vtt: IndexError: off by one" in capsys.readouterr().out


def test_faults_name_what_differs() -> None:
    track = parse(CUE)
    assert derived_faults(track, {"text": "hello", "cues": [[1.0, 2.0, "hello"]]}) == []
    assert derived_faults(track, {"text": "other", "cues": []}) == ["text", "cues"]
    gold = {"n_cues": 2, "text_sha256": "", "first_start_s": 1.5, "last_end_s": 2.0}
    assert real_faults(track, gold) == ["1 cues, not 2", "text", "first time"]
    assert real_faults(None, gold) == ["not read"]


def test_conformance_faults_name_what_differs() -> None:
    right = {"id": "id", "startTime": 1, "endTime": 2, "text": "<b>hello</b>", "align": "end", "positionAlign": "end"}
    assert conformance_faults(parse_raw(CUE), [right]) == []
    wrong = {"id": "", "startTime": 0, "endTime": 2, "text": "hello", "align": "start", "size": 50}
    assert conformance_faults(parse_raw(CUE), [wrong]) == ["id", "text", "times", "align", "size"]
    assert conformance_faults((), [right]) == ["0 cues, not 1"]


def test_data_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is missing"):
        run(tmp_path)
    (tmp_path / "index.jsonl").write_text('{"file": ', encoding="utf-8")
    with pytest.raises(BadInput, match="not JSON"):
        run(tmp_path)
