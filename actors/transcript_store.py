"""The passages and vectors of every tenant: the port `core.ports.TranscriptStore` over Qdrant, embedded or a server."""

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np

from actors.qdrant_edge_index import EdgeIndex
from actors.qdrant_points import (
    Scope,
    StoredPoint,
    VectorIndex,
    passage_of,
    place_of,
    point_id,
    recording_of,
    relevance_of,
    to_payload,
    vectors_of,
)
from core.errors import BadInput
from core.messages import Hit, Library, Passage, SearchQuery
from core.ports import Vectors
from core.retrieval import Place, fuse, passage_weights, question_weights
from core.tenancy import TenantContext

MAX_HITS = 100
_LEG_DEPTH = 100
# Workspaces whose recordings are known by heart.
_MOST_VERSIONS = 1_000


class TranscriptStore:
    """Keeps passages; what one tenant or workspace stores never changes what another one finds.

    With a `url` they are in a Qdrant server, else in `folder`, which one process at a time may own. Everything
    that was acknowledged survives a crash. A crash in the middle of `replace_recording` leaves some passages of the old
    version and some of the new; bringing the recording in again repairs it.
    """

    def __init__(
        self,
        folder: Path | str,
        dimensions: int,
        url: str = "",
        api_key: str = "",
        model: str = "",
        index: VectorIndex | None = None,
    ) -> None:
        """Open the store for vectors of `dimensions` numbers, made by `model` (checked where it is named).

        Raises WriteFailed where `folder` cannot be written, and StartupFailed where it was made for other vectors or
        another process has it open. `index` takes the place of both back ends.
        """
        self._dimensions = dimensions
        self._writing = asyncio.Lock()
        self._generations: dict[tuple[str, str], dict[str, str]] = {}
        self._index = index or _open_index(Path(folder), dimensions, url, api_key, model)

    async def replace_recording(
        self, tenant: TenantContext, passages: Sequence[Passage], vectors: Vectors, sentence_vectors: Sequence[Vectors]
    ) -> bool:
        """Store all passages of one recording in place of what was there; False if the same was there already.

        Shapes: `vectors` (passages, dimensions); `sentence_vectors[i]` (sentences of passage i, dimensions). Raises
        BadInput where they do not fit together, or where the passages are not those of one recording.
        """
        recording_id = _checked(passages)
        _check_vectors(passages, vectors, sentence_vectors, self._dimensions)
        generation = _generation(passages)
        async with self._writing:
            if await self._holds(tenant, recording_id, generation, len(passages)):
                return False
            points = [
                StoredPoint(
                    point_id(tenant, Place(recording_id, passage.index)),
                    vector,
                    passage_weights(passage),
                    to_payload(tenant, passage, generation, of_sentences),
                )
                for passage, vector, of_sentences in zip(passages, vectors, sentence_vectors, strict=True)
            ]
            # While it is being written nobody knows what is there; a write that fails leaves it so.
            known = self._generations.pop((tenant.tenant, tenant.workspace), None)
            await self._index.replace(points, stale=replace(Scope.of(tenant, recording_id), but_generation=generation))
            if known is not None:
                self._generations[tenant.tenant, tenant.workspace] = known | {recording_id: generation}
            return True

    async def is_stored(self, tenant: TenantContext, passages: Sequence[Passage]) -> bool:
        """Whether exactly these passages of a recording are stored: then they need no vectors. Raises BadInput."""
        return await self._holds(tenant, _checked(passages), _generation(passages), len(passages))

    async def search(self, query: SearchQuery, vector: Vectors) -> Sequence[Hit]:
        """The best passages for `query`, best first; `vector` is the question's, of shape (dimensions,).

        At most `MAX_HITS` of them. Raises BadInput for a vector of another shape.
        """
        question = _unit(vector, self._dimensions)
        corpus = Scope.of(query.tenant)
        scope = Scope.of(query.tenant, *query.recording_ids)
        limit = min(query.limit, MAX_HITS)
        if limit < 1:
            return ()
        legs = await self._index.legs(scope, corpus, question, question_weights(query.text), _LEG_DEPTH)
        ranked = fuse(legs, limit)
        if not ranked:
            return ()
        wanted = tuple(point_id(query.tenant, place) for place, _ in ranked)
        found = {place_of(payload): payload for payload in await self._index.payloads(replace(scope, point_ids=wanted))}
        return tuple(
            Hit(passage_of(found[place]), score, relevance_of(found[place], question), vectors_of(found[place]))
            for place, score in ranked
            if place in found
        )

    async def library(self, tenant: TenantContext) -> Library:
        """What the tenant's workspace holds, in the order of the titles."""
        scope = Scope.of(tenant)
        first = await self._index.payloads(replace(scope, index=0))
        recordings = sorted((recording_of(payload) for payload in first), key=lambda it: (it.title, it.recording_id))
        return Library(tuple(recordings), await self._index.count(scope))

    async def version(self, tenant: TenantContext, recording_ids: Sequence[str] = ()) -> str:
        """A fingerprint of what a search in these recordings (none named: the whole workspace) goes over.

        It is another as soon as one of them comes, goes or changes.
        """
        scope = Scope.of(tenant)
        known = self._generations.get((scope.tenant, scope.workspace))
        if known is None:
            async with self._writing:
                first = await self._index.payloads(replace(scope, index=0))
                known = {str(payload["recording_id"]): str(payload["generation"]) for payload in first}
                if len(self._generations) >= _MOST_VERSIONS:
                    self._generations.clear()
                self._generations[scope.tenant, scope.workspace] = known
        named = sorted(set(recording_ids) & known.keys()) if recording_ids else sorted(known)
        content = "\n".join(f"{each}\x1f{known[each]}" for each in named)
        return blake2b(content.encode("utf-8", "replace"), digest_size=12).hexdigest()

    async def forget_recording(self, tenant: TenantContext, recording_id: str) -> int:
        """Delete a recording; returns how many passages were deleted."""
        if not recording_id:
            # Without this an empty id would not narrow the scope, and the whole workspace would go.
            raise BadInput("No recording is named.", "Pass the id of the one to forget.")
        async with self._writing:
            known = self._generations.pop((tenant.tenant, tenant.workspace), None)
            deleted = await self._index.delete(Scope.of(tenant, recording_id))
            if known is not None:
                left = {its: generation for its, generation in known.items() if its != recording_id}
                self._generations[tenant.tenant, tenant.workspace] = left
            return deleted

    async def _holds(self, tenant: TenantContext, recording_id: str, generation: str, passages: int) -> bool:
        everything = Scope.of(tenant, recording_id)
        same = await self._index.count(replace(everything, generation=generation))
        return same == passages == await self._index.count(everything)

    async def close(self) -> None:
        """Release the folder or the connection. The store cannot be used afterwards."""
        await self._index.close()


def _open_index(folder: Path, dimensions: int, url: str, api_key: str, model: str) -> VectorIndex:
    if not url:
        return EdgeIndex(folder, dimensions, model)
    # Imported late: a second of import that one machine without a server does not need.
    from qdrant_client import AsyncQdrantClient

    from actors.qdrant_server_index import ServerIndex

    return ServerIndex(AsyncQdrantClient(url=url, api_key=api_key or None, check_compatibility=False), dimensions)


def _checked(passages: Sequence[Passage]) -> str:
    """The id of the one recording that all `passages` belong to. Raises BadInput."""
    recordings = {passage.recording for passage in passages}
    advice = "Pass all passages of one recording, as core.passages makes them."
    if len(recordings) != 1:
        raise BadInput(f"The passages are of {len(recordings)} recordings.", advice)
    recording_id = next(iter(recordings)).recording_id
    if not recording_id or [passage.index for passage in passages] != list(range(len(passages))):
        raise BadInput("The recording has no id, or its passages are not numbered from 0.", advice)
    times = [time for passage in passages for it in passage.sentences for time in (it.start_s, it.end_s)]
    if not all(map(math.isfinite, times)):
        raise BadInput("A sentence has no finite time.", "Check the captions.")
    return recording_id


def _check_vectors(
    passages: Sequence[Passage], vectors: Vectors, sentence_vectors: Sequence[Vectors], dimensions: int
) -> None:
    expected = [(len(passage.sentences), dimensions) for passage in passages]
    if vectors.shape != (len(passages), dimensions) or [part.shape for part in sentence_vectors] != expected:
        raise BadInput("The vectors do not fit the passages.", f"Pass one of {dimensions} numbers for each.")
    if not all(np.isfinite(part).all() for part in (vectors, *sentence_vectors)):
        raise BadInput("A vector is not a number everywhere.", "Check the embedding model.")


def _unit(vector: Vectors, dimensions: int) -> Vectors:
    length = float(np.linalg.norm(vector)) if vector.shape == (dimensions,) else math.nan
    if not (math.isfinite(length) and length > 0):
        raise BadInput(f"The question's vector is not {dimensions} finite numbers.", "Check the embedding model.")
    return np.asarray(vector / length, dtype=np.float32)


def _generation(passages: Sequence[Passage]) -> str:
    """A fingerprint of everything that is shown of a recording.

    Vectors are left out: the same model gives them other last bits in another batch.
    """
    content = [asdict(passages[0].recording), [[asdict(it) for it in passage.sentences] for passage in passages]]
    headings = [passage.heading for passage in passages]
    if any(headings):  # what was stored before there were headings keeps its fingerprint
        content.append(headings)
    try:
        return blake2b(json.dumps(content, ensure_ascii=False).encode(), digest_size=16).hexdigest()
    except UnicodeEncodeError as error:
        raise BadInput("The title or the text holds half a character.", "Check the encoding of its page.") from error
