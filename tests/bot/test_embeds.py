import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.embeds import MAX_DESCRIPTION, MAX_EMBEDS, MAX_URL, embeds, one_embed, progress_text
from bot.page import Page, Progress, Span, Style, Tone, line
from tests.fakes.discord.limits import message_errors

LINK = "https://talks.example/1#t=754"


def long_page(lines: int) -> Page:
    made = [line(f"“Sentence number {number}.” ", Span("12:34", url=LINK), quoted=True) for number in range(lines)]
    return Page(tuple(made), "A question", "a receipt")


def test_a_short_page_is_one_embed() -> None:
    (embed,) = embeds(Page((line("Hello ", Span("world", Style.BOLD)),), "Title", "footer"))
    assert (embed.title, embed.description, embed.footer.text) == ("Title", "Hello **world**", "footer")


def test_a_long_page_goes_on_with_title_first_and_footer_last() -> None:
    made = embeds(long_page(150))
    assert len(made) > 1
    assert [bool(embed.title) for embed in made] == [True, *[False] * (len(made) - 1)]
    assert [bool(embed.footer.text) for embed in made] == [*[False] * (len(made) - 1), True]
    assert sum((embed.description or "").count(f"[12:34]({LINK})") for embed in made) == 150


def test_a_page_without_end_says_that_the_rest_is_left_out() -> None:
    made = embeds(long_page(5000))
    assert len(made) == MAX_EMBEDS
    assert "The rest is left out" in (made[-1].description or "")


def test_an_empty_page_is_still_an_embed() -> None:
    (embed,) = embeds(Page((), "Only a title"))
    assert embed.title == "Only a title"


@given(
    st.lists(st.tuples(st.text(max_size=300), st.booleans(), st.sampled_from(Style)), max_size=40),
    st.text(max_size=2500),
    st.text(max_size=5000),
    st.sampled_from(Tone),
)
def test_any_page_keeps_discords_limits(
    parts: list[tuple[str, bool, Style]], title: str, footer: str, tone: Tone
) -> None:
    lines = tuple(line(Span(text, style), quoted=quoted) for text, quoted, style in parts)
    for embed in embeds(Page(lines, title, footer, tone)):
        assert message_errors({"embeds": [embed.to_dict()]}) == {}


@pytest.mark.parametrize("title", ["*" * 256, "@" * 5000, "[a](b)" * 100])
def test_a_title_made_of_markup_is_cut_to_fit(title: str) -> None:
    (embed,) = embeds(Page((), title))
    assert 100 < len(embed.title or "") <= 256


def test_progress_has_a_bar_where_the_end_is_known() -> None:
    assert progress_text(Progress("Reading the link")) == "Reading the link…"
    assert progress_text(Progress("Reading captions", 1, 4, "A *talk*")) == (
        "▰▰▰▰▱▱▱▱▱▱▱▱▱▱▱▱ 1 of 4: Reading captions — *A \\*talk\\**"
    )
    assert progress_text(Progress("Storing", 9, 4)).startswith("▰" * 16 + " 4 of 4")


def test_a_title_is_a_link_where_its_address_is_one_that_discord_takes() -> None:
    for make in (one_embed, lambda page: embeds(page)[0]):
        assert make(Page((), "Title", url=LINK)).url == LINK
        for bad in ("", "javascript:alert(1)", "https://talks.example/" + "x" * MAX_URL):
            assert make(Page((), "Title", url=bad)).url is None


def test_one_embed_keeps_whole_lines_and_says_that_some_are_left_out() -> None:
    short, long = one_embed(long_page(3)), one_embed(long_page(150))
    assert (short.description or "").count("\n") == 2
    text = long.description or ""
    *kept, rest = text.split("\n")
    assert rest == "*…*"
    assert all(row.endswith(f"[12:34]({LINK})") for row in kept)
    assert MAX_DESCRIPTION - 100 < len(text) <= MAX_DESCRIPTION
    assert long.footer.text == "a receipt"
