"""The index on a cluster: one collection of a Qdrant server, shared by all tenants and told apart by every filter."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from actors.qdrant_points import (
    DENSE,
    INTEGER_FIELDS,
    KEYWORD_FIELDS,
    LEXICAL,
    PLACE_FIELDS,
    Scope,
    StoredPoint,
    conditions,
    place_of,
)
from core.errors import StartupFailed, Unavailable, WriteFailed
from core.ports import Vectors
from core.retrieval import Leg, WordWeights

COLLECTION = "transcripts"
_PAGE = 500
# A passage with its sentence vectors is some 30 kB of JSON, and a server takes 32 MB at once.
_BATCH = 64
_ADVICE = "Check STORE_URL and STORE_API_KEY, and that the server runs."


class ServerIndex:
    """Points in the collection `transcripts` behind `client`; made at the first call where it is missing.

    A write returns when the server has applied it. Raises StartupFailed where the collection holds other vectors.
    """

    def __init__(self, client: AsyncQdrantClient, dimensions: int) -> None:
        self._client, self._dimensions, self._ready = client, dimensions, False

    async def replace(self, points: Sequence[StoredPoint], stale: Scope) -> None:
        async with self._calling(WriteFailed):
            for first in range(0, len(points), _BATCH):
                batch = [_point(point) for point in points[first : first + _BATCH]]
                await self._client.upsert(COLLECTION, batch, wait=True)
            await self._client.delete(COLLECTION, models.FilterSelector(filter=_filter(stale)), wait=True)

    async def delete(self, scope: Scope) -> int:
        deleted = await self.count(scope)
        async with self._calling(WriteFailed):
            await self._client.delete(COLLECTION, models.FilterSelector(filter=_filter(scope)), wait=True)
        return deleted

    async def count(self, scope: Scope) -> int:
        async with self._calling(Unavailable):
            return (await self._client.count(COLLECTION, count_filter=_filter(scope), exact=True)).count

    async def legs(self, scope: Scope, corpus: Scope, dense: Vectors, words: WordWeights, depth: int) -> Sequence[Leg]:
        rarity = models.SearchParams(idf=models.IdfCorpusParams(corpus=_filter(corpus)))
        sparse = models.SparseVector(indices=list(words.indices), values=list(words.values))
        legs: list[Leg] = []
        async with self._calling(Unavailable):
            for query, using, params in ((dense.tolist(), DENSE, None), (sparse, LEXICAL, rarity)):
                found = await self._client.query_points(
                    COLLECTION,
                    query=query,
                    using=using,
                    query_filter=_filter(scope),
                    search_params=params,
                    limit=depth,
                    with_payload=PLACE_FIELDS,
                )
                legs.append({place_of(point.payload or {}): point.score for point in found.points})
        return legs

    async def payloads(self, scope: Scope) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        offset: Any = None
        async with self._calling(Unavailable):
            while True:
                records, offset = await self._client.scroll(
                    COLLECTION, scroll_filter=_filter(scope), limit=_PAGE, offset=offset, with_payload=True
                )
                found += [record.payload or {} for record in records]
                if offset is None:
                    return found

    async def close(self) -> None:
        await self._client.close()

    @asynccontextmanager
    async def _calling(self, kind: type[Unavailable]) -> AsyncIterator[None]:
        try:
            if not self._ready:
                await self._prepare()
                self._ready = True
            yield
        except ApiException as error:
            raise kind(f"The Qdrant server ({error})", _ADVICE) from error

    async def _prepare(self) -> None:
        if not await self._client.collection_exists(COLLECTION):
            await self._create()
        vectors = (await self._client.get_collection(COLLECTION)).config.params.vectors
        size = vectors[DENSE].size if isinstance(vectors, dict) and DENSE in vectors else 0
        if size != self._dimensions:
            problem = f"The collection {COLLECTION} has vectors of {size} numbers, not {self._dimensions}."
            raise StartupFailed(problem, "Use the embedding model that it was made with, or another server.")
        # Each time, not only for a new collection: whoever made it may have died before it had its indexes.
        for field in KEYWORD_FIELDS:
            keyword = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=field == "tenant")
            await self._client.create_payload_index(COLLECTION, field, keyword)
        for field in INTEGER_FIELDS:
            await self._client.create_payload_index(COLLECTION, field, models.PayloadSchemaType.INTEGER)

    async def _create(self) -> None:
        dense = models.VectorParams(size=self._dimensions, distance=models.Distance.COSINE)
        lexical = models.SparseVectorParams(modifier=models.Modifier.IDF)
        try:
            await self._client.create_collection(
                COLLECTION, vectors_config={DENSE: dense}, sparse_vectors_config={LEXICAL: lexical}
            )
        except UnexpectedResponse as error:
            if error.status_code != HTTPStatus.CONFLICT:  # somebody else made it just now
                raise


def _filter(scope: Scope) -> models.Filter:
    must, must_not = conditions(models, scope)
    if scope.point_ids:
        must.append(models.HasIdCondition(has_id=list(scope.point_ids)))
    return models.Filter(must=must, must_not=must_not)


def _point(point: StoredPoint) -> models.PointStruct:
    words = models.SparseVector(indices=list(point.words.indices), values=list(point.words.values))
    vector: dict[str, Any] = {DENSE: point.dense.tolist(), LEXICAL: words}
    return models.PointStruct(id=point.point_id, vector=vector, payload=dict(point.payload))
