"""The embedding model: both backends agree, and what cannot be loaded is told in a sentence."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import StartupFailed, WriteFailed
from deployments import encoder
from deployments.embedder import Embedder, EmbedderConfig
from deployments.encoder import (
    CHUNK_TEXTS,
    PADDING_TOKENS,
    OnnxEncoder,
    TorchEncoder,
    chunks,
    is_exportable,
    load_encoder,
    max_tokens,
    packaged_model,
)
from deployments.onnx_export import export

pytestmark = pytest.mark.model

TEXTS = ["A talk about testing.", "x", "The neuroscience of emotions " * 80, "Ein Satz auf Deutsch."]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def onnx(cache: Path) -> encoder.Encoder:
    return load_encoder("packaged", "auto", cache, threads=2)


@pytest.fixture(scope="module")
def torch(cache: Path) -> encoder.Encoder:
    return load_encoder("packaged", "torch", cache, threads=2)


def test_auto_takes_onnx_on_a_cpu_and_pytorch_on_a_gpu(onnx: encoder.Encoder, cache: Path) -> None:
    assert isinstance(onnx, OnnxEncoder)
    assert isinstance(load_encoder("packaged", "auto", cache, 2, has_gpu=lambda: True), TorchEncoder)


def test_both_backends_give_the_same_unit_vectors(onnx: encoder.Encoder, torch: encoder.Encoder) -> None:
    mine, theirs = onnx.encode(TEXTS), torch.encode(TEXTS)
    assert mine.shape == theirs.shape == (len(TEXTS), 384)
    assert onnx.dimensions == torch.dimensions == 384
    np.testing.assert_allclose(mine, theirs, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(mine, axis=1), 1, atol=1e-5)


def test_both_backends_count_the_same_tokens(onnx: encoder.Encoder, torch: encoder.Encoder) -> None:
    assert onnx.count_tokens(TEXTS) == torch.count_tokens(TEXTS) > 256


def test_a_text_is_the_same_alone_and_in_company(onnx: encoder.Encoder) -> None:
    together = onnx.encode(TEXTS * 9)
    alone = np.vstack([onnx.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together[: len(TEXTS)], alone, atol=1e-5)


@given(st.lists(st.integers(1, 256), max_size=80))
def test_every_text_is_in_one_run_of_like_length(lengths: list[int]) -> None:
    runs = list(chunks(lengths))
    assert sorted(position for run in runs for position in run) == list(range(len(lengths)))
    for run in runs:
        assert len(run) <= CHUNK_TEXTS
        assert lengths[run[-1]] == max(lengths[position] for position in run)
        assert lengths[run[-1]] - lengths[run[0]] <= PADDING_TOKENS * len(run)


def test_the_export_is_whole_or_absent(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    export(str(packaged_model()), target)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_model_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartupFailed, match="EMBEDDING_MODEL"):
        load_encoder(str(tmp_path), "torch", tmp_path, 1)
    with pytest.raises(StartupFailed, match="EMBEDDING_BACKEND"):
        load_encoder("somebody/some-model", "onnx", tmp_path, 1)


def test_the_models_own_limit_cuts(tmp_path: Path) -> None:
    assert max_tokens(packaged_model()) == 256
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 512}')
    assert max_tokens(tmp_path) == 512
    (tmp_path / "sentence_bert_config.json").write_text("[]")
    assert max_tokens(tmp_path) == 256
    (tmp_path / "modules.json").write_text("not JSON")
    assert not is_exportable(tmp_path)


def test_a_folder_without_a_model_is_not_exportable(tmp_path: Path) -> None:
    assert not is_exportable(tmp_path)


def test_a_failed_export_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(StartupFailed, match="EMBEDDING_BACKEND=torch"):
        encoder.exported(tmp_path, tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "file").touch()
    with pytest.raises(WriteFailed, match="DATA_DIR"):
        encoder.exported(tmp_path, tmp_path / "file" / "cache")


def test_other_weights_in_the_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "PACKAGED_SHA256", "0" * 64)
    with pytest.raises(StartupFailed, match="not the official one"):
        packaged_model()


async def test_the_service_embeds_and_counts(cache: Path) -> None:
    embedder = Embedder(EmbedderConfig("packaged", 384, "auto", cache, max_batch=32, threads=2))
    assert (await embedder.embed([])).shape == (0, 384)
    vectors, tokens = await embedder.embed_counted(["one two", "three"])
    assert vectors.shape == (2, 384)
    assert tokens == 7  # two and one words, and each text's two marks


def test_other_dimensions_than_the_settings_say_are_told(cache: Path) -> None:
    with pytest.raises(StartupFailed, match="EMBEDDING_DIMENSIONS=384"):
        EmbedderConfig("packaged", 768, "auto", cache, max_batch=32, threads=2).load()
