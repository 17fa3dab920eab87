"""The figures of the routing evaluation, out of its trials."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.linear_thompson import Floats
from evals.measure.router_cases import Case
from evals.measure.router_trials import SHARES, PairTrial, ShadowTrial, Trial


def nine_figures(case: Case, trials: Sequence[Trial]) -> dict[str, float]:
    """Mean qualities; the regret of sampling per question; and the standard error over the shuffles."""
    best, oracle = float(case.quality.mean(axis=0).max()), float(case.quality.max(axis=1).mean())
    cold, warm = [float(it.cold.mean()) for it in trials], [float(it.warm.mean()) for it in trials]
    thirds = [(_last_third(it.cold), _last_third(it.best_single)) for it in trials]
    last, of_best = (float(np.mean(side)) for side in zip(*thirds, strict=True))
    figures = {
        "random": float(case.quality.mean()),
        "best_single": best,
        "oracle": oracle,
        "lints": float(np.mean(cold)),
        "lints_last_third": last,
        "best_single_last_third": of_best,
        "lints_warm": float(np.mean(warm)),
        "lints_regret_to_best_single": best - float(np.mean(cold)),
        "lints_regret_to_oracle": oracle - float(np.mean(cold)),
        "lints_warm_regret_to_oracle": oracle - float(np.mean(warm)),
        "lints_worst_shuffle": min(cold),
        "lints_standard_error": _standard_error(cold),
        "lints_warm_standard_error": _standard_error(warm),
    }
    return _rounded(figures)


def pair_figures(case: Case, trials: Sequence[PairTrial], price: float) -> dict[str, float]:
    """Accuracies at shares of strong calls beside a random mix, and utilities at a price of a strong call."""
    strong = int(case.prices.argmax())
    of_strong, of_weak = float(case.quality[:, strong].mean()), float(case.quality[:, 1 - strong].mean())
    quality, spent = (np.mean([getattr(it, name) for it in trials], axis=0) for name in ("quality", "spent"))
    figures: dict[str, float] = {}
    for number, share in enumerate(SHARES):
        figures[f"acc_at_{share:.0%}".rstrip("%")] = float(quality[number])
        figures[f"random_mix_at_{share:.0%}".rstrip("%")] = share * of_strong + (1.0 - share) * of_weak
        figures[f"strong_share_at_{share:.0%}".rstrip("%")] = float(spent[number])
    figures |= {
        f"utility_price_{price:.2f}": float(np.mean([it.utility for it in trials])),
        f"utility_best_single_{price:.2f}": float(case.utility(price).mean(axis=0).max()),
        f"utility_cold_{price:.2f}": float(np.mean([it.utility_cold for it in trials])),
        f"utility_oracle_{price:.2f}": float(case.utility(price).max(axis=1).mean()),
        "weak": of_weak,
        "strong": of_strong,
        "oracle": float(case.quality.max(axis=1).mean()),
    }
    return _rounded(figures)


def shadow_figures(shadows: Mapping[str, Sequence[ShadowTrial]]) -> dict[str, object]:
    """The warm shadows' figures together, then those of each set and beginning."""
    warm = {name: trials for name, trials in shadows.items() if name.endswith("_warm")}
    covered = [it.covered[-1] for trials in warm.values() for it in trials]
    figures = _rounded(
        {
            "regret_reduction_vs_baseline": min(_mean(trials, "regret_reduction") for trials in warm.values()),
            "estimate_error": max(float(np.mean([it.errors[-1] for it in trials])) for trials in warm.values()),
            "interval_coverage": float(np.mean(covered)),
        }
    )
    return {**figures, **{name: _of_shadow(trials) for name, trials in shadows.items()}}


def _of_shadow(trials: Sequence[ShadowTrial]) -> dict[str, float]:
    figures = {
        "regret_reduction": _mean(trials, "regret_reduction"),
        "gain": _mean(trials, "gain"),
        "effective_n": _mean(trials, "effective_n"),
        "proven_3_percent": float(np.mean([it.low >= 0.03 for it in trials])),
    }
    for number, name in enumerate(("ips", "snips", "doubly_robust")):
        figures[f"{name}_error"] = float(np.mean([it.errors[number] for it in trials]))
        figures[f"{name}_coverage"] = float(np.mean([it.covered[number] for it in trials]))
    return _rounded(figures)


def _mean(trials: Sequence[ShadowTrial], name: str) -> float:
    return float(np.mean([getattr(it, name) for it in trials]))


def _last_third(values: Floats) -> float:
    return float(values[len(values) * 2 // 3 :].mean())


def _standard_error(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0.0


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}
