from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.trim_costs import TrimCosts, reason_not_to_trim

SLOW = TrimCosts(trim_ms_per_1000_tokens=500.0)


def test_a_context_of_a_few_sentences_is_left_alone() -> None:
    assert reason_not_to_trim(50, TrimCosts()) == "50 tokens leave nothing to choose from"


def test_stored_vectors_are_worth_trimming_for_any_model() -> None:
    assert reason_not_to_trim(1_600, TrimCosts()) == ""


def test_embedding_first_is_not_worth_it_for_a_free_model_but_is_for_a_dear_one() -> None:
    assert "800 ms" in reason_not_to_trim(1_600, SLOW)
    assert reason_not_to_trim(1_600, replace(SLOW, usd_per_1000_tokens=0.01)) == ""


@given(st.integers(120, 100_000), st.floats(0, 0.1), st.floats(0, 0.1))
def test_a_dearer_model_is_never_trimmed_for_less(tokens: int, one: float, other: float) -> None:
    cheap, dear = sorted((one, other))
    if not reason_not_to_trim(tokens, replace(SLOW, usd_per_1000_tokens=cheap)):
        assert not reason_not_to_trim(tokens, replace(SLOW, usd_per_1000_tokens=dear))
