"""Makes what routing starts from, out of outcomes of several models on the same prompts.

It is written to `deployments/priors/routing.npz`. The projection is a principal component analysis of the questions'
embeddings (the packaged model), the two large sets counting the same; no outcome takes part. A direction is scaled by
the power 1.5 of its standard deviation over that of the first, so that rare ones are shrunk more. The evidence is the
sums over all rows, of all arms. Nothing is drawn, so there is no seed.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.ports import Vectors
from core.routing_context import PROJECTED, Projection
from deployments.routing_prior import PRIORS, OfflineEvidence, RoutingPrior
from evals.measure.router_rows import NINE, PAIR, TWO, Outcomes, contexts_of, encoded, read_outcomes
from evals.retrieval import packaged_encoder

_POWER = 1.5
# The prompts of the third set share one long instruction, which would be the first component.
_PROJECTED_FROM = (NINE, PAIR)


def run(data: Path, *, out: Path = PRIORS) -> Mapping[str, object]:
    """Fit on `data` and write `out`."""
    sets = [read_outcomes(data, name) for name in (NINE, PAIR, TWO)]
    with tempfile.TemporaryDirectory() as folder:
        encode = packaged_encoder(Path(folder))
        vectors = [encoded(outcomes.questions, encode) for outcomes in sets]
    prior = fitted(sets, vectors)
    out.parent.mkdir(parents=True, exist_ok=True)
    prior.save(out)
    return {
        "feature_version": prior.projection.feature_version,
        "questions": sum(len(outcomes.questions) for outcomes in sets),
        "bytes": out.stat().st_size,
    }


def fitted(sets: Sequence[Outcomes], vectors: Sequence[Vectors]) -> RoutingPrior:
    """The projection and the evidence of all sets."""
    projection = principal_components(
        [own for outcomes, own in zip(sets, vectors, strict=True) if outcomes.name in _PROJECTED_FROM]
    )
    learned = {
        outcomes.name: sums_of(outcomes, contexts_of(projection, own, outcomes.questions))
        for outcomes, own in zip(sets, vectors, strict=True)
    }
    return RoutingPrior(projection, learned)


def principal_components(vectors: Sequence[Vectors]) -> Projection:
    """Of several sets of embeddings that count the same, whatever their sizes."""
    mean = np.mean([own.mean(axis=0, dtype=np.float64) for own in vectors], axis=0)
    covariance = np.mean([(own - mean).T @ (own - mean) / len(own) for own in vectors], axis=0)
    values, directions = np.linalg.eigh(covariance)
    deviations = np.sqrt(np.maximum(values[::-1][:PROJECTED], 0.0))
    directions = directions[:, ::-1][:, :PROJECTED]
    # The sign of an eigenvector is arbitrary: its largest number is positive here.
    directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(PROJECTED)])
    scales = (deviations / deviations[0]) ** (_POWER - 1.0) / deviations[0]
    return Projection(mean.astype(np.float32), (directions * scales).astype(np.float32))


def sums_of(outcomes: Outcomes, contexts: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> OfflineEvidence:
    """The evidence of all rows for all arms."""
    rows, columns = np.triu_indices(contexts.shape[1])
    gram = (contexts.T @ contexts)[rows, columns]
    return OfflineEvidence(outcomes.arms, float(len(contexts)), gram, outcomes.quality.T @ contexts)
