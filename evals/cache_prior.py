"""Makes what the answer cache starts from (`core/answer_cache_prior.py`) out of questions with known answers.

    python -m evals cache_prior --data evals/data/semcache_intents

The same file comes of every run. How good it is on intents that it was not fitted on, `python -m evals cache` tells.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap

from core.answer_cache_index import FEATURES
from core.answer_cache_verifier import Verifier
from evals.measure.cache_fit import fit
from evals.measure.cache_rows import queries, read_questions
from evals.retrieval import packaged_encoder

ARTEFACT = Path(__file__).parents[1] / "core" / "answer_cache_prior.py"


def run(data: Path, *, out: Path = ARTEFACT, seed: int = 0) -> Mapping[str, object]:
    """Fit on `data` and write `out`."""
    rows = read_questions(data).rows
    with tempfile.TemporaryDirectory() as folder:
        vectors = packaged_encoder(Path(folder))(queries(rows))
    verifier = fit(rows, vectors, seed)
    out.write_text(_module(verifier), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(out)], check=True)
    return {"rows": len(rows), "coefficients": len(verifier.weights) + 1, "bytes": out.stat().st_size}


def _module(verifier: Verifier) -> str:
    return "\n".join(
        (
            '"""What the answer cache starts from. Written by `python -m evals cache_prior`, never by hand."""',
            "",
            "from core.answer_cache_verifier import Verifier",
            "",
            *wrap(f"Of {', '.join(FEATURES)}.", 118, initial_indent="# ", subsequent_indent="# "),
            "PRIOR = Verifier.of(",
            f"    means={_told(verifier.means.tolist())},",
            f"    scales={_told(verifier.scales.tolist())},",
            f"    weights={_told(verifier.weights.tolist())},",
            f"    intercept={verifier.intercept:.6g},",
            f"    scores={_told(verifier.scores)},",
            ")",
            "",
        )
    )


def _told(values: Sequence[float]) -> str:
    return f"({', '.join(f'{value:.5g}' for value in values)},)"
