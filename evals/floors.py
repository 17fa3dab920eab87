"""Every eval on the project's own data, each beside its floors: `python -m evals floors`, or `make eval`.

It ends with 1 where a floor is missed, and names it. `--only NAME` runs one eval. `--plant NAME` plants a regression:
that eval runs with a setting that a careless change could bring (`planted` below), and the run must turn red. A gate
that cannot fail is none.
"""

import argparse
import importlib
import json
import operator
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

from evals.runner import USAGE_ERROR

ROOT = Path(__file__).resolve().parent.parent
_MISSED = 1
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "==": operator.eq,
}


@dataclass(frozen=True, slots=True)
class Gate:
    """An eval, its data sets below the project's folder, its floors, and the setting that a planted regression changes.

    A floor reads "figure sign bound": both are figures by their path in what the eval returns, or numbers, and the
    bound may be a product: "intents/useful_recall >= 2 * intents/static_useful_recall".
    """

    name: str
    data: tuple[str, ...]
    floors: tuple[str, ...]
    planted: Mapping[str, Any] = field(default_factory=dict)


GATES = (
    Gate(
        "captions",
        ("tests/data/captions",),
        ("crashes == 0", "derived_exact == derived_total", "real_cues_right == real_total"),
    ),
    Gate(
        "feeds", ("tests/data/channel_feeds",), ("crashes == 0", "failures_read_as_empty == 0", "right >= 0.97 * total")
    ),
    Gate("speech", ("tests/data/speech",), ("word_error_rate <= 0.06", "times_within_0_3_s == times")),
    Gate(
        "retrieval",
        ("evals/data/qmsum",),
        ("hit_at_5 >= bm25_hit_at_5", "hit_at_5 >= 0.88", "chunk_recall_at_10 >= 0.69"),
    ),
    Gate("abstention", ("evals/data/qmsum",), ("answered >= 0.6", "abstained_other >= 0.6")),
    Gate(
        "experiments",
        (),
        (
            "aa_false_positive <= 0.05",
            "power >= 0.8",
            "median_stop_share > 0",
            "median_stop_share <= 1",
            "srm_false_alarm <= 0.002",
            "srm_caught >= 0.9",
        ),
        {"alpha": 0.2},
    ),
    Gate(
        "router",
        ("evals/data/router",),
        (
            "nine/lints_warm > nine/best_single",
            "nine/lints >= 0.985 * nine/best_single",
            "nine/lints_last_third > nine/best_single_last_third",
            "pair/acc_at_50 >= 1.02 * pair/random_mix_at_50",
            "pair/strong_share_at_50 <= 0.505",
            "pair/utility_price_0.10 > pair/utility_best_single_0.10",
            "shadow/regret_reduction_vs_baseline >= 0.03",
            "shadow/interval_coverage >= 0.9",
            "nan == 0",
        ),
    ),
    Gate(
        "cache",
        ("evals/data/semcache_intents", "evals/data/semcache_scope"),
        (
            "intents/hit > 0.05",
            "intents/wrong_share <= 0.02",
            "intents/useful_recall >= 2 * intents/static_useful_recall",
            "scope/hit >= 0.45",
            "scope/wrong == 0",
        ),
        {"delta": 0.2},
    ),
    Gate(
        "trimming",
        ("evals/data/qmsum",),
        (
            "median_token_reduction >= 0.15",
            "relevance_drop_upper95 <= 0.01",
            "kept_at_10 > bm25_at_10",
            "kept_at_25 > bm25_at_25",
        ),
        {"floor": 0.6},
    ),
    Gate("money", ("evals/data",), ("saved_share >= 0.3", "quality_change_low95 >= -0.01")),
)


def main(argv: Sequence[str]) -> int:
    """Run the gates; 0 where every floor holds."""
    parser = argparse.ArgumentParser(
        prog="python -m evals floors", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [gate.name for gate in GATES]
    parser.add_argument("--only", choices=names)
    parser.add_argument("--plant", choices=[gate.name for gate in GATES if gate.planted])
    options = parser.parse_args(argv)
    chosen = [gate for gate in GATES if options.only in (None, gate.name)]
    if options.plant and options.plant not in {gate.name for gate in chosen}:
        print(f"--plant {options.plant} needs that eval: leave --only out.", file=sys.stderr)
        return USAGE_ERROR
    missed: dict[str, list[str]] = {}
    figures: dict[str, Mapping[str, Any]] = {}
    for gate in chosen:
        print(f"\n== {gate.name}{' (with a planted regression)' if gate.name == options.plant else ''}", flush=True)
        started = time.monotonic()
        figures[gate.name] = run(gate, gate.planted if gate.name == options.plant else {})
        missed[gate.name] = list(misses(gate.floors, figures[gate.name]))
        print(f"{len(gate.floors) - len(missed[gate.name])} of {len(gate.floors)} floors hold", end="")
        print(f" ({time.monotonic() - started:.0f} s)", *missed[gate.name], sep="\n  MISSED: ", flush=True)
    print(json.dumps({"missed": {name: found for name, found in missed.items() if found}, "figures": figures}))
    return _MISSED if any(missed.values()) else 0


def run(gate: Gate, flags: Mapping[str, Any]) -> Mapping[str, Any]:
    """The figures of one eval on the project's own data."""
    module = importlib.import_module(f"evals.{gate.name}")
    given: dict[str, Any] = dict(flags)
    if paths := [ROOT / folder for folder in gate.data]:
        given["data"] = paths[0] if module.run.__annotations__["data"] in (Path, Path | None) else paths
    figures: Mapping[str, Any] = module.run(**given)
    return figures


def misses(floors: Sequence[str], figures: Mapping[str, Any]) -> Iterator[str]:
    """The floors that `figures` miss, each with the two figures. What is no number misses its floor."""
    for floor in floors:
        left, sign, right = floor.split(maxsplit=2)
        found, bound = value(left, figures), reduce(operator.mul, (value(part, figures) for part in right.split(" * ")))
        if not _SIGNS[sign](found, bound):
            yield f"{floor}: {found:g} against {bound:g}"


def value(term: str, figures: Mapping[str, Any]) -> float:
    """A number as written, or the figure at a path such as "nine/lints"; NaN where there is none."""
    try:
        return float(term)
    except ValueError:
        pass
    at: Any = figures
    for name in term.split("/"):
        at = at.get(name) if isinstance(at, Mapping) else None
    return float(at) if isinstance(at, int | float) else float("nan")
