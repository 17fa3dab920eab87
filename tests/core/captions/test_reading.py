"""Whole files: real ones exactly right, everything else refused in words, never a crash."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.captions import MAX_BYTES, CaptionFormat, CaptionTrack, parse
from core.errors import UnreadableCaptions
from core.sentences import to_sentences

DATA = Path(__file__).parents[2] / "data" / "captions"
ROWS = [json.loads(line) for line in (DATA / "index.jsonl").read_text(encoding="utf-8").splitlines()]
DERIVED = [row["file"] for row in ROWS if row["expect"] == "gold_text"]
TIMES = b"00:00:01.000 --> 00:00:02.000\n"


@pytest.mark.parametrize("name", DERIVED)
def test_derived_files_are_exact(name: str) -> None:
    gold = json.loads((DATA / "gold" / f"{Path(name).name}.json").read_text(encoding="utf-8"))
    track = parse((DATA / name).read_bytes())
    assert " ".join(cue.text for cue in track.cues) == gold["text"]
    assert track.rolled_up == ("cues" not in gold)
    if "cues" in gold:
        assert [[cue.start_s, cue.end_s, cue.text] for cue in track.cues] == gold["cues"]


def test_speakers_come_from_voice_tags() -> None:
    speakers = {cue.speaker for cue in parse((DATA / "derived" / "settings_tags.vtt").read_bytes()).cues}
    assert speakers == {"", "Speaker One"}


@pytest.mark.parametrize(
    ("name", "layout", "encoding", "number"),
    [
        ("real/es__MissionPossible.stc", CaptionFormat.SPRUCE, "utf-8", 150),
        ("real/ja__Discoverability-gfw-JA.sub", CaptionFormat.SUBVIEWER, "cp932", 19),
        ("real/en__Google_Web_Elements.srt", CaptionFormat.SUBVIEWER, "utf-8", 12),
        ("fixtures/go-astisub__example-in-non-utf8.srt", CaptionFormat.SUBRIP, "utf-16-le", 6),
    ],
)
def test_the_layout_is_told_by_the_content(name: str, layout: CaptionFormat, encoding: str, number: int) -> None:
    track = parse((DATA / name).read_bytes())
    assert (track.format, track.encoding, len(track.cues)) == (layout, encoding, number)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf", "without times"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"<!-- x -->\n<HTML><pre>00:00:01.000 --> 00:00:02.000\nno</pre>", "web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 40, "binary"),
        (b"just a few words, and 12:30 o'clock", "without times"),
        (b"{1}{25}frames|only", "without times"),
        (b"WEBVTT\n\n" + TIMES, "no words"),
        (b"WEBVTT\n\n" + TIMES + b"<i> </i>", "no words"),
        (b"x" * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_refusals_say_what_is_wrong(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableCaptions, match=said) as caught:
        parse(data)
    assert caught.value.advice


def read(data: bytes) -> CaptionTrack | None:
    try:
        return parse(data)
    except UnreadableCaptions:
        return None


PIECES = st.sampled_from([
    b"WEBVTT", b"\n", b"\n\n", b"\r", b"-->", TIMES, b"00:00:01,5 --> ", b"*TC 00:00:01;29\n", b"0:00:01.0,0:00:02.0\n",
    b"<v A>", b"<", b">", b"</", b"&amp;", b"&#x110000;", b"&#0;", b"{\\an8}", b"x y", b"1\n", b"NOTE ", b"[br]",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xe9", b"\x82\xa0", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1b$B", b"9" * 20,
    b'{"events":[', b'{"segs":[{"utf8":"a"}],"tStartMs":5}', b"]}", b"<tt><p begin='1s'>", b"</p></tt>",
    b"X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:9\n",
])  # fmt: skip


@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=25).map(b"".join)))
@example(b"WEBVTT\n\nWEBVTT\n\n")
@example(b"00:00:01,000 --> 00:00:02,000\n\xff")
def test_any_bytes_give_good_cues_or_a_refusal(data: bytes) -> None:
    track = read(data)
    if track is None:
        return
    assert track.cues
    starts = [cue.start_s for cue in track.cues]
    assert starts == sorted(starts)
    for cue in track.cues:
        assert 0 <= cue.start_s <= cue.end_s < float("inf")
        assert cue.text == " ".join(cue.text.split()) != ""
        cue.text.encode()
    assert to_sentences(track.cues)


HOSTILE = {
    "opened tags": (b"WEBVTT\n\n" + TIMES, b"<a"),
    "a tag of blanks": (b"WEBVTT\n\n" + TIMES + b"<v", b" "),
    "an endless word time": (b"WEBVTT\n\n" + TIMES + b"<1:", b"1:"),
    "opened codes": (b"WEBVTT\n\n" + TIMES, b"{\\"),
    "references": (b"WEBVTT\n\n" + TIMES, b"&a"),
    "brackets": (b"WEBVTT\n\n" + TIMES, b"(["),
    "lines": (b"WEBVTT\n\n" + TIMES, b"x\n"),
    "segments": (TIMES, b"WEBVTT\n\n"),
    "timing lines": (b"", TIMES + b"x\n"),
    "one long number": (TIMES, b"1"),
    "numbers": (TIMES, b"1\n\n"),
    "digits and colons": (TIMES + b"x\n", b"1:"),
    "sentences": (b"WEBVTT\n\n" + TIMES, b"Hi there. "),
    "turns": (b"WEBVTT\n\n" + TIMES, b">> a "),
    "no full stops": (b"WEBVTT\n\n" + TIMES, b"so then "),
    "paragraphs in paragraphs": (b"<tt>", b"<p begin='1s'>x"),
    "roll-up": (b"WEBVTT\n\n", TIMES + b"a\nb\n\n" + TIMES + b"b\na\n\n"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_work_grows_with_the_size_and_not_with_its_square(case: str) -> None:
    head, piece = HOSTILE[case]
    small = _least_work(head + piece * (4_000 // len(piece)))
    large = _least_work(head + piece * (64_000 // len(piece)))
    # Sixteen times the input: about 16 times the work if linear, 256 times if quadratic.
    assert large < 80 * max(small, 200_000)


def _least_work(data: bytes) -> int:
    """The least CPU time of three readings, in nanoseconds: what the machine does beside cannot make it smaller."""
    times = []
    for _ in range(3):
        before = time.process_time_ns()
        track = read(data)
        to_sentences(track.cues if track else ())
        times.append(time.process_time_ns() - before)
    return min(times)
