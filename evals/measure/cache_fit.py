"""Fits the verifier of the answer cache on pairs of questions whose answers are known.

The pairs are those that a cache would meet: the rows arrive in random orders, some are kept and some are not, and each
is compared with the answers nearest to it. For some groups nothing is kept, so that there are questions to which no
entry is right. Folds leave whole clusters of groups out, so that no model is judged on intents that it was fitted on.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.answer_cache_index import NEAREST, AnswerIndex
from core.answer_cache_verifier import Verifier, products, standardised
from core.hit_bounds import BIN_WIDTH, BINS
from core.question_features import QuestionTraits, traits_of
from evals.measure.cache_rows import Row, queries

FOLDS = 5
# Shares of the rows that are kept, one for each pass: full caches and sparse ones.
_KEPT = (1.0, 0.6, 0.35, 0.2)
_NEVER_KEPT = 0.2
_CLUSTERS = 30
# Chosen by the cross-validated log loss among 0.003, 0.01, 0.05 and 0.2.
_INVERSE_PENALTY = 0.05


def folds_of(rows: Sequence[Row]) -> Mapping[str, int]:
    """The fold of each group: groups that are worded alike are in one fold (average linkage of TF-IDF centroids)."""
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.feature_extraction.text import TfidfVectorizer

    groups = np.array([row.group for row in rows])
    names, counts = np.unique(groups, return_counts=True)
    fold = {str(name): zlib.crc32(str(name).encode()) % FOLDS for name in names[counts == 1]}
    several = names[counts > 1]
    if len(several) <= _CLUSTERS:
        return fold | {str(name): place % FOLDS for place, name in enumerate(several)}
    words = TfidfVectorizer(ngram_range=(1, 2)).fit_transform(queries(rows)).toarray()
    centres = np.array([words[groups == name].mean(axis=0) for name in several])
    clusters = AgglomerativeClustering(_CLUSTERS, metric="cosine", linkage="average").fit_predict(centres)
    sizes = np.bincount(clusters, counts[counts > 1])
    rows_in = [0.0] * FOLDS
    for cluster in np.argsort(-sizes, kind="stable"):
        smallest = int(np.argmin(rows_in))
        rows_in[smallest] += sizes[cluster]
        fold |= {str(name): smallest for name in several[clusters == cluster]}
    return fold


def fit(rows: Sequence[Row], vectors: NDArray[np.float32], seed: int = 0) -> Verifier:
    """The verifier fitted on `rows`; `vectors` has shape (rows, dimensions)."""
    from sklearn.linear_model import LogisticRegression

    traits = [traits_of(row.question) for row in rows]
    rng = np.random.default_rng(seed)
    met = [found for kept in _KEPT for found in _passes(rows, vectors, traits, kept, rng)]
    features = np.array([features for looked_up in met for features, _ in looked_up])
    right = np.array([right for looked_up in met for _, right in looked_up])
    means, scales = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    columns = products(standardised(features, means, scales))
    # Centred and scaled too, so that one penalty suits all; undone in the coefficients.
    offsets, sizes = columns.mean(axis=0), np.maximum(columns.std(axis=0), 1e-6)
    model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=3_000).fit((columns - offsets) / sizes, right)
    weights = model.coef_[0] / sizes
    intercept = float(model.intercept_[0] - weights @ offsets)
    fitted = Verifier.of(means.tolist(), scales.tolist(), weights.tolist(), intercept, ())
    best = [max(fitted.logits([features for features, _ in looked_up])) for looked_up in met]
    places = np.clip((np.array(best) / BIN_WIDTH).astype(int), 0, BINS - 1)
    scores = np.bincount(places, minlength=BINS) / len(best)
    return Verifier.of(means.tolist(), scales.tolist(), weights.tolist(), intercept, scores.tolist())


def cross_fitted(rows: Sequence[Row], vectors: NDArray[np.float32], seed: int = 0) -> Callable[[str], Verifier]:
    """For the id of each row a verifier that was fitted without the row's group, and without those worded alike."""
    fold = folds_of(rows)
    fold_of = {row.row_id: fold[row.group] for row in rows}
    fitted = []
    for left_out in range(FOLDS):
        kept = [place for place, row in enumerate(rows) if fold[row.group] != left_out]
        fitted.append(fit([rows[place] for place in kept], vectors[kept], seed))
    return lambda row_id: fitted[fold_of[row_id]]


def _passes(
    rows: Sequence[Row],
    vectors: NDArray[np.float32],
    traits: Sequence[QuestionTraits],
    kept: float,
    rng: np.random.Generator,
) -> Iterator[list[tuple[tuple[float, ...], bool]]]:
    """For each row of one pass the features of the answers that it is compared with, and whether each is right."""
    index = AnswerIndex(vectors.shape[1])
    groups = sorted({row.group for row in rows})
    never = set(rng.choice(groups, int(_NEVER_KEPT * len(groups)), replace=False).tolist())
    for place in rng.permutation(len(rows)).tolist():
        row = rows[place]
        if len(index) >= NEAREST and (found := index.candidates(vectors[place], traits[place])):
            yield [(each.features, each.answer_id == row.group) for each in found]
        if row.group not in never and rng.random() < kept:
            index.add(str(place), row.group, vectors[place], traits[place])
