"""What routing starts from: the committed file, and what becomes of evidence at another reward."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import StartupFailed
from core.linear_thompson import Prior, checked_evidence, evidence_of
from core.routing_context import FEATURES, Projection
from deployments.routing_prior import OfflineEvidence, RoutingPrior

RNG = np.random.default_rng(5)
CONTEXTS = np.concatenate([np.ones((30, 1)), RNG.normal(size=(30, FEATURES - 1))], axis=1)
QUALITY = RNG.random((30, 2))
ROWS, COLUMNS = np.triu_indices(FEATURES)


def learned(contexts: np.ndarray, quality: np.ndarray) -> OfflineEvidence:
    gram = (contexts.T @ contexts)[ROWS, COLUMNS]
    return OfflineEvidence(("a", "b"), float(len(contexts)), gram, quality.T @ contexts)


def test_the_committed_prior_can_be_read_and_every_arm_of_it_is_sound() -> None:
    prior = RoutingPrior.load()
    assert prior.projection.mean.shape == (384,)
    assert {"nine_models", "pair_gpt4_mixtral"} <= set(prior.learned)
    for known in prior.learned.values():
        for arm in known.arms:
            assert checked_evidence(known.evidence(arm, 0.9, 0.05), Prior(FEATURES)).weight == known.n


def test_a_prior_is_read_as_it_was_written(tmp_path: Path) -> None:
    projection = Projection(np.zeros(6, np.float32), np.ones((6, 20), np.float32))
    RoutingPrior(projection, {"set": learned(CONTEXTS, QUALITY)}).save(tmp_path / "p.npz")
    read = RoutingPrior.load(tmp_path / "p.npz")
    assert read.projection.feature_version == projection.feature_version
    assert read.learned["set"].arms == ("a", "b")
    np.testing.assert_array_equal(read.learned["set"].moments, QUALITY.T @ CONTEXTS)


def test_evidence_of_a_reward_is_that_of_its_own_observations() -> None:
    made = learned(CONTEXTS, QUALITY).evidence("b", 0.9, 0.1)
    straight = evidence_of(CONTEXTS, 0.9 * QUALITY[:, 1] + 0.1)
    assert made.weight == straight.weight
    for part in ("gram", "moment"):
        np.testing.assert_allclose(np.frombuffer(getattr(made, part)), np.frombuffer(getattr(straight, part)))
    assert learned(CONTEXTS, QUALITY).evidence("b", 0.9, 0.1, weight=0.5).weight == 15.0


def test_what_is_left_out_is_as_if_it_had_never_been_seen() -> None:
    left = learned(CONTEXTS, QUALITY).without(CONTEXTS[:12], QUALITY[:12])
    never = learned(CONTEXTS[12:], QUALITY[12:])
    assert left.n == never.n
    np.testing.assert_allclose(left.gram, never.gram, atol=1e-9)
    np.testing.assert_allclose(left.moments, never.moments, atol=1e-9)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 half a file", b"text"])
def test_a_prior_that_cannot_be_read_stops_the_start_and_says_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "p.npz").write_bytes(content)
    with pytest.raises(StartupFailed, match="router_prior"):
        RoutingPrior.load(tmp_path / "p.npz")
