"""A look-up in the answer cache beside GPTCache as shipped (SQLite) and beside a plain product over all vectors.

Each side has the same entries (384 dimensions, 20 ways to ask for each answer) and is asked the same questions, in turn
in each round. Ours reads the question's traits, finds the nearest entries, weighs three answers by the verifier, all
within GPTCache's flow; GPTCache finds one candidate, reads it from SQLite and commits that it was read. Not counted are
the embedding of the question, and the entity's decision and its commit, which the answer path has once for each hit.

`recall_at_20` is how many of the 20 nearest entries by an exact product our search finds: from 2,048 entries on it
looks at the strongest principal components first.
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from evals.measure.cache_sides import Entries, LookUp, entries, ours, product, recall, stock
from evals.measure.spread import percentile, spread


def run(*, rounds: int = 5, look_ups: int = 60, most: int = 100_000, seed: int = 0) -> Mapping[str, object]:
    """Measure at 1,000, 20,000 and 100,000 entries, or at those up to `most`."""
    figures: dict[str, object] = {}
    for count in (1_000, 20_000, 100_000):
        if count > most:
            break
        kept, asked = entries(count, seed), entries(look_ups, seed + 1)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            sides = {"ours": ours(kept), "gptcache": stock(kept, Path(folder)), "product": product(kept)}
            times = _measured(sides, asked, rounds)
        name = f"{count // 1_000}k"
        ratios = [theirs / mine for theirs, mine in zip(times["gptcache"], times["ours"], strict=True)]
        figures |= {f"{side}_ms_{name}": spread(of_side) for side, of_side in times.items()}
        figures |= {f"ratio_to_gptcache_{name}": spread(ratios, 1), f"recall_at_20_{name}": recall(kept, asked)}
        print(f"{count:>7,} entries: " + ", ".join(f"{side} {min(of):.3f} ms" for side, of in times.items()))
    return figures


def _measured(sides: Mapping[str, LookUp], asked: Entries, rounds: int) -> Mapping[str, list[float]]:
    """The median of a look-up in each round, in ms; the first round warms up."""
    times: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(-1, rounds):
        for side, look_up in sides.items():
            taken = []
            for question, vector in zip(asked.questions, asked.vectors, strict=True):
                begun = time.perf_counter()
                look_up(question, vector)
                taken.append(1_000 * (time.perf_counter() - begun))
            if number >= 0:
                times[side].append(percentile(taken, 50))
    return times
