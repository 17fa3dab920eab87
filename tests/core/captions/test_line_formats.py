"""SubRip, SubViewer and Spruce STL as they are found."""

import pytest

from core.captions import CaptionFormat, parse


def cues(text: str) -> list[tuple[float, float, str]]:
    return [(cue.start_s, cue.end_s, cue.text) for cue in parse(text.encode()).cues]


@pytest.mark.parametrize(
    ("timing", "start_s", "end_s"),
    [
        ("00:00:01,500 --> 00:00:02,250", 1.5, 2.25),
        ("00:00:12,6  --> 00:00:16,06", 12.6, 16.06),
        ("0:00:01.5-->0:00:02", 1.5, 2.0),
        ("00:01,500 --> 00:02,250 X1:117 X2:619 Y1:042 Y2:428", 1.5, 2.25),
        ("100:00:00,000 --> 100:00:01,000", 360000.0, 360001.0),
        ("00: 00: 01, 500 -> 00: 00: 02, 250", 1.5, 2.25),
        ("00:00:01:500 —> 00:00:02:250", 1.5, 2.25),
        ("00:00:01;500 → 00:00:02;250", 1.5, 2.25),
        ("-00:00:01,500 --> 00:00:02,250", 0.0, 2.25),
        ("00:00:05,000 --> 00:00:02,000", 5.0, 5.0),
    ],
)
def test_times_as_people_write_them(timing: str, start_s: float, end_s: float) -> None:
    assert cues(f"1\n{timing}\nhello") == [(start_s, end_s, "hello")]


T = [f"00:00:0{second},000 --> 00:00:0{second + 1},000" for second in range(5)]


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (f"1\n{T[0]}\none\n\n2\n{T[1]}\ntwo\n", ["one", "two"]),
        (f"{T[0]}\none\n{T[1]}\ntwo", ["one", "two"]),
        (f"1\n{T[0]}\none\n2\n{T[1]}\ntwo", ["one", "two"]),
        (f"1\n\n{T[0]}\n\none\n\n2\n\n{T[1]}\n\ntwo", ["one", "two"]),
        (f"7\n{T[0]}\none\n\n9\n{T[1]}\n42\n\n{T[2]}\nthree", ["one", "42", "three"]),
        (f"1\n{T[0]}\none\n\nafter a gap\n\n2\n{T[1]}\ntwo", ["one after a gap", "two"]),
        (f"1\n{T[0]}\none\n\n2\nwithout times\n\n3\n{T[1]}\nthree", ["one without times", "three"]),
        (f"1\n{T[0]}\n\n2\n{T[1]}\ntwo", ["two"]),
        (f"title\n\n1\n{T[0]}\none", ["one"]),
        (f"1\n{T[0]}\nin the year\n1984\n\n2\n{T[1]}\nend 5", ["in the year 1984", "end 5"]),
    ],
)
def test_numbers_and_gaps(body: str, texts: list[str]) -> None:
    assert [text for _, _, text in cues(body)] == texts


def test_cues_come_in_time_order_and_equal_times_in_file_order() -> None:
    assert [text for _, _, text in cues(f"{T[2]}\nc\n\n{T[0]}\nb\n\n{T[0]}\na")] == ["b", "a", "c"]


def test_subviewer_with_its_header_and_line_breaks() -> None:
    text = (
        "[INFORMATION]\n[TITLE]a talk\n[END INFORMATION]\n[SUBTITLE]\n[COLF]&HFFFFFF,[SIZE]18\n"
        "00:00:01.50,00:00:02.75\nfirst[br]second\n\n00:00:03.00,00:00:04.00\n[STYLE]bold\nthird\n"
    )
    assert cues(text) == [(1.5, 2.75, "first second"), (3.0, 4.0, "third")]
    assert parse(text.encode()).format is CaptionFormat.SUBVIEWER


def test_sbv() -> None:
    assert cues("0:00:00.378,0:00:11.378\none\n\n0:01:11.378,0:01:12.305\ntwo, 2\n") == [
        (0.378, 11.378, "one"),
        (71.378, 72.305, "two, 2"),
    ]


def test_spruce_counts_frames_and_ends_each_cue_at_the_next() -> None:
    found = cues("*TC 00:00:04;15\none\n\n*TC 00:01:06;00\ntwo\n")
    assert found == [(4.5, 66.0, "one"), (66.0, 71.0, "two")]  # 15 of 29.97 frames


def test_spruce_whose_first_time_is_the_tapes_length() -> None:
    assert cues("*TC 00:12:19;27\none\n\n*TC 00:00:04;00\ntwo\n") == [(0.0, 4.0, "one"), (4.0, 9.0, "two")]
