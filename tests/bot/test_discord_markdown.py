import re

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord_markdown import escape, markdown, web_address, without_pings
from bot.page import Span, Style, line
from bot.plain_text import one_line

HOSTILE = [
    "@everyone",
    "@here",
    "<@123456789012345678>",
    "<@!123456789012345678>",
    "<@&123456789012345678>",
    "<#123456789012345678>",
    "<t:1700000000>",
    "</ask:123456789012345678>",
    "<:name:123456789012345678>",
]
MENTION = re.compile(r"@everyone|@here|<(?:@[!&]?|#|t:|/\w+:|a?:\w+:)\d+")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_mention_survives(text: str) -> None:
    for made in (escape(text), without_pings(text)):
        assert not MENTION.search(made)
        assert discord.utils.escape_mentions(made) == made


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[click](https://evil.example)", "\\[click\\](https:\u200b//evil.example)"),
        ("**bold** _it_ ~~no~~ ||spoiler|| `code`", r"\*\*bold\*\* \_it\_ \~\~no\~\~ \|\|spoiler\|\| \`code\`"),
        ("# heading", r"\# heading"),
        ("-# small", r"\-# small"),
        ("> quote", r"\> quote"),
        ("1. list", r"1\. list"),
        ("in 1. the middle - # >", "in 1. the middle - # >"),
        ("a\n# b", "a # b"),
        ("HTTPS://evil.example", "HTTPS:\u200b//evil.example"),
        ("join discord.gg/evil", "join discord\u200b.gg/evil"),
        ("back\\slash", "back\\\\slash"),
    ],
)
def test_markup_is_shown_as_it_is(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text())
def test_taking_the_escapes_away_gives_the_text_back(text: str) -> None:
    escaped = escape(text)
    back = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", escaped).replace("\u200b", "")
    assert back == one_line(text).replace("\u200b", "")


@given(st.text(st.sampled_from("[]()*_`~|\\<>@#:/ ahtps.")))
def test_no_link_or_style_can_be_made_from_text(text: str) -> None:
    bare = re.sub(r"\\.", "", escape(text))
    assert not re.search(r"[*_`~|\[\]]", bare)


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "file:///etc/passwd", "no address", "http://", "http://[bad"]
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert web_address(url) == ""
    assert markdown(line(Span("label", url=url))) == "label"


def test_an_address_cannot_end_its_link_early() -> None:
    made = markdown(line(Span("1:00", url="https://talks.example/a) [x](https://evil.example?q=ä&t=60#frag")))
    assert made.startswith("[1:00](https://talks.example/a%29%20[x]%28https://evil.example?q=%C3%A4&t=60#frag")
    assert made.count(")") == 1


def test_an_escaped_address_stays_as_it_is() -> None:
    url = "https://talks.example/%C3%A4/watch?v=a_b-c~d&t=60"
    assert web_address(url) == url


def test_a_line_keeps_the_spaces_between_its_spans() -> None:
    made = markdown(line("by ", Span("A *Title*", Style.ITALIC), " ", Span("now", Style.BOLD), quoted=True))
    assert made == r"> by *A \*Title\** **now**"


def test_an_empty_span_in_a_style_leaves_no_stars() -> None:
    assert markdown(line("a", Span("", Style.BOLD), Span("\x00", Style.ITALIC), "b")) == "ab"
