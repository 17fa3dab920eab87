"""Cues to sentences: every word once and in order, times inside the cues, speakers apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import Cue
from core.sentences import MAX_WORDS, PAUSE_S, to_sentences


def cues_of(*texts: str, gap_s: float = 0.0, length_s: float = 2.0) -> list[Cue]:
    return [Cue(i * (length_s + gap_s), i * (length_s + gap_s) + length_s, text) for i, text in enumerate(texts)]


def texts(cues: list[Cue], language: str = "en") -> list[str]:
    return [sentence.text for sentence in to_sentences(cues, language)]


WORDS = st.sampled_from(
    ["so", "Then", "it's", "Dr.", "U.S.", "e.g.", "end.", "What?", "[Music]", "(laughs)", "♪", "3.5", "…", "“Yes.”",
     ">>", "不是。", "はい。「え？」次", "。", "a" * 90]
)  # fmt: skip
CUES = st.lists(
    st.tuples(
        st.integers(0, 3000), st.integers(-5, 4000), st.lists(WORDS, max_size=50), st.sampled_from(["", "Ann", "Bob"])
    ),
    max_size=12,
)


@given(CUES, st.sampled_from(["en", "zh-CN", "ja", "ru", "", "xx"]))
def test_every_word_once_in_order_with_sane_times(rows: list[tuple[int, int, list[str], str]], language: str) -> None:
    cues, now = [], 0
    for wait_ms, length_ms, words, speaker in rows:
        now += wait_ms
        cues.append(Cue(now / 1000, (now + length_ms) / 1000, "  ".join(words), speaker))
    sentences = to_sentences(cues, language)
    assert "".join("".join(sentence.text.split()) for sentence in sentences) == "".join(
        "".join(cue.text.split()) for cue in cues
    )
    latin = [word for cue in cues for word in cue.text.split() if word.isascii()]
    assert [word for sentence in sentences for word in sentence.text.split() if word.isascii()] == latin
    said = {(word, cue.speaker) for cue in cues for word in cue.text.split() if word.isascii()}
    for sentence in sentences:
        assert sentence.text == " ".join(sentence.text.split()) != ""
        assert sentence.start_s <= sentence.end_s
        assert any(cue.start_s <= sentence.start_s <= max(cue.start_s, cue.end_s) for cue in cues)
        assert all((word, sentence.speaker) in said for word in sentence.text.split() if word.isascii())
    starts = [sentence.start_s for sentence in sentences]
    assert len(starts) < 2 or starts[0] == min(starts)


def test_sentences_cross_cues_and_take_their_times() -> None:
    found = to_sentences(
        [Cue(1.0, 2.0, "We met Dr."), Cue(2.0, 4.0, "Smith in the U.S. today."), Cue(5.0, 6.0, "It was fun.")]
    )
    assert [(sentence.start_s, sentence.end_s, sentence.text) for sentence in found] == [
        (1.0, 4.0, "We met Dr. Smith in the U.S. today."),
        (5.0, 6.0, "It was fun."),
    ]


def test_times_inside_a_cue_follow_its_characters() -> None:
    first, second = to_sentences([Cue(10.0, 20.0, "Aaaa bb. Cccccc dddd.")])
    assert (first.start_s, second.end_s) == (10.0, 20.0)
    assert abs(first.end_s - (10 + 10 * 8 / 21)) < 1e-9
    assert abs(second.start_s - (10 + 10 * 9 / 21)) < 1e-9


def test_a_change_of_speaker_ends_a_sentence() -> None:
    found = to_sentences([Cue(0, 1, "I think that", "Ann"), Cue(1, 2, "no.", "Bob"), Cue(2, 3, "Well.", "Bob")])
    assert [(sentence.text, sentence.speaker) for sentence in found] == [
        ("I think that", "Ann"),
        ("no.", "Bob"),
        ("Well.", "Bob"),
    ]


def test_the_mark_of_a_new_speaker_ends_a_sentence() -> None:
    assert texts(cues_of(">> Hello. and so >> what is", "it? >> Nothing.")) == [
        ">> Hello.",
        "and so",
        ">> what is it?",
        ">> Nothing.",
    ]


def test_captions_without_punctuation_are_split_at_pauses() -> None:
    assert texts(cues_of("so here we are", "today to talk", gap_s=PAUSE_S - 0.1)) == ["so here we are today to talk"]
    assert texts(cues_of("so here we are", "today to talk", gap_s=PAUSE_S + 0.1)) == ["so here we are", "today to talk"]


def test_captions_without_punctuation_or_pauses_are_split_between_cues_by_words() -> None:
    lines = [" ".join(f"w{line}x{word}" for word in range(7)) for line in range(30)]
    found = texts(cues_of(*lines))
    assert all(MAX_WORDS / 2 < len(text.split()) <= MAX_WORDS for text in found[:-1])
    assert found == [" ".join(lines[start : start + 5]) for start in range(0, 30, 5)]


def test_one_endless_cue_is_split_by_its_words() -> None:
    found = texts([Cue(0, 60, "word " * 95)])
    assert [len(text.split()) for text in found] == [40, 40, 15]


def test_a_long_stretch_without_full_stops_among_sentences_is_split_too() -> None:
    found = texts(cues_of("Hello there.", *["and on and on it goes"] * 20, "So it is.", *["Yes."] * 3))
    assert max(len(text.split()) for text in found) <= MAX_WORDS
    assert found[0] == "Hello there."
    assert found[-3:] == ["Yes."] * 3


def test_sounds_between_sentences_stand_alone_and_inside_one_they_stay() -> None:
    assert texts(cues_of("[Music]", "(applause)", "Hello", "[laughs]", "there.", "[Music]")) == [
        "[Music]",
        "(applause)",
        "Hello [laughs] there.",
        "[Music]",
    ]
    assert texts(cues_of("so then", "[Music]", "we went")) == ["so then", "[Music]", "we went"]


def test_scripts_without_blanks() -> None:
    assert texts(cues_of("欢迎来到课程。", "这是目录。好"), "zh-CN") == ["欢迎来到课程。", "这是目录。", "好"]
    unpunctuated = texts(cues_of(*["歡迎來到這個課程"] * 30), "zh")
    assert [len(text.replace(" ", "")) for text in unpunctuated] == [80, 80, 80]


def test_no_cues_and_empty_cues() -> None:
    assert to_sentences([]) == []
    assert to_sentences([Cue(0, 1, " \n "), Cue(1, 2, "")]) == []


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            'They said, "We hide it. It is not done. And "then we show it. All at once. That is a mistake.',
            [
                'They said, "We hide it.',
                "It is not done.",
                'And "then we show it.',
                "All at once.",
                "That is a mistake.",
            ],
        ),
        (
            "We did it 'cause it works. Show 'em. The end of it.",
            ["We did it 'cause it works.", "Show 'em.", "The end of it."],
        ),
        ("It works. 'Cause we tried. Done it is.", ["It works.", "'Cause we tried.", "Done it is."]),
        ('He left. "You know it." She stayed.', ["He left.", '"You know it."', "She stayed."]),
        ("He left. “Why?” he asked. She stayed.", ["He left.", "“Why?” he asked.", "She stayed."]),
        ('"It works." "Does it?" Nobody knew.', ['"It works."', '"Does it?"', "Nobody knew."]),
    ],
)
def test_quotation_marks_do_not_hold_sentences_together(text: str, sentences: list[str]) -> None:
    assert [sentence.text for sentence in to_sentences([Cue(0.0, 10.0, text)])] == sentences
