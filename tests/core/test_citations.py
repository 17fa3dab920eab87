"""Only what a passage says, word for word, is quoted, with the second at which it is said."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.citations import verify
from core.links import link_at
from core.messages import Claim, Passage, Quote, Recording, Sentence
from core.prompting import DraftClaim

GULLS = Recording("r1", "https://www.youtube.com/watch?v=abcdefghijk", "Why seagulls dance", "Ada Bird")
SPOONS = Recording("r2", "https://talks.example/spoons", "Spoons", "Cy Carver")


def passage(recording: Recording, *texts: str, start_s: float = 10.0) -> Passage:
    sentences = tuple(Sentence(start_s + 5 * i, start_s + 5 * i + 5, text) for i, text in enumerate(texts))
    return Passage(f"{recording.recording_id}-0", recording, 0, sentences)


DANCE = passage(
    GULLS,
    "Seagulls stamp on the grass, and it isn't for fun.",
    "The worms take it for rain — and come up.",
    "It costs $5.50, or 20% more, in C++.",
)
CARVE = passage(SPOONS, "I carve spoons from birch.", "Birch is soft when it is green.")


def quotes(words: str, source: int = 1, passages: tuple[Passage, ...] = (DANCE, CARVE)) -> tuple[Quote, ...]:
    claims, dropped = verify([DraftClaim("A claim.", ((source, words),))], passages)
    assert dropped == (0 if claims else 1)
    return claims[0].quotes if claims else ()


def test_a_true_quote_links_to_the_second_of_its_sentence() -> None:
    link = link_at(GULLS.url, 15.0)
    assert quotes("worms take it for rain") == (Quote("worms take it for rain", 15.0, link, GULLS, "Ada Bird"),)
    assert "t=15" in quotes("worms take it for rain")[0].link


@pytest.mark.parametrize(
    ("words", "shown", "start_s"),
    [
        ("SEAGULLS  STAMP\non the grass", "Seagulls stamp on the grass", 10.0),
        ("“it isn’t for fun”", "it isn't for fun.", 10.0),
        ("it isnt for fun", "it isn't for fun.", 10.0),
        ("for rain - and come up", "for rain — and come up.", 15.0),
        ("... stamp on the grass ...", "stamp on the grass", 10.0),
        ("for fun. The worms take it", "for fun. The worms take it", 10.0),
        (
            "The worms take it for rain — and come up. It costs $5.50",
            "The worms take it for rain — and come up. It costs $5.50",
            15.0,
        ),
        ("costs 5.50, or 20", "costs $5.50, or 20%", 20.0),
        ("20% more, in C", "20% more, in C++.", 20.0),
    ],
)
def test_form_does_not_count_and_the_passages_own_words_are_shown(words: str, shown: str, start_s: float) -> None:
    [quote] = quotes(words)
    assert (quote.text, quote.start_s) == (shown, start_s)


@pytest.mark.parametrize(
    "words",
    [
        "worms take it for snow",
        "worms it for rain",
        "worms take it all for rain",
        "the worm take it for rain",
        "orms take it for rai",
        "it is for fun",
        "costs $6.50, or 20",
        "seagulls dance on the grass",
        "stamp on the grass and the worms",
    ],
)
def test_a_word_more_less_or_different_is_no_quote(words: str) -> None:
    assert quotes(words) == ()


@pytest.mark.parametrize("words", ["", "...", "worms", "for rain", "— rain — and —"])
def test_less_than_three_words_prove_nothing(words: str) -> None:
    assert quotes(words) == ()


@pytest.mark.parametrize("source", [2, 0, -1, 99, 10**9])
def test_right_words_under_a_wrong_number_go_to_their_source(source: int) -> None:
    [quote] = quotes("worms take it for rain", source)
    assert quote.recording is GULLS


def test_the_named_source_comes_first_where_several_say_the_same() -> None:
    twin = passage(SPOONS, "The worms take it for rain.", start_s=70.0)
    [quote] = quotes("worms take it for rain", 2, (DANCE, twin))
    assert (quote.recording, quote.start_s) == (SPOONS, 70.0)


def test_a_quote_never_spans_two_passages() -> None:
    assert quotes("in C++. I carve spoons") == ()


def test_a_claim_keeps_its_true_quotes_and_goes_without_any() -> None:
    drafts = [
        DraftClaim(
            "Half true.", ((1, "worms take it for rain"), (1, "worms love to dance"), (2, "carve spoons from birch"))
        ),
        DraftClaim("False.", ((1, "worms love to dance"), (2, "birch is hard when dry"))),
        DraftClaim("Nothing.", ()),
        DraftClaim("True.", ((2, "soft when it is green"),)),
    ]
    claims, dropped = verify(drafts, (DANCE, CARVE))
    assert [claim.text for claim in claims] == ["Half true.", "True."]
    assert [quote.text for quote in claims[0].quotes] == ["worms take it for rain", "carve spoons from birch."]
    assert dropped == 3


def test_the_same_quote_twice_is_shown_once() -> None:
    drafts = [DraftClaim("Twice.", ((1, "worms take it for rain"), (2, "Worms take it, for rain")))]
    [claim], dropped = verify(drafts, (DANCE, CARVE))
    assert (len(claim.quotes), dropped) == (1, 0)


def test_without_passages_nothing_is_proved() -> None:
    assert verify([DraftClaim("A claim.", ((1, "worms take it for rain"),))], ()) == ((), 1)


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("We met in 2019-2020 or so.", "2020 or so", "2020 or so."),
        ("Minus counts: -5 degrees today, they said.", "5 degrees today", "-5 degrees today"),
        ('He said "Love is good." Then he left.', "he said love is good", 'He said "Love is good."'),
        ('He said "Love is good." Then he left.', "love is good", "Love is good."),
        ('He said "Love is good." Then he left.', "is good then he left", 'is good." Then he left.'),
        ('He said (and I quote) "never again", twice.', "I quote never again", 'I quote) "never again"'),
        ("Der Fluß ist groß heute.", "der fluss ist gross", "Der Fluß ist groß"),
        ("The ﬁnal ofﬁce is naïve.", "final office is nai\u0308ve", "ﬁnal ofﬁce is naïve."),
        (
            "Zero\u200bwidth and soft\u00adhyphen marks vanish.",
            "zerowidth and softhyphen",
            "Zero\u200bwidth and soft\u00adhyphen",
        ),
        ("今日はとても良い天気ですね。", "とても良い天気", "とても良い天気"),
        ("हिन्दी में बात करते हैं।", "में बात करते हैं", "में बात करते हैं।"),
    ],
)
def test_every_script_is_compared_by_words(text: str, words: str, shown: str) -> None:
    [quote] = quotes(words, passages=(passage(GULLS, text),))
    assert quote.text == shown
    assert quote.text in text


# ---------------------------------------------------------------- properties
texts = st.text(min_size=1, max_size=60) | st.lists(
    st.sampled_from(
        [
            "the",
            "worms,",
            "take",
            "it.",
            "for",
            "Rain—",
            "“and”",
            "come",
            "up!",
            "don't",
            "it's",
            "$5",
            "C++",
            "(so)",
            "…",
            "ﬁne",
            "İstanbul",
            "ǅ",
        ]
    ),
    min_size=1,
    max_size=12,
).map(" ".join)
passages = st.lists(
    st.builds(
        lambda recording, found, start_s: passage(recording, *found, start_s=start_s),
        st.sampled_from([GULLS, SPOONS]),
        st.lists(texts, min_size=1, max_size=4),
        st.floats(0, 10_000),
    ),
    max_size=4,
).map(tuple)
drafts = st.lists(
    st.builds(DraftClaim, st.text(), st.lists(st.tuples(st.integers(-2, 6), texts), max_size=4).map(tuple)), max_size=4
)


@settings(deadline=None)  # the machine may be busy
@given(drafts, passages)
def test_every_quote_stands_in_a_passage_and_begins_in_the_sentence_that_it_names(
    claims: list[DraftClaim], found: tuple[Passage, ...]
) -> None:
    verified, dropped = verify(claims, found)
    assert 0 <= dropped <= sum(len(claim.quotes) for claim in claims)
    for claim in verified:
        assert claim.quotes
        for quote in claim.quotes:
            assert any(_stands_in(quote, item) for item in found)
            assert quote.link == link_at(quote.recording.url, quote.start_s)


def _stands_in(quote: Quote, item: Passage) -> bool:
    if quote.recording != item.recording or not quote.text:
        return False
    starts = [match.start() for match in re.finditer(f"(?={re.escape(quote.text)})", item.text)]
    position = 0
    for sentence in item.sentences:
        if sentence.start_s == quote.start_s and any(position <= at <= position + len(sentence.text) for at in starts):
            return True
        position += len(sentence.text) + 1
    return False


@settings(deadline=None)  # the machine may be busy
@given(passages, st.data())
def test_words_cut_from_a_passage_are_always_found_in_it(found: tuple[Passage, ...], data: st.DataObject) -> None:
    pieces = [(n, item.text.split()) for n, item in enumerate(found, 1) if len(item.text.split()) >= 6]
    if not pieces:
        return
    source, spaced = data.draw(st.sampled_from(pieces))
    start = data.draw(st.integers(0, len(spaced) - 6))
    cut = spaced[start : start + data.draw(st.integers(6, 12))]
    if sum(any(char.isalnum() for char in word) for word in cut) < 3:
        return
    claims, dropped = verify([DraftClaim("A claim.", ((source, " ".join(cut)),))], found)
    assert dropped == 0
    assert isinstance(claims[0], Claim)


def test_words_of_two_people_keep_both_names() -> None:
    said = (Sentence(0.0, 1.0, "Does it really work?", "A man"), Sentence(1.0, 2.0, "It works for me."))
    (claim,), _ = verify([DraftClaim("Both.", ((1, "really work? It works"),))], [Passage("p", GULLS, 0, said)])
    assert claim.quotes[0].speaker == "A man / Ada Bird"


def test_quotes_that_follow_each_other_become_one_unless_another_speaks() -> None:
    said = (
        Sentence(0.0, 1.0, "You have all heard of it."),
        Sentence(1.0, 2.0, "It is enabled by globals."),
        Sentence(2.0, 3.0, "Is that really so?", "A man"),
    )
    passages = [Passage("p", GULLS, 0, said)]
    texts = [sentence.text for sentence in said]
    (claim,), dropped = verify([DraftClaim("All.", tuple((1, text) for text in texts))], passages)
    assert [quote.text.rstrip(".?") for quote in claim.quotes] == [" ".join(texts[:2]).rstrip("."), "Is that really so"]
    assert [quote.start_s for quote in claim.quotes] == [0.0, 2.0]
    assert dropped == 0
    (apart,), _ = verify([DraftClaim("Two.", ((1, texts[1]), (1, texts[0])))], passages)
    assert len(apart.quotes) == 2
