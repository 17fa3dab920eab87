"""How much of the gold stretches of a whole meeting is kept at a budget of tokens."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from core.words import count_tokens
from evals.measure.stretches import best_stretches
from evals.measure.trimming_cases import Case

Choice = Callable[[Case, Sequence[int], int], Sequence[int]]
"""From a case, the tokens of its passages and a budget of tokens to passages."""
BUDGETS = (0.1, 0.25, 0.5)
"""Shares of a meeting's tokens."""


def kept_gold(cases: Sequence[Case]) -> Mapping[str, list[float]]:
    """For each way to choose, the mean share of gold tokens kept at each of BUDGETS."""
    rows: dict[str, list[list[float]]] = {name: [] for name in CHOICES}
    for case in cases:
        tokens = [count_tokens(passage.text) for passage in case.meeting.passages]
        gold = [
            sum(count_tokens(it.text) for it in passage.sentences if case.is_gold(it.start_s))
            for passage in case.meeting.passages
        ]
        if not sum(gold):
            continue
        for name, choose in CHOICES.items():
            kept = [choose(case, tokens, int(share * sum(tokens))) for share in BUDGETS]
            rows[name].append([sum(gold[at] for at in it) / sum(gold) for it in kept])
    return {name: np.mean(of_name, axis=0).round(4).tolist() for name, of_name in rows.items()}


def _ours(case: Case, tokens: Sequence[int], budget: int) -> Sequence[int]:
    lexical, dense = case.legs
    return best_stretches(lexical, dense, tokens, budget)


def _bm25(case: Case, tokens: Sequence[int], budget: int) -> Sequence[int]:
    return _in_turn(case.legs[0], tokens, budget)


def _first(_: Case, tokens: Sequence[int], budget: int) -> Sequence[int]:
    return _in_turn([-float(at) for at in range(len(tokens))], tokens, budget)


def _in_turn(scores: Sequence[float], tokens: Sequence[int], budget: int) -> Sequence[int]:
    kept = []
    for at in sorted(range(len(tokens)), key=lambda at: (-scores[at], at)):
        if tokens[at] <= budget:
            budget -= tokens[at]
            kept.append(at)
    return kept


CHOICES: Mapping[str, Choice] = {"ours": _ours, "bm25": _bm25, "first": _first}
