from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.following import Chapter
from core.messages import Recording, Sentence
from core.personal_data import Find, Found, mask, without_personal_data
from tests.core.talks import texts
from tests.fakes.personal_data import MaskEmails, find_emails


def finding(known: str, *numbers: str, kind: str = "PHONE_NUMBER") -> Find:
    """Finds `numbers` in the text `known`, and nothing in any other."""
    found = [Found(known.index(it), known.index(it) + len(it), kind) for it in numbers]
    return lambda text: found if text == known else ()


async def test_title_headings_and_sentences_are_masked_and_all_else_stays() -> None:
    recording = Recording("r", "https://talks.example/r", "Ask ada@example.org", "Ada", 60.0, "2026-01-01", "en")
    sentences = [Sentence(1.0, 2.0, "Write to bob@example.org now.", "Ada"), Sentence(3.0, 4.0, "Or do not.", "Bob")]
    chapters = [Chapter(0.0, "eve@example.org"), Chapter(3.0, "End")]
    masked = await without_personal_data(MaskEmails(), recording, sentences, chapters)
    assert masked == (
        Recording("r", "https://talks.example/r", "Ask <EMAIL_ADDRESS>", "Ada", 60.0, "2026-01-01", "en"),
        (Sentence(1.0, 2.0, "Write to <EMAIL_ADDRESS> now.", "Ada"), Sentence(3.0, 4.0, "Or do not.", "Bob")),
        (Chapter(0.0, "<EMAIL_ADDRESS>"), Chapter(3.0, "End")),
    )
    assert await without_personal_data(MaskEmails(), *masked) == masked


@given(st.text(alphabet="ab.@ \n1", max_size=200))
def test_masking_again_changes_nothing(text: str) -> None:
    once = mask(text, find_emails)
    assert mask(once, find_emails) == once
    assert not find_emails(once)


@given(st.text(alphabet="abc.,:;()!? \n", max_size=200))
def test_a_text_without_personal_data_is_unchanged(text: str) -> None:
    assert mask(text, find_emails) == text


def test_a_long_text_is_masked_wherever_it_stands() -> None:
    text = "word " * 1000 + "ada@example.org " + "word " * 1000 + "bob@example.org"
    assert mask(text, find_emails) == text.replace("ada@example.org", "<EMAIL_ADDRESS>").replace(
        "bob@example.org", "<EMAIL_ADDRESS>"
    )


def test_of_what_overlaps_nothing_is_left_over() -> None:
    once = finding("Call 212 555 0123 456 now", "212 555 0123", "555 0123 456")
    assert mask("Call 212 555 0123 456 now", once) == "Call <PHONE_NUMBER> now"


@pytest.mark.parametrize(
    ("text", "number", "kind"),
    [
        ("Pi is 3.14159265358 and goes on", "14159265358", "PHONE_NUMBER"),
        ("And 1 2 3 4 5 6 7 8 and go", "1 2 3 4 5 6 7 8", "PHONE_NUMBER"),
        ("In 1680 he wrote to x@y", "1680", "PHONE_NUMBER"),
        ("Open 127.0.0.1 there", "127.0.0.1", "IP_ADDRESS"),
        ("Open 192.168.0.1 there", "192.168.0.1", "IP_ADDRESS"),
        ("It is a::b in full", "a::b", "IP_ADDRESS"),
    ],
)
def test_what_only_looks_like_somebodys_number_stays(text: str, number: str, kind: str) -> None:
    assert mask(text, finding(text, number, kind=kind)) == text


def test_nothing_is_looked_for_in_speech() -> None:
    asked: list[str] = []

    def find(text: str) -> Sequence[Found]:
        asked.append(text)
        return ()

    for _, text in texts():
        mask(text, find)
    assert len(asked) < 20
