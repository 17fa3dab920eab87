from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.analysis import MAX_POSTED_CHAPTERS, MAX_STATEMENTS, Analysis, Digest, analysis, announcement, digest
from core.citations import verify
from core.following import Chapter
from core.messages import Passage, Recording, Sentence
from core.passages import to_passages
from core.prompting import DraftClaim
from core.words import count_tokens
from tests.core.talks import ALL, CHANNEL, passages_of, sentences_of
from tests.fakes.embedder import FakeEmbedder

EMBEDDER = FakeEmbedder()
RECORDING = Recording("r", "https://talks.example/r", "Seagulls", "Ada Bird", 60.0)


def analysed(passages: tuple[Passage, ...], chapters: tuple[Chapter, ...] = ()) -> Analysis:
    return analysis(
        passages, [EMBEDDER.vectors([it.text for it in passage.sentences]) for passage in passages], chapters
    )


@cache
def of(path: Path) -> Analysis:
    return analysed(passages_of(path))


def said(*texts: str) -> tuple[Passage, ...]:
    return to_passages(RECORDING, [Sentence(n * 5.0, n * 5.0 + 4, text) for n, text in enumerate(texts)], 40)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_every_statement_is_said_in_the_talk_at_the_time_that_it_names(path: Path) -> None:
    found = of(path)
    by_text = {sentence.text: sentence for sentence in sentences_of(path)}
    for statements in (found.summary, found.claims):
        assert len(statements) <= MAX_STATEMENTS
        for statement in statements:
            assert statement.text in by_text
            (quote,) = statement.quotes
            assert quote.text in statement.text
            assert quote.start_s in {it.start_s for it in sentences_of(path) if it.text == statement.text}
        times = [statement.quotes[0].start_s for statement in statements]
        assert all(one <= other for one, other in pairwise(times))
    assert not {it.text for it in found.summary} & {it.text for it in found.claims}


def test_every_talk_of_the_channel_has_a_summary_from_all_its_parts() -> None:
    for path in CHANNEL:
        found, last_s = of(path), sentences_of(path)[-1].end_s
        times = [point.quotes[0].start_s for point in found.summary]
        assert len(times) >= 3, path.name
        assert times[-1] - times[0] > last_s / 3, path.name


def test_the_same_talk_has_the_same_analysis() -> None:
    for path in CHANNEL:
        assert analysed(passages_of(path)) == of(path)


def test_claims_can_be_checked_and_opinions_plans_and_advice_are_none() -> None:
    found = analysed(
        said(
            "Seagulls of this town eat more than 40 worms on a rainy morning in March.",
            "I think that seagulls of this town eat more than 40 worms on a rainy morning.",
            "You should feed the seagulls of this town more than 40 worms on a rainy morning.",
            "We're going to feed the seagulls of this town 40 worms because Ada wants it.",
            "Would the seagulls of this town eat more than 40 worms on a rainy morning?",
            "Stamping on the grass of a wet meadow brings up worms from below.",
        )
    )
    statements = {it.text for it in (*found.summary, *found.claims)}
    assert "Seagulls of this town eat more than 40 worms on a rainy morning in March." in statements
    assert all("more than 40" in it.text and "March" in it.text for it in found.claims)


def test_of_nothing_but_sounds_the_analysis_is_empty() -> None:
    assert analysed(said("[Music]", "[Applause]")) == Analysis((), (), ())


def read(passages: tuple[Passage, ...], max_tokens: int = 3_000) -> Digest:
    texts = {it.text for passage in passages for it in passage.sentences}
    vectors = {text: EMBEDDER.vectors([text])[0] for text in texts}
    return digest(
        passages, [np.stack([vectors[it.text] for it in passage.sentences]) for passage in passages], (), max_tokens
    )


@pytest.mark.parametrize("max_tokens", [200, 1_000, 3_000])
def test_a_model_reads_no_more_of_a_day_of_talk_than_of_an_hour(max_tokens: int) -> None:
    day = [
        Sentence(it.start_s + turn * 450, it.end_s + turn * 450, it.text)
        for turn in range(100)
        for it in sentences_of(CHANNEL[1])
    ]
    found = read(to_passages(RECORDING, day), max_tokens)
    assert sum(count_tokens(it.sentence.text) for it in found.evidence) <= max_tokens
    times = [it.sentence.start_s for it in found.evidence]
    assert times == sorted(times)
    assert not times or times[-1] > day[-1].end_s / 2
    assert len(found.passages) <= len(found.evidence)


def test_what_a_model_reads_stands_in_the_passage_that_it_names() -> None:
    found = read(passages_of(CHANNEL[0]))
    assert found.evidence
    for it in found.evidence:
        assert it.sentence in found.passages[it.source - 1].sentences
    assert found.summary_prompt.evidence == found.claims_prompt.evidence == found.evidence


def test_what_a_model_invents_is_dropped_and_the_rest_is_put_in_order() -> None:
    found = read(passages_of(CHANNEL[0]))
    first, *_, last = (
        DraftClaim(f"Says: {it.sentence.text}", ((it.source, it.sentence.text),)) for it in found.evidence
    )
    invented = DraftClaim("Buy gold.", ((1, "everybody should buy gold today"),))
    endless = DraftClaim("And so on. " * 100, first.quotes)
    statements = found.verified([last, invented, endless, first])
    assert [it.text for it in statements] == [first.text, last.text]
    again, dropped = verify([DraftClaim(it.text, ((1, it.quotes[0].text),)) for it in statements], found.passages)
    assert (len(again), dropped) == (2, 0)


def test_a_post_names_what_there_is_and_has_one_id_for_a_recording_in_a_channel() -> None:
    found = of(CHANNEL[0])
    chapters = (Chapter(0.0, "Begin"), Chapter(30.0, "End"))
    post = announcement("guild", "news", RECORDING, found, chapters)
    assert (post.title, post.creator, post.length_s, post.url) == ("Seagulls", "Ada Bird", 60.0, RECORDING.url)
    assert post.summary == tuple((it.text, it.quotes[0].start_s) for it in found.summary)
    assert (post.chapters, post.topics) == (chapters, found.topics)
    bare = announcement("guild", "news", RECORDING, None)
    assert bare.announcement_id == post.announcement_id
    assert (bare.summary, bare.chapters, bare.topics) == ((), (), ())
    many = [Chapter(float(at_s), "Part") for at_s in range(400)]
    assert len(announcement("guild", "news", RECORDING, None, many).chapters) == MAX_POSTED_CHAPTERS
    others = [("guild2", "news"), ("guild", "new"), ("guil", "dnews")]
    ids = {announcement(tenant, channel, RECORDING, None).announcement_id for tenant, channel in others}
    assert len({*ids, post.announcement_id}) == 4
    assert len(post.announcement_id) <= 25  # as long as Discord takes a nonce
