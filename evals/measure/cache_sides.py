"""The sides of the look-up bench: our cache, GPTCache as shipped, and a plain product, over the same entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from actors.gptcache_stores import ScopedCache, StoredEntry
from core.answer_cache_index import NEAREST
from core.answer_cache_prior import PRIOR
from core.answer_cache_vectors import EntryVectors
from core.question_features import traits_of

DIMENSIONS = 384
# A question in 20 of one answer, near each other; and words as in questions about talks.
_WAYS = 20
_WORDS = (
    *("budget", "release", "market", "design", "team", "remote", "signal", "school", "health", "driver", "battery"),
    *("price", "voice", "energy", "policy", "garden", "training", "risk", "audience", "funding", "minister", "survey"),
    *("research", "network", "engine", "plan", "contract", "station", "factory", "reader"),
)
LookUp: TypeAlias = Callable[[str, NDArray[np.float32]], object]


@dataclass(frozen=True, slots=True)
class Entries:
    """Questions with their vectors, shape (questions, dimensions), and their answers' ids."""

    questions: Sequence[str]
    vectors: NDArray[np.float32]
    answers: Sequence[str]


def entries(count: int, seed: int) -> Entries:
    """Entries as real ones lie: around their answers' centres, and most of what differs in few directions."""
    rng = np.random.default_rng(seed)
    spread = 1.0 / np.sqrt(np.arange(1, DIMENSIONS + 1))
    # The directions are the same for every seed: what is looked up lies in the same space as what is there.
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(DIMENSIONS, DIMENSIONS)))[0]
    centres = np.random.default_rng(1).normal(size=(-(-count // _WAYS), DIMENSIONS)) * spread
    answer = rng.permutation(np.arange(count) % len(centres))
    rows = centres[answer] + 0.35 * rng.normal(size=(count, DIMENSIONS)) * spread
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)) @ turned
    words = rng.choice(_WORDS, size=(count, 5))
    questions = [f"what did they say about the {' '.join(each)} in number {place}" for place, each in enumerate(words)]
    return Entries(questions, vectors.astype(np.float32), [f"answer/{its}" for its in answer])


def ours(kept: Entries) -> LookUp:
    """Our cache: the question's traits, GPTCache's flow over our stores, and the verifier; nothing is written."""
    cache = ScopedCache(DIMENSIONS, PRIOR)
    for number, (question, vector, answer) in enumerate(zip(kept.questions, kept.vectors, kept.answers, strict=True)):
        cache.add(StoredEntry(f"entry/{number}", answer, traits_of(question), ()), vector)

    def look_up(question: str, vector: NDArray[np.float32]) -> object:
        traits = traits_of(question)
        return cache.same_words(traits) or cache.judged(vector, traits)

    return look_up


def product(kept: Entries) -> LookUp:
    """One product over all vectors, and the nearest 20 of it."""
    rows = kept.vectors.copy()

    def look_up(_: str, vector: NDArray[np.float32]) -> object:
        cosines = rows @ vector
        best = np.argpartition(-cosines, NEAREST)[:NEAREST]
        return best[np.argsort(-cosines[best])]

    return look_up


def _flat_store() -> Any:
    """A vector store of GPTCache that is one product over all vectors, and finds one candidate as GPTCache's own do."""
    from gptcache.manager.vector_data.base import VectorBase

    class Flat(VectorBase):  # type: ignore[misc]  # untyped
        def __init__(self) -> None:
            self.ids: list[Any] = []
            self.rows = np.zeros((0, DIMENSIONS), np.float32)

        def mul_add(self, datas: list[Any]) -> None:
            self.ids += [data.id for data in datas]
            self.rows = np.concatenate([self.rows, *(data.data[None] for data in datas)])

        def search(self, data: NDArray[np.float32], **_: object) -> list[tuple[float, Any]]:
            cosines = self.rows @ data
            best = int(cosines.argmax())
            return [(float(2.0 - 2.0 * cosines[best]), self.ids[best])]

        def delete(self, *_: object) -> bool:
            raise NotImplementedError

        def rebuild(self, *_: object) -> bool:
            raise NotImplementedError

    return Flat()


def stock(kept: Entries, folder: Path) -> LookUp:
    """GPTCache as shipped: its SQLite storage, its eviction, its evaluation by distance, one candidate a look-up.

    Its vector stores are not to be had here, so the vectors are in the plain product above, as a `VectorBase`.
    """
    from gptcache import Cache, Config
    from gptcache.adapter.api import get
    from gptcache.manager import CacheBase, get_data_manager
    from gptcache.processor.pre import get_prompt
    from gptcache.similarity_evaluation.distance import SearchDistanceEvaluation

    vector_now: list[NDArray[np.float32]] = []
    manager = get_data_manager(
        CacheBase("sqlite", sql_url=f"sqlite:///{folder}/stock.db"), _flat_store(), max_size=2 * len(kept.questions)
    )
    manager.import_data(kept.questions, ["an answer"] * len(kept.questions), kept.vectors, [None] * len(kept.questions))
    cache = Cache()
    cache.init(
        pre_embedding_func=get_prompt,
        embedding_func=lambda *_, **__: vector_now[-1],
        data_manager=manager,
        similarity_evaluation=SearchDistanceEvaluation(),
        config=Config(disable_report=True),
    )

    def look_up(question: str, vector: NDArray[np.float32]) -> object:
        vector_now[:] = [vector]
        return get(question, cache_obj=cache)

    return look_up


def recall(kept: Entries, asked: Entries) -> float:
    """How many of the 20 nearest entries by an exact product our search finds."""
    found = EntryVectors(DIMENSIONS)
    for number, vector in enumerate(kept.vectors):
        found.add(str(number), vector)
    exact, shared = product(kept), 0
    for vector in asked.vectors:
        places = exact("", vector)
        assert isinstance(places, np.ndarray)
        shared += len({str(place) for place in places.tolist()} & set(found.nearest(vector, NEAREST)[0]))
    return round(shared / (NEAREST * len(asked.vectors)), 4)
