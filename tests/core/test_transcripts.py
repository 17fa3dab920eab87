"""Transcripts as they are kept between the steps of a job: they come back as they were, or not at all."""

import base64
import zlib

from hypothesis import given
from hypothesis import strategies as st

from core.following import Chapter
from core.messages import Recording, Sentence
from core.transcripts import Transcript, in_whole_characters, packed, unpacked
from core.uploads import Channel

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
TIME = st.floats(0, 1e6, allow_nan=False)
SENTENCES = st.lists(st.builds(Sentence, TIME, TIME, TEXT, TEXT), max_size=20).map(tuple)
TRANSCRIPTS = st.builds(
    Transcript,
    st.builds(Recording, TEXT, TEXT, TEXT, TEXT, TIME, TEXT, TEXT),
    SENTENCES,
    st.lists(st.builds(Chapter, TIME, TEXT), max_size=4).map(tuple),
    st.none() | st.builds(Channel, TEXT, TEXT, TEXT, TEXT),
    TIME,
)


@given(TRANSCRIPTS)
def test_what_is_packed_comes_back_as_it_was(transcript: Transcript) -> None:
    text = packed(transcript)
    assert text.isascii()
    assert not {'"', "\\"} & set(text)
    assert unpacked(text) == transcript


@given(TRANSCRIPTS, st.data())
def test_a_part_of_it_is_nothing_and_never_half_a_recording(transcript: Transcript, data: st.DataObject) -> None:
    text = packed(transcript)
    end = data.draw(st.integers(0, len(text) - 1))
    assert unpacked(text[:end]) is None


@given(st.text(max_size=80))
def test_whatever_else_is_kept_is_nothing(text: str) -> None:
    assert unpacked(text) is None


def test_the_form_of_another_release_is_nothing() -> None:
    for body in (b"{}", b"[]", b'{"recording": {"title": "Tides"}}', b'{"sentences": 3}'):
        assert unpacked(base64.b85encode(zlib.compress(body)).decode()) is None


def test_speech_is_kept_in_a_fraction_of_its_size() -> None:
    said = tuple(Sentence(at, at + 4.0, f"And then we went to the shore for the {at:g}th time.") for at in range(2_000))
    transcript = Transcript(Recording("tides", "https://shore.example/tides", "Tides"), said)
    assert len(packed(transcript)) < sum(len(sentence.text) for sentence in said) / 3


def test_half_a_character_becomes_a_question_mark_and_all_else_stays() -> None:
    broken = Transcript(Recording("tides", "u", "Tides \ud800"), (Sentence(0.0, 1.0, "A sea \udfff star, caf\u00e9."),))
    whole = in_whole_characters(broken)
    assert unpacked(packed(whole)) == whole
    assert (whole.recording.title, whole.sentences[0].text) == ("Tides ?", "A sea ? star, caf\u00e9.")


@given(TRANSCRIPTS)
def test_what_is_whole_is_not_touched(transcript: Transcript) -> None:
    assert in_whole_characters(transcript) is transcript
