"""Roll-up captions: each line once, lines truly said twice kept, other captions untouched."""

import html
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.captions import parse
from core.captions.rollup import without_repeats
from core.captions.track import RawCue

# Few words, so that lines are often the same as the one before.
LINES = st.lists(
    st.lists(st.sampled_from(["no", "yes", "R&B", ">>", "it's", "[Music]"]), min_size=1, max_size=3).map(tuple),
    min_size=2,
    max_size=12,
)


def clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def youtube(lines: Sequence[tuple[str, ...]], cleared: frozenset[int] = frozenset(), finished: bool = True) -> bytes:
    """`lines` in the layout of YouTube's automatic captions. Before the lines in `cleared` the window is emptied."""
    out = ["WEBVTT", "Kind: captions", "Language: en", ""]
    above, now = " ", 1000
    for index, words in enumerate(lines):
        if index in cleared:
            above, now = " ", now + 5000
        spoken = html.escape(words[0], quote=False)
        for count, word in enumerate(words[1:], start=1):
            spoken += f"<{clock(now + 200 * count)}><c> {html.escape(word, quote=False)}</c>"
        out += [f"{clock(now)} --> {clock(now + 1990)} align:start position:0%", above, spoken, ""]
        above, now = html.escape(" ".join(words), quote=False), now + 2000
        if finished:
            out += [f"{clock(now - 10)} --> {clock(now)} align:start position:0%", above, " ", ""]
    return "\n".join(out).encode()


@given(LINES, st.frozensets(st.integers(1, 11)))
def test_every_line_comes_back_once_and_in_order(lines: list[tuple[str, ...]], cleared: frozenset[int]) -> None:
    track = parse(youtube(lines, cleared))
    assert [cue.text for cue in track.cues] == [" ".join(line) for line in lines]
    assert track.rolled_up


def test_cues_keep_the_times_at_which_their_line_is_spoken() -> None:
    track = parse(youtube([("one", "two"), ("three", "four"), ("five", "six")]))
    assert [(cue.start_s, cue.end_s) for cue in track.cues] == [(1.0, 2.99), (3.0, 4.99), (5.0, 6.99)]


def test_a_window_without_finished_lines_is_read_too() -> None:
    lines = [("so", "here"), ("we", "are"), ("again", "today")]
    assert [cue.text for cue in parse(youtube(lines, finished=False)).cues] == ["so here", "we are", "again today"]


def test_the_same_file_converted_to_subrip_has_the_same_lines() -> None:
    lines = [("one", "two"), ("one", "two"), ("three",), ("three",), ("four", "five")]
    text = youtube(lines).decode()
    for start in ("<c>", "</c>", "WEBVTT\nKind: captions\nLanguage: en\n\n", " align:start position:0%"):
        text = text.replace(start, "")
    assert [cue.text for cue in parse(text.encode()).cues] == [" ".join(line) for line in lines]


def test_three_line_windows_of_live_captions() -> None:
    said = [f"line {number}" for number in range(12)]
    screens = ["\n".join(said[max(0, last - 2) : last + 1]) for last in range(12)]
    cues = [RawCue(float(second), second + 1.0, screen) for second, screen in enumerate(screens)]
    fresh, rolled_up = without_repeats(cues)
    assert rolled_up
    assert [cue.text for cue in fresh] == said


@given(st.lists(st.sampled_from(["No.", "Yes.", "Why?", "La la"]), max_size=30))
def test_captions_of_one_line_are_never_taken_for_a_roll_up(texts: list[str]) -> None:
    cues = [RawCue(float(second), second + 0.9, text) for second, text in enumerate(texts)]
    assert without_repeats(cues) == (cues, False)


def test_a_chorus_in_ordinary_captions_stays() -> None:
    verses = ["la la\nla la", "hey\nyou", "la la\nla la", "la la\nla la", "you\nthere", "oh", "oh", "bye"]
    cues = [RawCue(float(second), second + 1.0, text) for second, text in enumerate(verses)]
    assert without_repeats(cues) == (cues, False)


def test_starts_are_in_order_after_the_repeats_are_gone() -> None:
    track = parse(youtube([("a", "b"), ("c", "d")] * 20, frozenset({3, 9})))
    assert all(one.start_s < other.start_s for one, other in pairwise(track.cues))
