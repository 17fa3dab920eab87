import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bot.plain_text import clock, has_control_characters, one_line, plain, shorten


def test_escape_sequences_go_as_a_whole() -> None:
    assert plain("\x1b[31mred\x1b[0m and \x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x07") == "red and link"
    assert plain("title\x1b]0;pwned\x07!") == "title!"
    assert plain("\x9b2Jclear") == "clear"


def test_an_escape_sequence_that_never_ends_takes_no_other_line() -> None:
    assert plain("\x1b]0;open\nnext") == "\nnext"


def test_reversed_order_and_lone_surrogates_go() -> None:
    assert plain("exe.\u202egpj\u2066 \ud800") == "exe.gpj "


def test_joiners_stay_for_emoji_and_persian() -> None:
    assert plain("👩\u200d🚀 می\u200cخواهم") == "👩\u200d🚀 می\u200cخواهم"


@given(st.text(st.characters(codec=None)))
def test_plain_text_holds_no_controls_and_can_be_encoded(text: str) -> None:
    cleaned = plain(text)
    cleaned.encode()
    assert all(character == "\n" or unicodedata.category(character) != "Cc" for character in cleaned)
    assert plain(cleaned) == cleaned
    assert "\n" not in one_line(text)
    assert not has_control_characters(one_line(text))


@given(st.text(), st.integers(1, 50))
def test_shorten_keeps_the_limit_and_a_beginning(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_shorten_prefers_a_space() -> None:
    assert shorten("one two three four", 12) == "one two…"


def test_clock() -> None:
    assert [clock(second) for second in (-1, 0, 65.9, 754, 3599, 3600, 36_061)] == [
        "0:00",
        "0:00",
        "1:05",
        "12:34",
        "59:59",
        "1:00:00",
        "10:01:01",
    ]
