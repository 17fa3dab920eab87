"""The feeds eval: right on right answers, and it sees what is wrong."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput
from evals import feeds
from evals.feeds import link_faults, run

DATA = Path(__file__).parents[1] / "data" / "channel_feeds"


def test_the_readers_are_right_on_the_files_kept_here(capsys: pytest.CaptureFixture[str]) -> None:
    figures = run(DATA)
    assert (figures["right"], figures["total"]) == (126, 129)
    assert (figures["video_ids_right"], figures["video_ids_total"]) == (41, 44)
    assert (figures["failures_read_as_empty"], figures["crashes"]) == (0, 0)
    assert capsys.readouterr().out.count("WRONG YoutubeIE") == 3


def damaged(tmp_path: Path, **changes: Any) -> Path:
    """The data set with one row of each kind in `changes` expecting something else."""
    shutil.copytree(DATA, tmp_path / "data")
    rows = [json.loads(line) for line in (DATA / "index.jsonl").read_text(encoding="utf-8").splitlines()]
    for kind, change in changes.items():
        row = next(row for row in rows if row["kind"] == kind)
        row["expected"] = (row["expected"] or {}) | change
    (tmp_path / "data" / "index.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return tmp_path / "data"


def test_wrong_answers_are_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = damaged(
        tmp_path,
        feeds={"n_shorts_links": 2},
        player={"length_s": 1},
        page_data={"video_ids": ["dQw4w9WgXcQ"]},
        info={"upload_date": "20000101"},
    )
    assert run(data)["right"] == 126 - 4
    printed = capsys.readouterr().out
    for kind, fault in (
        ("feeds", "n_shorts_links"),
        ("player", "length_s"),
        ("page_data", "video_ids"),
        ("info", "day"),
    ):
        assert any(line.startswith(f"WRONG {kind}") and fault in line for line in printed.splitlines())


def test_failures_that_are_read_as_empty_are_counted(tmp_path: Path) -> None:
    data = damaged(tmp_path)
    (data / "not_a_feed" / "youtube_consent_page.html").write_text("<rss><channel></channel></rss>", encoding="utf-8")
    (data / "feeds" / "youtube_podtube.xml").write_text("<feed></feed>", encoding="utf-8")
    assert run(data)["failures_read_as_empty"] == 2


def test_crashes_are_counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> None:
        raise IndexError("off by one")

    monkeypatch.setattr(feeds, "parse_feed", broken)
    assert run(DATA)["crashes"] == 7
    assert "CRASH IndexError: off by one" in capsys.readouterr().out


def test_a_kind_without_a_reader_and_a_missing_file_are_wrong_not_passed_over(tmp_path: Path) -> None:
    rows = [{"file": "x.bin", "kind": "new"}, {"file": "gone.xml", "kind": "feeds"}]
    (tmp_path / "x.bin").write_bytes(b"x")
    (tmp_path / "index.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "ytdlp_cases.jsonl").write_text("", encoding="utf-8")
    figures = run(tmp_path)
    assert (figures["right"], figures["total"], figures["crashes"]) == (0, 2, 0)


def test_links_are_judged_by_what_they_hold() -> None:
    video, uc = "dQw4w9WgXcQ", "UC" + "a" * 22
    right = {"extractor": "YoutubeIE", "url": f"https://youtu.be/{video}", "info_dict": {"id": video}}
    assert link_faults(right) == []
    assert link_faults(right | {"info_dict": {"id": "other______"}})
    assert link_faults({"extractor": "YoutubeIE", "url": "https://shore.example/"})
    channel = {"extractor": "YoutubeTabIE", "url": f"https://www.youtube.com/channel/{uc}", "info_dict": {"id": uc}}
    assert link_faults(channel) == []
    assert link_faults(channel | {"url": f"https://shore.example/{uc}"})


def test_a_directory_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"index\.jsonl is missing"):
        run(tmp_path)
    (tmp_path / "index.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(BadInput, match="not JSON"):
        run(tmp_path)
