"""Labels in captions: who speaks, only where the captions mean it, and no other word lost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.captions import parse
from core.messages import Cue
from core.speakers import with_speakers
from demo.site import CHANNEL


def cues(*texts: str) -> list[Cue]:
    return [Cue(float(second), second + 1.0, text) for second, text in enumerate(texts)]


def said(*texts: str, presenter: str = "") -> list[tuple[str, str]]:
    return [(cue.speaker, cue.text) for cue in with_speakers(cues(*texts), presenter)]


def test_a_label_holds_until_the_next_and_takes_the_presenters_name() -> None:
    assert said(
        "Welcome everybody.",
        "man: Is it fast?",
        "Really fast?",
        "Crockford: It is.",
        "Very.",
        ">> man: Thank you.",
        "Crockford: Next.",
        presenter="Douglas Crockford",
    ) == [
        ("", "Welcome everybody."),
        ("A man", "Is it fast?"),
        ("A man", "Really fast?"),
        ("Douglas Crockford", "It is."),
        ("Douglas Crockford", "Very."),
        ("A man", "Thank you."),
        ("Douglas Crockford", "Next."),
    ]


def test_of_two_presenters_each_keeps_the_own_name() -> None:
    rows = said("Fitz: One.", "Ben: Two.", "Fitz: Three.", "Ben: Four.", presenter="Brian Fitz and Ben Collins")
    assert [speaker for speaker, _ in rows] == ["Fitz", "Ben", "Fitz", "Ben"]


@pytest.mark.parametrize(
    "texts",
    [
        ("Note: this matters.", "Note: that too.", "Warning: hot.", "Warning: wet."),
        ("There is one rule: be kind.", "Rule: be kind.", "Rule: be kind."),
        ("man: Only one label.", "And what he answers."),
        ("Crockford: One.", "Crockford: Two.", "Crockford: Three."),
        ("So: what now?", "So: what then?", "But: no.", "But: yes."),
    ],
)
def test_what_is_no_label_stays_text(texts: tuple[str, ...]) -> None:
    assert said(*texts) == [("", text) for text in texts]


def test_a_dash_for_another_voice_is_no_word() -> None:
    assert said("- In this video, we look at tokens.", "-- Yes.", "A -1 stays.", "-1 stays too.") == [
        ("", "In this video, we look at tokens."),
        ("", "Yes."),
        ("", "A -1 stays."),
        ("", "-1 stays too."),
    ]


def test_names_from_markup_win() -> None:
    marked = [Cue(0.0, 1.0, "man: Hello.", "Ada"), *cues("man: a", "woman: b", "man: c")]
    assert with_speakers(marked) == marked


@given(st.lists(st.text("Ab: >-mn", max_size=20), max_size=12), st.text(max_size=10))
def test_times_stay_and_words_are_only_taken_from_the_start(texts: list[str], presenter: str) -> None:
    before = cues(*texts)
    after = with_speakers(before, presenter)
    assert [(cue.start_s, cue.end_s) for cue in after] == [(cue.start_s, cue.end_s) for cue in before]
    assert all(old.text.endswith(new.text) for old, new in zip(before, after, strict=True))


def test_the_sample_talk_has_its_questioners() -> None:
    talk: Path = CHANNEL / "talks" / "javascript-the-good-parts.vtt"
    speakers = {cue.speaker for cue in with_speakers(parse(talk.read_bytes()).cues, "Douglas Crockford")}
    assert speakers == {"A man", "Souders", "Douglas Crockford"}


def test_a_single_label_of_the_presenter_ends_the_introduction() -> None:
    rows = said("Ming: Welcome.", "Ming: Here he is.", "Philippe: Thanks.", "So.", presenter="Dr. Philippe Goldin")
    assert [speaker for speaker, _ in rows] == ["Ming", "Ming", "Dr. Philippe Goldin", "Dr. Philippe Goldin"]
