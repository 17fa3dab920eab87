"""What the transcript store keeps in Qdrant: the form of a point, and the one filter that every call goes through."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol
from uuid import UUID, uuid5

import numpy as np

from core.errors import TenantRequired
from core.messages import Passage, Recording, Sentence
from core.ports import Vectors
from core.retrieval import Leg, Place, WordWeights
from core.tenancy import TenantContext

DENSE = "dense"
LEXICAL = "lexical"
KEYWORD_FIELDS = ("tenant", "workspace", "recording_id", "generation")
INTEGER_FIELDS = ("index",)
PLACE_FIELDS = ["recording_id", "index"]

# Any fixed UUID would do. Changing it makes every stored point a stranger.
_NAMESPACE = UUID("0d9f5a52-33c4-5b5e-8f0b-6f1f9a2c7d44")
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which points a call is about. Raises TenantRequired where it names no tenant or no workspace.

    Empty fields do not narrow. `but_generation` leaves the points of one generation out; `index` -1 means any.
    """

    tenant: str
    workspace: str
    recording_ids: tuple[str, ...] = ()
    generation: str = ""
    but_generation: str = ""
    index: int = -1
    point_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.tenant or not self.workspace:
            raise TenantRequired("The store is asked for no tenant's data.", "Pass the tenant and the workspace.")

    @classmethod
    def of(cls, tenant: TenantContext, *recording_ids: str) -> "Scope":
        return cls(tenant.tenant, tenant.workspace, recording_ids)


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A passage as it goes into the index: id, vectors and payload."""

    point_id: str
    dense: Vectors
    words: WordWeights
    payload: Mapping[str, Any]


class VectorIndex(Protocol):
    """An index of points: qdrant-edge on disk, or a Qdrant server. Raises Unavailable, or WriteFailed on a write."""

    async def replace(self, points: Sequence[StoredPoint], stale: Scope) -> None:
        """Write `points`, then delete what is in `stale`; on disk when this returns."""
        ...

    async def delete(self, scope: Scope) -> int:
        """Delete what is in `scope`; returns how many points there were; on disk when this returns."""
        ...

    async def count(self, scope: Scope) -> int: ...

    async def legs(self, scope: Scope, corpus: Scope, dense: Vectors, words: WordWeights, depth: int) -> Sequence[Leg]:
        """The best `depth` places by dense vector and by words. How rare a word is, is judged over `corpus`."""
        ...

    async def payloads(self, scope: Scope) -> Sequence[Mapping[str, Any]]:
        """The payload of every point in `scope`."""
        ...

    async def close(self) -> None: ...


def conditions(kit: Any, scope: Scope) -> tuple[list[Any], list[Any]]:
    """`scope` as filter conditions: (must, must_not). `kit` is `qdrant_edge` or `qdrant_client.models`.

    Every query and every delete of both back ends is built from this, so that none can forget whose data it is about.
    """
    must = [_equals(kit, "tenant", scope.tenant), _equals(kit, "workspace", scope.workspace)]
    if scope.recording_ids:
        must.append(kit.FieldCondition(key="recording_id", match=kit.MatchAny(any=list(scope.recording_ids))))
    if scope.generation:
        must.append(_equals(kit, "generation", scope.generation))
    if scope.index >= 0:
        must.append(_equals(kit, "index", scope.index))
    return must, [_equals(kit, "generation", scope.but_generation)] if scope.but_generation else []


def _equals(kit: Any, key: str, value: str | int) -> Any:
    return kit.FieldCondition(key=key, match=kit.MatchValue(value=value))


def point_id(tenant: TenantContext, place: Place) -> str:
    """The id of the passage at `place` in a tenant's workspace: the same for every ingest of the recording."""
    parts = (tenant.tenant, tenant.workspace, place.recording_id, str(place.index))
    # Lengths are part of the name: a separator inside an id must not make two names one.
    return str(uuid5(_NAMESPACE, _SEPARATOR.join(f"{len(part)}:{part}" for part in parts)))


def to_payload(tenant: TenantContext, passage: Passage, generation: str, sentence_vectors: Vectors) -> dict[str, Any]:
    """A passage as payload. Sentence vectors go as float16, which moves a cosine by less than 0.001."""
    return {
        "tenant": tenant.tenant,
        "workspace": tenant.workspace,
        "recording_id": passage.recording.recording_id,
        "index": passage.index,
        "generation": generation,
        "passage_id": passage.passage_id,
        "recording": asdict(passage.recording),
        "sentences": [asdict(sentence) for sentence in passage.sentences],
        "heading": passage.heading,
        "sentence_vectors": base64.b64encode(sentence_vectors.astype("<f2").tobytes()).decode(),
    }


def place_of(payload: Mapping[str, Any]) -> Place:
    return Place(payload["recording_id"], int(payload["index"]))


def recording_of(payload: Mapping[str, Any]) -> Recording:
    return Recording(**payload["recording"])


def passage_of(payload: Mapping[str, Any]) -> Passage:
    sentences = tuple(Sentence(**sentence) for sentence in payload["sentences"])
    heading = payload.get("heading", "")  # points of earlier versions have none
    return Passage(payload["passage_id"], recording_of(payload), int(payload["index"]), sentences, heading)


def vectors_of(payload: Mapping[str, Any]) -> bytes:
    """The vectors of the sentences, as `core.messages.Hit` carries them."""
    return base64.b64decode(payload["sentence_vectors"])


def relevance_of(payload: Mapping[str, Any], question: Vectors) -> tuple[float, ...]:
    """The cosine of each sentence with `question` (of length 1, shape (dimensions,)), -1 to 1."""
    stored = np.frombuffer(vectors_of(payload), dtype="<f2")
    cosines = stored.reshape(-1, question.shape[0]).astype(np.float32) @ question
    return tuple(float(cosine) for cosine in np.clip(cosines, -1.0, 1.0))
