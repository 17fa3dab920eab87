"""From what a recogniser heard to cues with times: every word once, in order, inside the sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.sentences import to_sentences
from core.speech import (
    SAMPLE_RATE,
    Segment,
    Stretch,
    Word,
    check_length,
    language_code,
    length_text,
    minutes_of,
    minutes_to_reserve,
    placed,
    quietest_cut,
    stretches_of,
    to_cues,
)

TIMES = st.floats(-1.0, 50.0, allow_nan=False)
WORDS = st.builds(Word, TIMES, TIMES, st.sampled_from([" and", " cold", "-hearted", ".", " 海", "です", " ", ""]))
SEGMENTS = st.lists(st.builds(lambda words: Segment(0.0, 1.0, tuple(words)), st.lists(WORDS)))


def heard(*words: tuple[float, float, str]) -> Segment:
    return Segment(words[0][0], words[-1][1], tuple(Word(*word) for word in words))


# ---------------------------------------------------------------- cues
def test_a_cue_is_what_stands_between_blanks() -> None:
    segment = heard((0.0, 0.4, " Rather"), (0.5, 0.8, " cold"), (0.8, 1.2, "-hearted"), (1.2, 1.3, "."))
    found = [(cue.start_s, cue.end_s, cue.text) for cue in to_cues([segment], 10.0)]
    assert found == [(10.0, 10.4, "Rather"), (10.5, 11.3, "cold-hearted.")]


def test_a_segment_in_a_script_without_blanks_is_one_cue() -> None:
    segment = heard((0.0, 0.5, "海は"), (0.5, 1.0, "広い"), (1.0, 1.4, "。"))
    assert [(cue.text, cue.end_s) for cue in to_cues([segment])] == [("海は広い。", 1.4)]


@given(SEGMENTS, st.floats(0.0, 100.0), st.floats(0.0, 60.0))
def test_every_word_is_kept_in_order_and_inside_the_sound(
    segments: list[Segment], offset_s: float, length_s: float
) -> None:
    until_s = offset_s + length_s
    cues = list(to_cues(segments, offset_s, until_s))
    said = "".join(" " + "".join(word.text for word in segment.words) for segment in segments)
    assert " ".join(cue.text for cue in cues) == " ".join(said.split())
    assert all(offset_s <= cue.start_s <= cue.end_s <= until_s for cue in cues)
    assert [cue.start_s for cue in cues] == sorted(cue.start_s for cue in cues)


def test_cues_of_words_become_sentences_with_their_times() -> None:
    segment = heard((1.0, 1.4, " Crabs"), (1.5, 1.9, " molt."), (4.0, 4.2, " They"), (4.3, 4.9, " hide."))
    sentences = to_sentences(list(to_cues([segment])), "en")
    assert [(one.start_s, one.end_s, one.text) for one in sentences] == [
        (1.0, 1.9, "Crabs molt."),
        (4.0, 4.9, "They hide."),
    ]


# ---------------------------------------------------------------- stretches of speech
GAPS = st.lists(st.tuples(st.floats(0.1, 5.0), st.floats(0.1, 9.0)), min_size=1, max_size=8)


def spoken_of(gaps: list[tuple[float, float]]) -> tuple[list[tuple[float, float]], float]:
    """Stretches with these pauses before them, and where the sound ends."""
    spoken, at_s = [], 0.0
    for pause_s, length_s in gaps:
        spoken.append((at_s + pause_s, at_s + pause_s + length_s))
        at_s += pause_s + length_s
    return spoken, at_s + 1.0


@given(GAPS, st.floats(0.0, 3.0))
def test_stretches_are_given_with_what_is_around_them_and_nothing_twice(
    gaps: list[tuple[float, float]], margin_s: float
) -> None:
    spoken, until_s = spoken_of(gaps)
    stretches = stretches_of(spoken, margin_s, until_s)
    given_ends = [0.0, *(end for stretch in stretches for end in stretch.given), until_s]
    assert given_ends == sorted(given_ends)
    for stretch in stretches:
        assert 0 <= stretch.start_s - stretch.given[0] <= margin_s + 1e-9
        assert 0 <= stretch.given[1] - stretch.end_s <= margin_s + 1e-9


@given(GAPS, st.data())
def test_a_word_is_found_again_where_it_was_said(gaps: list[tuple[float, float]], data: st.DataObject) -> None:
    spoken, until_s = spoken_of(gaps)
    stretches = stretches_of(spoken, 0.4, until_s)
    index = data.draw(st.integers(0, len(stretches) - 1))
    stretch = stretches[index]
    middle_s = (stretch.start_s + stretch.end_s) / 2
    before_s = sum(one.given[1] - one.given[0] for one in stretches[:index]) - stretch.given[0]
    word = Word(middle_s + before_s, stretch.end_s + before_s, " tide")
    (segment,) = placed([Segment(word.start_s, word.end_s, (word,))], stretches, 0.1)
    assert segment.words[0].start_s == pytest.approx(middle_s)
    assert segment.words[0].end_s == pytest.approx(stretch.end_s)


def test_a_word_that_begins_in_the_silence_is_placed_at_the_speech() -> None:
    stretches = [Stretch(2.0, 3.0, (1.6, 3.4)), Stretch(8.0, 9.0, (7.6, 9.4))]
    # Joined, the first stretch is 0.0 to 1.8 and its speech 0.4 to 1.4; the second 1.8 to 3.6 and 2.2 to 3.2.
    (segment,) = placed([heard((1.0, 1.6, " sea"), (1.3, 2.4, " tide"), (2.4, 3.6, " pool"))], stretches, 0.1)
    assert [word.start_s for word in segment.words] == pytest.approx([2.6, 7.9, 8.2])
    assert [word.end_s for word in segment.words] == pytest.approx([3.1, 8.2, 9.1])


@given(GAPS, SEGMENTS)
def test_no_word_is_placed_in_the_silence(gaps: list[tuple[float, float]], segments: list[Segment]) -> None:
    spoken, until_s = spoken_of(gaps)
    stretches = stretches_of(spoken, 0.4, until_s)
    for segment in placed(segments, stretches, 0.1):
        for word in segment.words:
            assert any(
                stretch.start_s - 0.1 - 1e-9 <= word.start_s <= word.end_s <= stretch.end_s + 0.1 + 1e-9
                for stretch in stretches
            )


# ---------------------------------------------------------------- cuts
@given(st.integers(0, 40), st.integers(9, 50))
def test_long_sound_is_cut_in_the_pause(quiet_from: int, tenths: int) -> None:
    """Noise with one pause of 0.5 s among the last 10 s."""
    rng = np.random.default_rng(quiet_from)
    samples = rng.integers(-20_000, 20_000, 20 * SAMPLE_RATE).astype(np.int16)
    start = (10 * 10 + tenths + quiet_from) * SAMPLE_RATE // 10
    samples[start : start + SAMPLE_RATE // 2] //= 100
    cut = quietest_cut(samples, 10 * SAMPLE_RATE)
    assert start < cut < start + SAMPLE_RATE // 2


@given(st.integers(1, 3 * SAMPLE_RATE))
def test_a_cut_always_gives_a_piece(search: int) -> None:
    samples = np.zeros(3 * SAMPLE_RATE + 1, dtype=np.int16)
    assert len(samples) - search < quietest_cut(samples, search) <= len(samples)


# ---------------------------------------------------------------- limits and minutes
@pytest.mark.parametrize(
    ("length_s", "text"),
    [(0.2, "1 s"), (45, "45 s"), (60, "1 min"), (61, "2 min"), (3600, "1 h"), (43_500, "12 h 5 min"), (3599, "1 h")],
)
def test_a_length_is_told_as_people_say_it(length_s: float, text: str) -> None:
    assert length_text(length_s) == text


def test_a_recording_over_the_limit_is_refused_with_a_sentence() -> None:
    check_length(43_200.0, 43_200.0)
    with pytest.raises(BadInput, match=r"It lasts 12 h 1 min; at most 12 h can be transcribed"):
        check_length(43_201.0, 43_200.0)


@given(st.floats(0.001, 1e5), st.floats(1.0, 1e5))
def test_what_is_reserved_covers_what_is_charged(length_s: float, most_s: float) -> None:
    """A transcription ends at the length that was given, or at the longest that is taken."""
    assert minutes_to_reserve(length_s, most_s) >= minutes_of(min(length_s, most_s))
    assert minutes_to_reserve(0.0, most_s) == minutes_of(most_s)
    assert minutes_of(length_s) * 60 >= length_s > (minutes_of(length_s) - 1) * 60


# ---------------------------------------------------------------- languages
@pytest.mark.parametrize(
    ("tag", "code"),
    [("en", "en"), ("en-US", "en"), ("zh-Hans", "zh"), ("pt_BR", "pt"), ("iw", "he"), ("nb-NO", "no"), ("EN", "en")],
)
def test_tags_of_sites_lead_to_the_codes_of_the_model(tag: str, code: str) -> None:
    assert language_code(tag, ["en", "he", "no", "pt", "zh"]) == code


@pytest.mark.parametrize("tag", ["", "tlh", "x-default", "und", "🐟"])
def test_a_language_that_the_model_does_not_know_is_left_to_be_found_out(tag: str) -> None:
    assert language_code(tag, ["en", "de"]) == ""
