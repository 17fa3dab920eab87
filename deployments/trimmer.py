"""Trimming as a service: keeps the sentences of texts that matter for a question. Whole sentences only."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sentencex

from core.errors import StartupFailed
from core.ports import Embedder
from core.trimming import trim
from core.words import count_tokens

Score = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class TrimmedTexts:
    """What is left of each text, in order (empty where nothing matters), and the tokens before and after."""

    texts: tuple[str, ...]
    tokens_before: int
    tokens_after: int


class Trimmer:
    """Scores sentences by the embedding model, or by the cross-encoder `model` (a hub name). Keeps nothing.

    Texts that the bot ingested need no call here: the store holds their sentences' vectors, and the answer pipeline
    trims with those.
    """

    def __init__(self, embedder: Embedder, model: str = "", score: Score | None = None) -> None:
        self._embedder = embedder
        self._score = score or (cross_encoder(model) if model else None)

    async def trim(self, question: str, texts: Sequence[str]) -> TrimmedTexts:
        """Keep the sentences of `texts` that matter for `question`."""
        documents = await asyncio.to_thread(_sentences, texts)
        sentences = [sentence for document in documents for sentence in document]
        scores = await self._relevance(question, sentences)
        kept: list[str] = []
        for document in documents:
            relevance, scores = scores[: len(document)], scores[len(document) :]
            kept.append(" ".join(document[index] for index in trim(question, document, relevance)))
        return TrimmedTexts(tuple(kept), sum(map(count_tokens, texts)), sum(map(count_tokens, kept)))

    async def _relevance(self, question: str, sentences: Sequence[str]) -> Sequence[float]:
        """One value for each sentence, -1 to 1: the cosine with the question, or what the cross-encoder says."""
        if not sentences:
            return []
        if self._score is not None:
            return await asyncio.to_thread(self._score, question, sentences)
        vectors = await self._embedder.embed([question, *sentences])
        cosines: list[float] = np.asarray(vectors[1:] @ vectors[0], dtype=float).tolist()
        return cosines


def _sentences(texts: Sequence[str]) -> list[list[str]]:
    return [[part.strip() for part in sentencex.segment("en", text) if part.strip()] for text in texts]


def cross_encoder(model_name: str) -> Score:
    """A scorer by the sentence-transformers CrossEncoder `model_name`: probabilities from 0 to 1."""
    from sentence_transformers import CrossEncoder
    from torch.nn import Sigmoid

    try:
        model: Any = CrossEncoder(model_name)
    except (OSError, ValueError) as error:
        problem = f"The trimming model {model_name!r} cannot be loaded: {error}"
        raise StartupFailed(problem, "Set TRIM_MODEL to a cross-encoder's hub name, or leave it empty.") from error

    def score(question: str, sentences: Sequence[str]) -> Sequence[float]:
        pairs = [(question, sentence) for sentence in sentences]
        scores: list[float] = model.predict(pairs, activation_fn=Sigmoid(), show_progress_bar=False).tolist()
        return scores

    return score
