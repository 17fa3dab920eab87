"""HLS segments joined into one file."""

import pytest

from core.captions.segments import parse_webvtt


def segment(*cues: tuple[str, str, str], ticks: int | None = None, local: str = "00:00:00.000") -> str:
    header = "WEBVTT\n" + (f"X-TIMESTAMP-MAP=MPEGTS:{ticks},LOCAL:{local}\n" if ticks is not None else "")
    return header + "".join(f"\n{start} --> {end}\n{text}\n" for start, end, text in cues) + "\n"


A, B, C = ("00:01.000", "00:02.000", "a"), ("00:02.000", "00:03.000", "b"), ("00:03.000", "00:04.000", "c")


def texts(text: str) -> list[str]:
    return [cue.text for cue in parse_webvtt(text)]


def test_a_cue_that_crosses_a_border_stands_once() -> None:
    assert texts(segment(A, B) + segment(B, C)) == ["a", "b", "c"]


def test_cues_that_one_file_repeats_stay() -> None:
    assert texts(segment(A, A, B)) == ["a", "a", "b"]


def test_a_crossing_cue_that_was_cut_in_two_is_joined() -> None:
    cues = parse_webvtt(segment(A, ("00:02.000", "00:03.000", "b")) + segment(("00:03.000", "00:05.000", "b"), C))
    assert [(cue.start_s, cue.end_s, cue.text) for cue in cues][1] == (2.0, 5.0, "b")
    assert len(cues) == 3


def test_a_line_said_twice_across_a_border_stays_when_the_first_is_repeated() -> None:
    again = ("00:03.000", "00:04.000", "b")
    assert texts(segment(A, B) + segment(B, again)) == ["a", "b", "b"]


@pytest.mark.parametrize("separator", ["", "\ufeff", "\n\n"])
def test_headers_with_a_mark_and_empty_lines_between(separator: str) -> None:
    assert texts(segment(A, ticks=0) + separator + segment(B, ticks=0)) == ["a", "b"]


def test_a_header_that_follows_a_text_line_at_once() -> None:
    assert texts(segment(A, ticks=0).rstrip("\n") + "\n" + segment(B, ticks=0)) == ["a", "b"]


def test_a_text_line_that_begins_with_the_signature_is_text() -> None:
    assert texts(segment(("00:01.000", "00:02.000", "WEBVTT is\nWEBVTT"))) == ["WEBVTT is\nWEBVTT"]


def test_maps_move_later_segments_and_leave_the_first() -> None:
    joined = segment(A, ticks=900_000) + segment(A, ticks=900_000 + 6 * 90_000) + segment(A, ticks=900_000)
    assert [cue.start_s for cue in parse_webvtt(joined)] == [1.0, 7.0]


def test_a_local_time_in_the_map_counts_back() -> None:
    joined = segment(A, ticks=0) + segment(B, ticks=6 * 90_000, local="00:00:06.000")
    assert [cue.start_s for cue in parse_webvtt(joined)] == [1.0, 2.0]


def test_the_33_bit_clock_turns_over() -> None:
    joined = segment(A, ticks=2**33 - 90_000) + segment(A, ticks=90_000)
    assert [cue.start_s for cue in parse_webvtt(joined)] == [1.0, 3.0]


@pytest.mark.parametrize("broken", ["X-TIMESTAMP-MAP=LOCAL:x,MPEGTS:y", "X-TIMESTAMP-MAP", "Kind: captions"])
def test_a_broken_or_missing_map_moves_nothing(broken: str) -> None:
    later = segment(B).replace("WEBVTT\n", f"WEBVTT\n{broken}\n")
    assert [cue.start_s for cue in parse_webvtt(segment(A, ticks=0) + later)] == [1.0, 2.0]
