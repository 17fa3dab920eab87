"""One scope's entries inside GPTCache: its vector base, cache storage and similarity evaluation are ours.

GPTCache's own flow (`adapt`) searches, fetches and evaluates; what it calls knows the answers' neighbourhoods, so that
a search hands three answers to it instead of twenty entries, and fetching one is a dict's look-up. `Cache.init` is not
called: it would register an exit handler for each scope that keeps the scope alive for as long as the process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import actors.gptcache_import  # noqa: F401  # isort: skip  # first: it disarms what the next lines import
import numpy as np
from gptcache import Cache, Config
from gptcache.adapter.adapter import adapt
from gptcache.manager.data_manager import SSDataManager
from gptcache.manager.eviction.distributed_cache import NoOpEviction
from gptcache.manager.scalar_data.base import CacheData, CacheStorage, Question
from gptcache.manager.vector_data.base import VectorBase, VectorData
from gptcache.similarity_evaluation import SimilarityEvaluation
from numpy.typing import NDArray

from core.answer_cache_index import AnswerIndex, Neighbourhood
from core.answer_cache_messages import Judged
from core.answer_cache_verifier import Verifier
from core.hit_bounds import probability_of
from core.messages import Claim
from core.question_features import QuestionTraits

# Less probable than that nothing is ever served, whatever a tenant's bound.
LEAST_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as the stores hold it."""

    entry_id: str
    answer_id: str
    traits: QuestionTraits
    claims: tuple[Claim, ...]


@dataclass(slots=True)
class Query:
    """A question on its way through GPTCache, and what was judged on the way."""

    vector: NDArray[np.float32]
    traits: QuestionTraits
    judged: list[Judged] = field(default_factory=list)


class _Entries(CacheStorage):  # type: ignore[misc]  # untyped
    """Entries by id, in memory. `get_data_by_id` writes nothing, other than GPTCache's own."""

    def __init__(self) -> None:
        self.by_id: dict[str, StoredEntry] = {}
        self._deleted: set[str] = set()

    def create(self) -> None: ...

    def batch_insert(self, all_data: list[CacheData]) -> list[str]:
        entries: list[StoredEntry] = [data.question.content for data in all_data]
        self.by_id.update((entry.entry_id, entry) for entry in entries)
        return [entry.entry_id for entry in entries]

    def get_data_by_id(self, key: str) -> CacheData | None:
        entry = self.by_id.get(key)
        return None if entry is None else CacheData(question=entry.entry_id, answers=entry.entry_id)

    def mark_deleted(self, keys: Sequence[str]) -> None:
        self._deleted.update(key for key in keys if key in self.by_id)

    def clear_deleted_data(self) -> None:
        for key in self._deleted:
            del self.by_id[key]
        self._deleted.clear()

    def get_ids(self, deleted: bool = True) -> list[str]:
        return [key for key in self.by_id if (key in self._deleted) == deleted]

    def count(self, state: int = 0, is_all: bool = False) -> int:
        return len(self.by_id) if is_all else len(self.get_ids(deleted=state == -1))

    def add_session(self, question_id: str, session_id: str, session_question: str) -> None:
        raise NotImplementedError("A scope is a cache of its own: nothing is filtered by session.")

    def list_sessions(self, *_: object) -> list[Any]:
        return []

    def delete_session(self, keys: Sequence[str]) -> None: ...

    def report_cache(self, *told: object) -> None: ...

    def close(self) -> None: ...


class _Vectors(VectorBase):  # type: ignore[misc]  # untyped
    """The index over the entries. A search finds answers: each with its neighbourhood in place of a distance."""

    def __init__(self, entries: _Entries, dimensions: int) -> None:
        self.index = AnswerIndex(dimensions)
        self._entries = entries

    def mul_add(self, datas: list[VectorData]) -> None:
        for data in datas:
            entry = self._entries.by_id[data.id]
            self.index.add(entry.entry_id, entry.answer_id, data.data, entry.traits)

    def search(self, data: NDArray[np.float32], top_k: int) -> list[tuple[Neighbourhood, str]]:
        del top_k
        return [(near, near.entry_ids[0]) for near in self.index.neighbourhoods(data.astype(np.float32))]

    def delete(self, ids: Sequence[str]) -> None:
        self.index.remove(ids)

    def rebuild(self, ids: Sequence[str] | None = None) -> bool:
        del ids
        return True


class _Verified(SimilarityEvaluation):  # type: ignore[misc]  # untyped
    """P(right) by the verifier, and none where the two questions conflict."""

    def __init__(self, index: AnswerIndex, verifier: Verifier) -> None:
        self._index, self._verifier = index, verifier

    def evaluation(self, src_dict: dict[str, Any], cache_dict: dict[str, Any], **_: object) -> float:
        query: Query = src_dict["question"]
        near: Neighbourhood = cache_dict["search_result"][0]
        found = self._index.candidate(near, query.traits)
        (score,) = self._verifier.logits([found.features])
        query.judged.append(Judged(found.entry_id, found.answer_id, score, bool(found.conflict)))
        return 0.0 if found.conflict else probability_of(score)

    def range(self) -> tuple[float, float]:
        return 0.0, 1.0


class ScopedCache:
    """The entries of one scope in a GPTCache of its own. Derived: it can be made anew from the records at any time."""

    def __init__(self, dimensions: int, verifier: Verifier) -> None:
        self._entries = _Entries()
        self._vectors = _Vectors(self._entries, dimensions)
        self._of_words: dict[str, str] = {}
        self._cache = Cache()
        self._cache.has_init = True
        self._cache.cache_enable_func = lambda *_, **__: True
        self._cache.pre_embedding_func = lambda data, **_: data["prompt"]
        self._cache.embedding_func = lambda query, **_: query.vector
        # A bound that is never reached: what goes, the entity decides.
        self._cache.data_manager = SSDataManager(self._entries, self._vectors, None, NoOpEviction(), 1, 1)
        self._cache.similarity_evaluation = _Verified(self._vectors.index, verifier)
        self._cache.post_process_messages_func = lambda answers: answers[0]
        self._cache.config = Config(similarity_threshold=LEAST_PROBABILITY, disable_report=True)

    def __len__(self) -> int:
        return len(self._entries.by_id)

    def add(self, entry: StoredEntry, vector: NDArray[np.float32]) -> None:
        """Add an entry; `vector` has length 1."""
        self._cache.data_manager.save(Question(entry), entry.entry_id, vector)
        self._of_words[entry.traits.normal] = entry.entry_id

    def remove(self, entry_ids: Sequence[str]) -> None:
        """Take entries out of both stores: GPTCache has no public way to."""
        for entry_id in entry_ids:
            entry = self._entries.by_id.get(entry_id)
            if entry is not None and self._of_words.get(entry.traits.normal) == entry_id:
                del self._of_words[entry.traits.normal]
        self._entries.mark_deleted(entry_ids)
        self._entries.clear_deleted_data()
        self._vectors.delete(entry_ids)

    def same_words(self, traits: QuestionTraits) -> str:
        """The entry of the same words; "" for none."""
        return self._of_words.get(traits.normal, "")

    def judged(self, vector: NDArray[np.float32], traits: QuestionTraits) -> tuple[Judged, ...]:
        """The answers that may do, nearest first, as GPTCache's flow has them evaluated."""
        query = Query(vector, traits)
        adapt(_nobody, _as_it_is, _nobody, prompt=query, cache_obj=self._cache, search_only=True)
        return tuple(query.judged)

    def entry(self, entry_id: str) -> StoredEntry | None:
        """The entry with this id; None where it is not there."""
        return self._entries.by_id.get(entry_id)


def _nobody(*_: object, **__: object) -> None:
    """No model is asked by GPTCache, and nothing is kept by it unasked."""


def _as_it_is(answer: str) -> str:
    return answer
