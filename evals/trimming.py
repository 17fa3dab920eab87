"""Trimming: how many tokens go from what a model would be sent, and what does that cost the answer?

Over a directory of the form that `evals.retrieval` reads, whose queries have a reference answer (`answer`). Each
meeting is stored as it was transcribed, markers such as {vocalsound} and all, and each query with spans is searched by
the code that answers questions; the sentences of the 8 hits are what an untrimmed prompt holds. Tokens are words and
punctuation marks.

- `median_token_reduction`: the share of tokens that trimming removes, the median over queries; `..._without_markers` is
  the same where markers count on neither side.
- `relevance_drop`: 1 - after / before, the mean over queries, of the support: for each sentence of the reference answer
  the highest cosine with a sentence of the context, averaged. `relevance_drop_upper95` is the upper end of its 95 %
  interval (bootstrap over meetings, as the queries of one meeting are alike). Fillers and markers blur a sentence's
  vector, so that without them support rises; `relevance_drop_of_sentences` leaves that gain out: there, what is before
  has lost its fillers too, and all loss is that of the sentences that went. `lexical_drop`: the share of the answer's
  words with a subject that were in the context and are no longer. `gold_recall_change`: how the share of gold tokens
  that reaches the model changes, fillers aside.
- `kept_at_10`, `kept_at_25`: the share of gold tokens that `evals.measure.stretches` keeps of a whole meeting when 10
  or 25 % of its tokens may be kept, beside BM25 over the same passages (`bm25_`) and the first tokens (`first_`).
- `p50_ms`: what trimming the hits of one query takes at the median, no sentence seen before.

The weights that ship were fitted on evals/data/qmsum. A meeting from there is judged by weights that were fitted
without it (5 folds over meetings), any other by those that ship. `--fit-weights` prints those fitted on all of it.
"""

import asyncio
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import BadInput
from core.fillers import without_fillers
from core.prompting import Evidence
from core.sentence_worth import WorthModel
from core.trimming import QUALITY_FLOOR, select
from core.words import count_tokens
from evals.measure.trimming_cases import Case, Effect, effect, read_cases, tokens_of
from evals.measure.trimming_fit import fit, models_for, written
from evals.measure.trimming_rivals import RIVALS, keep_best
from evals.measure.trimming_whole import kept_gold
from evals.retrieval import Encode, Meeting, packaged_encoder, read_meetings

_FLOORS = (0.99, 0.975, 0.965, 0.95, 0.935, 0.92)
_SHARES = (0.15, 0.25, 0.4, 0.5, 0.6)
_RESAMPLES = 2000
_MARKER = re.compile(r"\{[^{}]*\}")


def run(
    data: Path,
    *,
    plot: Path | None = None,
    seed: int = 0,
    meetings: int = 0,
    fit_weights: bool = False,
    floor: float = QUALITY_FLOOR,
) -> Mapping[str, object]:
    """The figures over the meetings in `data`, or every n-th so that `meetings` remain, with the packaged model."""
    found = [meeting for meeting in read_meetings(data, markers=True) if meeting.queries]
    if meetings:
        found = found[:: max(1, len(found) // meetings)][:meetings]
    with tempfile.TemporaryDirectory() as folder:
        encode = packaged_encoder(Path(folder))
        return measure(found, encode, plot=plot, seed=seed, fit_weights=fit_weights, floor=floor)


def measure(
    meetings: Sequence[Meeting],
    encode: Encode,
    *,
    plot: Path | None = None,
    seed: int = 0,
    fit_weights: bool = False,
    floor: float = QUALITY_FLOOR,
) -> Mapping[str, object]:
    """The figures over `meetings` with any embedding model. Raises BadInput where no query has an answer."""
    cases = asyncio.run(read_cases(meetings, encode))
    if not cases:
        raise BadInput("No query has a reference answer and a span.", "Give --data meetings with queries and answers.")
    if fit_weights:
        print(written(fit(cases)))
    models = models_for(cases)
    shipped, times_ms = _trimmed(cases, models, floor, timed=True)
    effects = [effect(case, kept) for case, kept in zip(cases, shipped, strict=True)]
    curves = _curves(cases, models)
    for name, points in curves.items():
        print(f"{name:14s}" + "".join(f"  {removed:.1%} off: {drop:+.2%}" for removed, drop in points))
    if plot is not None:
        from evals.measure.trimming_plot import draw  # seconds

        draw(plot, curves, _point(effects))
    return _figures(cases, shipped, effects, seed) | {"p50_ms": round(float(np.median(times_ms)), 2)}


def _figures(
    cases: Sequence[Case], kept: Sequence[Sequence[Evidence]], effects: Sequence[Effect], seed: int
) -> dict[str, object]:
    drops = np.array([it.support for it in effects])
    low, high = _interval(drops, [case.meeting.meeting_id for case in cases], seed)
    domains = np.array([case.meeting.domain for case in cases])
    by_domain = {
        str(domain): {
            "median_token_reduction": _round(np.median([it.tokens for it in np.array(effects)[domains == domain]])),
            "relevance_drop": _round(drops[domains == domain].mean()),
        }
        for domain in np.unique(domains)
    }
    whole = kept_gold(cases)
    return {
        "median_token_reduction": _round(np.median([it.tokens for it in effects])),
        "relevance_drop": _round(drops.mean()),
        "relevance_drop_upper95": _round(high),
        "kept_at_10": whole["ours"][0],
        "kept_at_25": whole["ours"][1],
        "bm25_at_10": whole["bm25"][0],
        "bm25_at_25": whole["bm25"][1],
        "first_at_10": whole["first"][0],
        "first_at_25": whole["first"][1],
        "relevance_drop_lower95": _round(low),
        "relevance_drop_of_sentences": _round(np.mean([it.sentences for it in effects])),
        "lexical_drop": _round(np.mean([it.words for it in effects])),
        "gold_recall_change": _round(-np.nanmean([it.gold for it in effects])),
        "median_token_reduction_without_markers": _round(np.median(list(map(_without_markers, cases, kept)))),
        "worst_domain": max(by_domain, key=lambda name: by_domain[name]["relevance_drop"]),
        "domains": by_domain,
        "queries": len(cases),
    }


def _trimmed(
    cases: Sequence[Case], models: Sequence[WorthModel], floor: float, timed: bool = False
) -> tuple[list[tuple[Evidence, ...]], list[float]]:
    """What is kept of each case, and how long it took in milliseconds."""
    kept, times_ms = [], []
    for case, model in zip(cases, models, strict=True):
        if timed:
            without_fillers.cache_clear()
        begun = time.perf_counter()
        kept.append(select(case.hits, case.query.text, floor, model))
        times_ms.append(1000 * (time.perf_counter() - begun))
    return kept, times_ms


def _curves(cases: Sequence[Case], models: Sequence[WorthModel]) -> dict[str, list[tuple[float, float]]]:
    """For each way to trim, points of (median share of tokens removed, mean loss of support)."""
    curves = {
        "ours": [
            _point([effect(case, kept) for case, kept in zip(cases, _trimmed(cases, models, floor)[0], strict=True)])
            for floor in _FLOORS
        ]
    }
    for name, rival in RIVALS.items():
        scores = [rival(case) for case in cases]
        curves[name] = [
            _point([effect(case, keep_best(case, of_case, share)) for case, of_case in zip(cases, scores, strict=True)])
            for share in _SHARES
        ]
    return curves


def _point(effects: Sequence[Effect]) -> tuple[float, float]:
    return float(np.median([it.tokens for it in effects])), float(np.mean([it.support for it in effects]))


def _without_markers(case: Case, kept: Sequence[Evidence]) -> float:
    before = sum(count_tokens(_MARKER.sub(" ", item.sentence.text)) for item in case.evidence)
    return 1 - tokens_of(kept) / max(1, before)


def _interval(values: np.ndarray, groups: Sequence[str], seed: int) -> tuple[float, float]:
    """The 95 % interval of the mean, by bootstrap over groups (Efron and Tibshirani, 1993)."""
    names = sorted(set(groups))
    sums = np.array([sum(value for value, of in zip(values, groups, strict=True) if of == name) for name in names])
    counts = np.array([sum(of == name for of in groups) for name in names])
    drawn = np.random.default_rng(seed).integers(0, len(names), (_RESAMPLES, len(names)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _round(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
