"""The trimming service: whole sentences, in order, and never more than there was."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import StartupFailed
from deployments.encoder import packaged_model
from deployments.trimmer import Trimmer, cross_encoder
from tests.fakes.embedder import FakeEmbedder

TEXT = (
    "Welcome everybody to the show. Green tea wants water well below boiling. My cat is asleep. "
    "Water that boils makes green tea bitter. See you next week."
)
QUESTION = "How hot should the water for green tea be?"


async def test_it_keeps_what_matters_whole_and_in_order() -> None:
    trimmed = await Trimmer(FakeEmbedder()).trim(QUESTION, [TEXT, "My cat is asleep."])
    assert trimmed.texts[0].startswith("Green tea wants water well below boiling.")
    assert trimmed.texts[0].endswith("Water that boils makes green tea bitter.")
    assert "cat" not in trimmed.texts[1]
    assert 0 < trimmed.tokens_after < trimmed.tokens_before


async def test_a_scorer_takes_the_place_of_the_embedding_model() -> None:
    def score(question: str, sentences: Sequence[str]) -> Sequence[float]:
        assert question == QUESTION
        return [1.0 if "cat" in sentence else 0.0 for sentence in sentences]

    embedder = FakeEmbedder()
    trimmed = await Trimmer(embedder, score=score).trim(QUESTION, [TEXT])
    assert "My cat is asleep." in trimmed.texts[0]
    assert embedder.calls == []


async def test_blank_texts_come_back_empty() -> None:
    trimmed = await Trimmer(FakeEmbedder()).trim(QUESTION, [" \n "])
    assert (trimmed.texts, trimmed.tokens_before, trimmed.tokens_after) == (("",), 0, 0)


@given(st.lists(st.text("abc tea. water!?", max_size=80), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
async def test_nothing_is_added(texts: list[str]) -> None:
    trimmed = await Trimmer(FakeEmbedder()).trim(QUESTION, texts)
    assert len(trimmed.texts) == len(texts)
    assert trimmed.tokens_after <= trimmed.tokens_before
    for before, after in zip(texts, trimmed.texts, strict=True):
        rest = iter(before.split())
        assert all(word in rest for word in after.split())


@pytest.mark.model
def test_a_cross_encoder_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartupFailed, match="TRIM_MODEL"):
        Trimmer(FakeEmbedder(), str(tmp_path))


@pytest.mark.model
def test_a_cross_encoder_scores_between_0_and_1(tmp_path: Path) -> None:
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification  # seconds: not at collection

    config = BertConfig(vocab_size=30_522, hidden_size=32, num_hidden_layers=1, num_attention_heads=2)
    config.num_labels = 1
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(str(packaged_model())).save_pretrained(tmp_path)
    scores = cross_encoder(str(tmp_path))(QUESTION, ["Green tea.", "My cat."])
    assert len(scores) == 2
    assert all(0 <= score <= 1 for score in scores)
