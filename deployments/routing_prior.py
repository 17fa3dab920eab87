"""What routing starts from: the committed projection of questions, and what was learned of models offline.

Made by `python -m evals router_prior`, from the project's own copy of outcomes of several models on the same prompts.
"""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput, StartupFailed
from core.linear_thompson import Evidence, Floats
from core.routing_context import FEATURES, Projection

PRIORS = Path(__file__).parent / "priors" / "routing.npz"


@dataclass(frozen=True, slots=True)
class OfflineEvidence:
    """The outcomes of some arms, all of them known for each of `n` questions, as sums over the questions.

    `gram` is the upper triangle of the sum of x x' by rows, `moments` (arms, FEATURES) the sum of x * quality.
    """

    arms: tuple[str, ...]
    n: float
    gram: Floats
    moments: Floats

    def without(self, contexts: Floats, quality: Floats) -> "OfflineEvidence":
        """The evidence without some of its own questions: contexts (n, FEATURES) and the quality (n, arms) there."""
        rows, columns = np.triu_indices(FEATURES)
        gram = self.gram - (contexts.T @ contexts)[rows, columns]
        return OfflineEvidence(self.arms, self.n - len(contexts), gram, self.moments - quality.T @ contexts)

    def evidence(self, arm: str, share: float, constant: float, weight: float = 1.0) -> Evidence:
        """The evidence of one arm for a reward that is `share` * quality + `constant` (what its price adds).

        `weight` is how much an offline observation counts beside one of one's own.
        """
        # The first feature is 1, so the first row of the gram is the sum of the contexts.
        moment = share * self.moments[self.arms.index(arm)] + constant * self.gram[:FEATURES]
        return Evidence(self.n * weight, (self.gram * weight).tobytes(), (moment * weight).tobytes())


@dataclass(frozen=True, slots=True)
class RoutingPrior:
    """The projection and, by the name of a set of arms, what was learned of them."""

    projection: Projection
    learned: dict[str, OfflineEvidence]

    def save(self, path: Path) -> None:
        parts: dict[str, NDArray[np.generic]] = {
            "mean": self.projection.mean,
            "matrix": self.projection.matrix,
        }
        for name, known in self.learned.items():
            parts |= {
                f"{name}.arms": np.array(known.arms),
                f"{name}.n": np.array(known.n),
                f"{name}.gram": known.gram,
                f"{name}.moments": known.moments,
            }
        np.savez_compressed(path, **parts)  # type: ignore[arg-type]  # its last parameter is no array

    @staticmethod
    def load(path: Path = PRIORS) -> "RoutingPrior":
        """Raises StartupFailed where the file is missing or holds something else."""
        try:
            with np.load(path, allow_pickle=False) as parts:
                names = [name.removesuffix(".arms") for name in parts.files if name.endswith(".arms")]
                return RoutingPrior(
                    Projection(parts["mean"], parts["matrix"]),
                    {
                        name: OfflineEvidence(
                            tuple(str(arm) for arm in parts[f"{name}.arms"]),
                            float(parts[f"{name}.n"]),
                            parts[f"{name}.gram"],
                            parts[f"{name}.moments"],
                        )
                        for name in names
                    },
                )
        except (OSError, EOFError, KeyError, ValueError, BadZipFile, BadInput) as error:
            problem = f"The prior of routing in {path} cannot be read ({error!r})."
            raise StartupFailed(problem, "Fetch it again, or make it: python -m evals router_prior.") from error
