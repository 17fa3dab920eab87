"""The trimming evaluation on meetings that are small enough to know what comes out."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput
from core.lines import Lines
from core.sentence_worth import SHIPPED
from evals import trimming
from evals.bench import trim
from evals.measure.trimming_cases import Case, effect, read_cases
from evals.measure.trimming_fit import fit, models_for
from evals.measure.trimming_rivals import RIVALS, keep_best
from evals.measure.trimming_whole import kept_gold
from evals.retrieval import Meeting, read_meetings
from tests.evals.test_retrieval import ROWS, meeting, write
from tests.fakes.embedder import FakeEmbedder

KEYS = {
    "median_token_reduction",
    "relevance_drop",
    "relevance_drop_upper95",
    "kept_at_10",
    "kept_at_25",
    "bm25_at_10",
    "bm25_at_25",
    "p50_ms",
}


def answered(row: dict[str, Any]) -> dict[str, Any]:
    for query in row["queries"]:
        topic = query["query"].removesuffix("?").split()[-1]
        query["answer"] = f"The {topic} was settled. The question of the {topic} is over."
    return row


@pytest.fixture
def meetings(tmp_path: Path) -> list[Meeting]:
    rows = [answered(meeting(row["meeting_id"], row["domain"])) for row in ROWS]
    return read_meetings(write(tmp_path, "meetings.jsonl", rows), markers=True)


@pytest.fixture
def cases(meetings: list[Meeting]) -> list[Case]:
    return asyncio.run(read_cases(meetings, FakeEmbedder().vectors))


def test_the_figures_are_there_and_the_picture_is_drawn(meetings: list[Meeting], tmp_path: Path) -> None:
    figures = trimming.measure(meetings, FakeEmbedder().vectors, plot=tmp_path / "plot.png")
    assert figures.keys() >= KEYS
    assert figures["queries"] == 24
    # Nearly everything in these meetings is said again and again.
    assert float(str(figures["median_token_reduction"])) > 0.5
    assert float(str(figures["relevance_drop"])) < 0.01
    assert (tmp_path / "plot.png").stat().st_size > 1000


def test_the_same_seed_gives_the_same_figures(meetings: list[Meeting]) -> None:
    one, two = (dict(trimming.measure(meetings, FakeEmbedder().vectors, seed=3)) for _ in range(2))
    assert {**one, "p50_ms": 0} == {**two, "p50_ms": 0}


def test_markers_are_in_what_a_model_would_be_sent_and_not_in_what_is_left(cases: list[Case]) -> None:
    assert any("{vocalsound}" in item.sentence.text for case in cases for item in case.evidence)
    assert not any("{" in text for case in cases for text in Lines.of(case.hits).texts)


def test_nothing_removed_loses_nothing_and_everything_removed_loses_all(cases: list[Case]) -> None:
    whole = effect(cases[0], cases[0].evidence)
    assert (whole.tokens, whole.support, whole.words) == (0.0, 0.0, 0.0)
    nothing = effect(cases[0], ())
    assert (nothing.tokens, nothing.support, nothing.words) == (1.0, 1.0, 1.0)


def test_losing_the_sentence_that_answers_shows(cases: list[Case]) -> None:
    case = cases[0]
    without = [item for item in case.evidence if "settled" not in item.sentence.text]
    lost = effect(case, without)
    assert lost.support > 0.1
    assert lost.words > 0
    assert lost.gold > 0


@pytest.mark.parametrize("name", sorted(RIVALS))
def test_a_rival_removes_at_least_what_it_is_told(cases: list[Case], name: str) -> None:
    for case in cases[:6]:
        kept = keep_best(case, RIVALS[name](case), 0.4)
        assert effect(case, kept).tokens >= 0.4
        rest = iter(case.evidence)
        assert all(any(item is other or item == other for other in rest) for item in kept)


def test_a_budget_of_a_whole_meeting_is_spent_on_gold(cases: list[Case]) -> None:
    kept = kept_gold(cases)
    assert kept["ours"][0] > kept["first"][0]
    assert all(0 <= share <= 1 for of_name in kept.values() for share in of_name)


def test_a_meeting_that_nothing_was_fitted_on_gets_what_ships(cases: list[Case]) -> None:
    assert models_for(cases) == [SHIPPED] * len(cases)


def test_fitting_finds_that_the_nearest_sentence_is_near_the_question(cases: list[Case]) -> None:
    assert fit(cases).weights[0] > 0


def test_meetings_without_answers_are_refused(tmp_path: Path) -> None:
    found = read_meetings(write(tmp_path, "meetings.jsonl", ROWS))
    with pytest.raises(BadInput, match="reference answer"):
        trimming.measure(found, FakeEmbedder().vectors)


def test_the_bench_times_both_sides(meetings: list[Meeting]) -> None:
    figures = trim.measure(meetings, FakeEmbedder().vectors, 2, 2, 0)
    assert figures.keys() >= {"ms_per_1000_tokens", "ratio_to_model"}
    with pytest.raises(BadInput):
        trim.measure(meetings, FakeEmbedder().vectors, 0, 1, 0)
