"""The eval of the answer cache, and its bench: known streams, and nothing learned that nobody could know."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.answer_cache_messages import CacheRules
from core.answer_cache_prior import PRIOR
from core.errors import BadInput
from evals import cache
from evals.measure.cache_fit import FOLDS, folds_of
from evals.measure.cache_rows import Questions, Row, read_questions
from evals.measure.cache_sides import entries, ours, recall, stock
from evals.measure.cache_stream import Played, play, play_static
from tests.core.talked_about import near, unit

DATA = Path(cache.__file__).parent / "data"
TOPICS = ("budgets", "gardens", "rivers", "engines", "bread", "hiring")
WAYS = ("What is said of {}?", "Tell me about {}", "What about {}?", "Anything on {} here?", "Please sum up {}")


def stream(rounds: int, groups: int = 6) -> tuple[Questions, np.ndarray]:
    """Questions in groups, each near its group's own direction."""
    rows, vectors = [], []
    for number in range(rounds * groups):
        way, group = divmod(number, groups)
        question = f"{WAYS[way % len(WAYS)].format(TOPICS[group % len(TOPICS)])}{' please' * (way // len(WAYS))}"
        rows.append(Row(f"r{number}", question, f"g{group}"))
        vectors.append(near(unit(group), 100 + number, 0.97))
    return Questions("intents", tuple(rows)), np.array(vectors)


def write(folder: Path, rows: Sequence[dict[str, object]]) -> Path:
    folder.mkdir()
    (folder / "stream.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def test_what_was_never_audited_is_never_looked_at() -> None:
    questions, vectors = stream(20)
    rows = list(questions.rows)

    def played(count: int) -> Played:
        return play(Questions("intents", tuple(rows[:count])), vectors[:count], lambda _: PRIOR, CacheRules(), seed=1)

    before = played(len(rows))
    assert before.hits > 20
    # Row by row: whatever was served gets another group, and all that follows must go the same way.
    for count in range(21, len(rows) + 1):
        if played(count).hits > played(count - 1).hits:
            rows[count - 1] = replace(rows[count - 1], group="nobody knows")
    after = played(len(rows))
    assert (after.hits, after.audits) == (before.hits, before.audits)
    assert after.wrong == after.hits


def test_hits_on_other_groups_are_counted_as_wrong() -> None:
    questions, vectors = stream(3)
    static = play_static(questions, vectors, 0.9)
    assert (static.hits, static.wrong, static.useful_recall) == (12, 0, 1.0)
    others = Questions("intents", tuple(Row(row.row_id, row.question, row.row_id) for row in questions.rows))
    assert play_static(others, vectors, 0.9).wrong_share == 1.0
    assert others.repeats == 0


def test_the_same_seed_gives_the_same_figures() -> None:
    questions, vectors = stream(20)
    one, same = (play(questions, vectors, lambda _: PRIOR, CacheRules(), seed=3) for _ in range(2))
    assert one == same


def test_groups_that_are_worded_alike_and_all_rows_of_a_group_are_in_one_fold() -> None:
    rows = read_questions(DATA / "semcache_intents").rows
    folds = folds_of(rows)
    assert set(folds) == {row.group for row in rows}
    assert set(folds.values()) == set(range(FOLDS))
    assert folds["banking77/pending_top_up"] == folds["banking77/top_up_failed"]


def test_the_projects_own_copies_can_be_read_and_have_the_stated_form() -> None:
    intents, scope = (read_questions(DATA / f"semcache_{form}") for form in ("intents", "scope"))
    assert (intents.form, len(intents.rows), round(intents.repeats / len(intents.rows), 3)) == ("intents", 1_798, 0.63)
    assert (scope.form, len(scope.rows), scope.repeats) == ("scope", 1_225, 617)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"seq": 0, "id": "a", "group": "g"}],
        [{"seq": 0, "id": "a", "query": "", "group": "g"}],
        [
            {"seq": 0, "id": "a", "query": "q", "group": "g", "scope": "s"},
            {"seq": 1, "id": "b", "query": "q", "group": "g"},
        ],
        [{"seq": "x", "id": "a", "query": "q", "group": "g"}],
    ],
)
def test_a_directory_of_another_form_is_refused(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    with pytest.raises(BadInput):
        read_questions(write(tmp_path / "data", rows))
    with pytest.raises(BadInput, match=r"stream\.jsonl"):
        read_questions(tmp_path)


def test_one_form_given_twice_is_refused(tmp_path: Path) -> None:
    rows = [{"seq": 0, "id": "a", "query": "q", "group": "g"}]
    with pytest.raises(BadInput, match="same form"):
        cache.run([write(tmp_path / "one", rows), write(tmp_path / "two", rows)])


def test_a_small_data_set_gets_all_figures_and_a_plot(tmp_path: Path) -> None:
    questions, _ = stream(4)
    rows = [
        {"seq": place, "id": row.row_id, "query": row.question, "group": row.group}
        for place, row in enumerate(questions.rows)
    ]
    scoped = [row | {"scope": f"s{place % 2}"} for place, row in enumerate(rows)]
    plot = tmp_path / "plot.png"
    figures = cache.run([write(tmp_path / "intents", rows), write(tmp_path / "scope", scoped)], plot=plot)
    assert set(figures) == {"intents", "scope"}
    intents = figures["intents"]
    assert isinstance(intents, dict)
    assert set(intents) >= {"hit", "wrong_share", "wrong_share_upper95", "useful_recall", "static_useful_recall"}
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_the_sides_of_the_bench_answer_what_they_are_asked(tmp_path: Path) -> None:
    kept = entries(2_500, 0)
    mine, theirs = ours(kept), stock(kept, tmp_path)
    assert mine(kept.questions[7], kept.vectors[7]) == "entry/7"
    assert mine("something else entirely", kept.vectors[7])
    assert theirs(kept.questions[7], kept.vectors[7]) == "an answer"
    assert recall(kept, entries(20, 1)) >= 0.95
