"""Fits the worth of sentences (`core.sentence_worth`), and keeps a meeting out of what it is judged with."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.lines import Floats, Lines
from core.sentence_worth import FEATURES, SHIPPED, WorthModel, features
from evals.measure.trimming_cases import Case
from evals.retrieval import read_meetings

OWN_DATA = Path(__file__).parent.parent / "data" / "qmsum"
"""What the shipped model is fitted on."""
FOLDS = 5
# The inverse strength of the ridge, on standardised features. Anything from 0.01 to 1 does as well.
_RIDGE = 0.1


def fit(cases: Sequence[Case]) -> WorthModel:
    """The logistic model of which sentences are the nearest to a sentence of the reference answer."""
    from sklearn.linear_model import LogisticRegression  # seconds

    rows = np.vstack([features(case.query.text, Lines.of(case.hits)) for case in cases])
    wanted = np.concatenate([_is_nearest(case) for case in cases])
    middle, spread = rows.mean(axis=0), np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1.0)
    model = LogisticRegression(C=_RIDGE, max_iter=1000).fit((rows - middle) / spread, wanted)
    weights = model.coef_[0] / spread
    return WorthModel(
        round(float(model.intercept_[0] - weights @ middle), 3), tuple(round(float(it), 3) for it in weights)
    )


def models_for(cases: Sequence[Case]) -> list[WorthModel]:
    """The model that each case may be judged with.

    For a meeting of the project's own data it is one fitted on the other folds; any other meeting gets the shipped one.
    """
    own = {meeting.meeting_id for meeting in read_meetings(OWN_DATA)}
    folds = [zlib.crc32(case.meeting.meeting_id.encode()) % FOLDS for case in cases]
    seen = [case.meeting.meeting_id in own for case in cases]
    if len({case.meeting.meeting_id for case, is_own in zip(cases, seen, strict=True) if is_own}) < 2 * FOLDS:
        # Too few of them to fit anything on, as in a test: the shipped model, which saw them.
        return [SHIPPED] * len(cases)
    fitted = [
        fit([case for case, fold, is_own in zip(cases, folds, seen, strict=True) if is_own and fold != left_out])
        for left_out in range(FOLDS)
    ]
    return [fitted[fold] if is_own else SHIPPED for fold, is_own in zip(folds, seen, strict=True)]


def written(model: WorthModel) -> str:
    """The model as it stands in `core.sentence_worth`."""
    named = ", ".join(f"{name} {weight:+g}" for name, weight in zip(FEATURES, model.weights, strict=True))
    return f"SHIPPED = WorthModel({model.intercept}, {model.weights})  # {named}"


def _is_nearest(case: Case) -> Floats:
    texts = Lines.of(case.hits).texts
    silent = np.zeros(case.answer.shape[1], dtype=np.float32)
    rows = np.stack([case.vectors[text] if text else silent for text in texts])
    nearest = np.zeros(len(texts))
    nearest[(rows @ case.answer.T).argmax(axis=0)] = 1.0
    return nearest
