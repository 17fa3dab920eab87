"""The answer cache: how many questions does it answer rightly by itself, and how many of its answers are wrong?

Over directories with a `stream.jsonl` (`--data` once or more): a question a row, with `group` (questions of one group
share an answer), in the order of `seq`; with a `scope` (the recording that is asked about) the figures are under
`scope`, else under `intents`. Questions are answered in order, and kept where the model was asked, at the shipped
setting.

`hit` is the share of rows that were served, `wrong_share` that of the served with another group's answer (its upper
bound is Clopper and Pearson's, 95 %, one-sided), `useful_recall` the right hits among rows whose group was asked
before. Audits are asked, so they are no hits. What a running system has, and no more, is learned from: where the model
was asked, its answer is compared with those of the candidates; the group of what was served stays unknown.
`static_useful_recall` is the best that one cosine threshold reaches on the same embeddings with at most `delta` wrong,
chosen with hindsight.

Rows that the committed verifier was fitted on are judged by others, fitted without the row's group and all groups that
are worded like it.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.answer_cache_messages import CacheRules
from core.answer_cache_prior import PRIOR
from core.answer_cache_verifier import Verifier
from core.errors import BadInput
from evals.measure.cache_fit import FOLDS, cross_fitted
from evals.measure.cache_plots import Point, draw
from evals.measure.cache_rows import Questions, queries, read_questions
from evals.measure.cache_stream import Played, play, play_static
from evals.retrieval import packaged_encoder

OWN_COPY = Path(__file__).parent / "data" / "semcache_intents"
SHIPPED = CacheRules()
_COSINES = tuple(np.arange(0.5, 0.9951, 0.005).tolist())
_DELTAS = (0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.08)


def run(
    data: Sequence[Path], *, plot: Path | None = None, seed: int = 0, delta: float = SHIPPED.delta
) -> Mapping[str, object]:
    """The figures of each data set, with the packaged embedding model; `delta` is the share that may be wrong."""
    sets = [read_questions(each) for each in data]
    forms = [questions.form for questions in sets]
    if len(set(forms)) < len(forms):
        raise BadInput("Two of the data sets have the same form.", "Give --data each form once.")
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        encode = packaged_encoder(Path(folder))
        for questions in sets:
            vectors = encode(queries(questions.rows))
            verifier_of = _verifiers(questions, lambda: encode(queries(read_questions(OWN_COPY).rows)), seed)
            figures[questions.form] = _measured(questions, vectors, verifier_of, CacheRules(delta=delta), seed)
            if plot is not None and questions.form == "intents":
                draw(plot, *_curves(questions, vectors, verifier_of, seed))
    return figures


def _measured(
    questions: Questions,
    vectors: NDArray[np.float32],
    verifier_of: Callable[[str], Verifier],
    rules: CacheRules,
    seed: int,
) -> Mapping[str, object]:
    played = play(questions, vectors, verifier_of, rules, seed)
    spent = f"{played.audits} audits were spent, and {played.rows - played.hits - played.audits} misses asked"
    print(f"{questions.form}: {played.rows:,} rows, {played.hits} served, {played.wrong} of them wrong; {spent}")
    if questions.form == "scope":
        return {"hit": _rounded(played.hit_rate), "wrong": played.wrong, "audits": played.audits}
    cosine, static = _best_static(questions, vectors, rules.delta)
    print(f"the best static cosine threshold is {cosine:.3f}, {static.wrong} of {static.hits} wrong")
    return {
        "hit": _rounded(played.hit_rate),
        "wrong_share": _rounded(played.wrong_share),
        "wrong_share_upper95": _rounded(_upper95(played)),
        "useful_recall": _rounded(played.useful_recall),
        "static_useful_recall": _rounded(static.useful_recall),
        "audits": played.audits,
    }


def _verifiers(
    questions: Questions, own_vectors: Callable[[], NDArray[np.float32]], seed: int
) -> Callable[[str], Verifier]:
    """By row id: the shipped verifier, but for rows that it was fitted on."""
    own = read_questions(OWN_COPY).rows
    known = {row.question: row.row_id for row in own}
    fitted_on = {row.row_id: known[row.question] for row in questions.rows if row.question in known}
    if not fitted_on:
        print(f"{questions.form}: no row was fitted on; the shipped verifier judges all")
        return lambda _: PRIOR
    crossed = cross_fitted(own, own_vectors(), seed)
    told = f"{len(fitted_on):,} of {len(questions.rows):,} rows are among those that the shipped verifier was fitted on"
    print(f"{questions.form}: {told}; these are judged by {FOLDS} cross-fitted ones, by clusters of groups")
    return lambda row_id: crossed(fitted_on[row_id]) if row_id in fitted_on else PRIOR


def _best_static(questions: Questions, vectors: NDArray[np.float32], delta: float) -> tuple[float, Played]:
    found = [(cosine, play_static(questions, vectors, cosine)) for cosine in _COSINES]
    within = [each for each in found if each[1].wrong_share <= delta]
    return max(within or found[-1:], key=lambda each: each[1].useful_recall)


def _upper95(played: Played) -> float:
    """Clopper and Pearson's upper bound of the wrong share, exact and one-sided."""
    from scipy.stats import beta

    if played.wrong >= played.hits:
        return 1.0
    return float(beta.ppf(0.95, played.wrong + 1, played.hits - played.wrong))


def _curves(
    questions: Questions, vectors: NDArray[np.float32], verifier_of: Callable[[str], Verifier], seed: int
) -> tuple[list[Point], list[Point], Point]:
    """Over `delta`, over cosine thresholds, and the point of the shipped setting."""
    ours = [play(questions, vectors, verifier_of, CacheRules(delta=delta), seed) for delta in _DELTAS]
    static = [play_static(questions, vectors, cosine) for cosine in _COSINES]
    shipped = ours[_DELTAS.index(SHIPPED.delta)]
    return [_point(each) for each in ours], [_point(each) for each in static if each.hits], _point(shipped)


def _point(played: Played) -> Point:
    return Point(played.wrong_share, played.useful_recall)


def _rounded(value: float) -> float:
    return round(value, 4)
