"""WebVTT by the standard, its settings, and the looser reading that loses no words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.captions import parse
from core.captions.cue_settings import CueSettings, read_settings
from core.captions.webvtt import parse_raw

TIMES = "00:01.000 --> 00:02.000"


def raw_texts(body: str, signature: str = "WEBVTT\n\n") -> list[str]:
    return [cue.text for cue in parse_raw((signature + body).encode())]


@pytest.mark.parametrize(
    "signature", ["WEBVTT\n\n", "WEBVTT title\n\n", "WEBVTT\t\r\n\r\n", "\ufeffWEBVTT\r\r", "WEBVTT\n"]
)
def test_signatures(signature: str) -> None:
    assert raw_texts(f"{TIMES}\nhello", signature) == ["hello"]


@pytest.mark.parametrize("signature", ["", "WEBVTTX\n\n", "webvtt\n\n", "\nWEBVTT\n\n", "\ufeff\ufeffWEBVTT\n\n"])
def test_what_is_no_signature(signature: str) -> None:
    assert raw_texts(f"{TIMES}\nhello", signature) == []


@pytest.mark.parametrize(
    "timing",
    ["0:1.000 --> 0:2.000", "00:01,000 --> 00:02,000", "00:01.00 --> 00:02.00", "00:61.000 --> 00:62.000",
     "00:01.0000 --> 00:02.000", "00:01.000 -> 00:02.000", "00:60:01.000 --> 01:00:02.000", "60:01.000 --> 60:02.000"],
)  # fmt: skip
def test_the_standard_drops_cues_with_bad_times(timing: str) -> None:
    assert raw_texts(f"{timing}\ngone\n\n{TIMES}\nkept") == ["kept"]


@pytest.mark.parametrize(
    "timing", ["0:00:01.000 --> 1:00:02.000", "00:01.000-->00:02.000", "\t00:01.000  -->\t00:02.000  "]
)
def test_the_standard_takes_these_times(timing: str) -> None:
    assert raw_texts(f"{timing}\nkept") == ["kept"]


def test_blocks() -> None:
    body = (
        "NOTE\nnot a cue\n\nSTYLE\n::cue { color: lime }\n\nREGION\nid:fred\n\nan id\n"
        f"{TIMES} align:end\nfirst\n \nstill first\n{TIMES}\nno empty line before\n\nid only\n\n{TIMES}\n\n{TIMES}"
    )
    cues = parse_raw(f"WEBVTT\n\n{body}".encode())
    assert [(cue.identifier, cue.text, cue.settings) for cue in cues] == [
        ("an id", "first\n \nstill first", "align:end"),
        ("", "no empty line before", ""),
        ("", "", ""),
        ("", "", ""),
    ]


def test_a_timing_line_ends_the_header() -> None:
    assert raw_texts(f"Kind: captions\n{TIMES}\nhello", "WEBVTT\n") == ["hello"]


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert parse_raw(b"WEBVTT\n\n00:01.000 --> 00:02.000\na\x00\xffb")[0].text == "a\ufffd\ufffdb"


@given(st.binary(max_size=300))
def test_raw_reading_takes_any_bytes(data: bytes) -> None:
    parse_raw(data)
    parse_raw(b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + data)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("", CueSettings()),
        (
            "align:start position:10%,end size:35.5%",
            CueSettings(align="start", position=10, position_align="end", size=35.5),
        ),
        ("align:left", CueSettings(align="left", position_align="start")),
        ("line:-1", CueSettings(line=-1)),
        ("line:5%,end vertical:rl", CueSettings(line=5, line_align="end", snap_to_lines=False, vertical="rl")),
        ("line:42%,left position:42%,left", CueSettings(line=42, position=42, snap_to_lines=False)),
        ("align:center size:101% position:-1% line:x vertical:up", CueSettings()),
        ("size:50%% size:5 align: :end a:b:c region:fred nonsense", CueSettings()),
        ("align:end align:start size:10% size:20%", CueSettings(align="end", position_align="end", size=10)),
        ("line:0 line:5", CueSettings(line=5)),
        ("line:0", CueSettings(line=0)),
        ("line:auto line:3", CueSettings(line="auto")),
    ],
)
def test_settings(written: str, wanted: CueSettings) -> None:
    assert read_settings(written) == wanted


def test_loose_times_and_arrows_in_the_text_lose_no_words() -> None:
    body = "0:1,5 --> 0:2\none\n\n00:03.000 --> 00:04.000\na --> b\nstays\n\n1:00:00.5-->1:00:01.25 line:5%\nthree"
    cues = parse(f"\n\nWEBVTT\n\n{body}".encode()).cues
    assert [(cue.start_s, cue.end_s, cue.text) for cue in cues] == [
        (1.5, 2.0, "one"),
        (3.0, 4.0, "a --> b stays"),
        (3600.5, 3601.25, "three"),
    ]
