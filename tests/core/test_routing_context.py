"""What a routing decision knows of a question: never NaN, never another meaning after a restart."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.linear_thompson import checked_context
from core.routing_context import FEATURES, PROJECTED, Projection, context_of

RNG = np.random.default_rng(7)
PROJECTION = Projection(
    RNG.normal(size=12).astype(np.float32) * 0.1, RNG.normal(size=(12, PROJECTED)).astype(np.float32)
)
EMBEDDING = RNG.normal(size=12)
QUESTION = "How many eggs are left?\nA. 2,3\nB. 1\nC. 40 % of $x^2$"


def features(text: str = QUESTION, tenant: str = "", at: float | None = None) -> list[float]:
    return [float(value) for value in checked_context(context_of(PROJECTION, EMBEDDING, text, tenant, at), FEATURES)]


@given(st.text(max_size=300), st.text(max_size=20), st.none() | st.floats(), st.floats(1e-300, 1e300))
def test_a_context_is_sound_for_any_text_tenant_time_and_length_of_the_embedding(
    text: str, tenant: str, at: float | None, length: float
) -> None:
    context = context_of(PROJECTION, EMBEDDING / np.abs(EMBEDDING).max() * length, text, tenant, at)
    assert len(checked_context(context, FEATURES)) == FEATURES


def test_the_length_of_an_embedding_says_nothing() -> None:
    assert context_of(PROJECTION, EMBEDDING * 1e200, QUESTION) == context_of(PROJECTION, EMBEDDING, QUESTION)


@pytest.mark.parametrize(
    "embedding",
    [
        np.zeros(12),
        np.zeros(0),
        np.ones(13),
        np.ones((1, 12)),
        np.full(12, math.nan),
        np.array([math.inf] + [1.0] * 11),
    ],
)
def test_an_embedding_of_another_dimension_all_zero_or_not_finite_is_refused(embedding: np.ndarray) -> None:
    with pytest.raises(BadInput):
        context_of(PROJECTION, embedding, QUESTION)


def test_each_sign_of_a_text_tells_something() -> None:
    plain = features("what is the sea")
    for text in ("what is the sea " * 20, "7 7 7 7 7 7", "what?!...", "what\nis", "A. one\nB. two", "What is", "$x^2$"):
        assert features(text) != plain
    assert features("what is the sea") == plain


def test_tenant_and_time_of_day_have_their_place_and_only_that() -> None:
    assert features()[-4:] == [0.0] * 4
    assert features(tenant="guild:1")[:-4] == features()[:-4]
    assert {abs(value) for value in features(tenant="guild:1")[-4:-2]} == {1.0}
    assert len({tuple(features(tenant=f"guild:{number}")[-4:-2]) for number in range(20)}) == 4
    noon, midnight, next_midnight = (features(at=at)[-2:] for at in (43_200.0, 0.0, 86_399.9))
    assert noon == pytest.approx([0.0, -1.0], abs=1e-6)
    assert midnight == pytest.approx(next_midnight, abs=1e-4)


def test_another_process_with_another_hash_seed_computes_the_same_context() -> None:
    code = (
        "import tests.core.test_routing_context as t;"
        "print(t.context_of(t.PROJECTION, t.EMBEDDING, t.QUESTION, 'guild:1', 5e8).hex())"
    )
    ran = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert ran[0] == ran[1] == context_of(PROJECTION, EMBEDDING, QUESTION, "guild:1", 5e8).hex()


def test_features_of_another_projection_have_another_version() -> None:
    moved = Projection(PROJECTION.mean, np.nextafter(PROJECTION.matrix, np.float32(9.0)))
    assert moved.feature_version != PROJECTION.feature_version
    assert Projection(PROJECTION.mean.copy(), PROJECTION.matrix.copy()).feature_version == PROJECTION.feature_version


@pytest.mark.parametrize("matrix", [np.ones((11, PROJECTED)), np.full((12, PROJECTED), math.nan), np.ones((12, 3))])
def test_a_projection_that_does_not_fit_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(BadInput):
        Projection(PROJECTION.mean, matrix.astype(np.float32))
