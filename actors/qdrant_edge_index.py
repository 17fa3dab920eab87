"""The index on one machine: Qdrant's own engine, embedded, in a folder of which this process is the only owner."""

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import qdrant_edge as edge

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

T = TypeVar("T")
_FORMAT = 1
_PAGE = 500
_BATCH = 64
_ADVICE = "Check that its disk is not full and that this user may write there, or set DATA_DIR to another folder."


class EdgeIndex:
    """Points in `folder`. One engine call runs at a time, in a thread, so that the event loop stays free.

    Survives kill -9 (write-ahead log) and, once a write has returned, a power cut (flushed). Raises WriteFailed
    where `folder` cannot be written, and StartupFailed where it was made for other vectors or is in use.
    """

    def __init__(self, folder: Path, dimensions: int, model: str = "") -> None:
        self._folder = folder
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _check_description(folder, {"format": _FORMAT, "dimensions": dimensions, "model": model})
            self._shard = _open(folder / "shard", dimensions)
        except OSError as error:
            raise WriteFailed(f"The transcript store's folder {folder} ({error.strerror})", _ADVICE) from error

    async def replace(self, points: Sequence[StoredPoint], stale: Scope) -> None:
        await asyncio.to_thread(self._locked, lambda: self._replace(points, stale), WriteFailed)

    async def delete(self, scope: Scope) -> int:
        return await asyncio.to_thread(self._locked, lambda: self._delete(scope), WriteFailed)

    async def count(self, scope: Scope) -> int:
        return await asyncio.to_thread(self._locked, lambda: self._count(scope), Unavailable)

    async def legs(self, scope: Scope, corpus: Scope, dense: Vectors, words: WordWeights, depth: int) -> Sequence[Leg]:
        batch = [
            _request(edge.Query.Nearest(dense.tolist(), using=DENSE), scope, depth, edge.SearchParams()),
            _request(
                edge.Query.Nearest(edge.SparseVector(list(words.indices), list(words.values)), using=LEXICAL),
                scope,
                depth,
                edge.SearchParams(idf=edge.IdfParams(_filter(corpus))),
            ),
        ]
        found = await asyncio.to_thread(
            self._locked, lambda: self._shard.query_batch(edge.QueryBatchRequest(batch)), Unavailable
        )
        return [{place_of(point.payload or {}): point.score for point in points} for points in found]

    async def payloads(self, scope: Scope) -> Sequence[Mapping[str, Any]]:
        return await asyncio.to_thread(self._locked, lambda: list(self._scroll(scope)), Unavailable)

    async def close(self) -> None:
        await asyncio.to_thread(self._locked, self._shard.close, Unavailable)

    def _locked(self, work: Callable[[], T], kind: type[Unavailable]) -> T:
        with self._lock, _as_error(kind, f"The transcript store in {self._folder}"):
            return work()

    def _replace(self, points: Sequence[StoredPoint], stale: Scope) -> None:
        for first in range(0, len(points), _BATCH):
            self._shard.update(edge.UpdateOperation.upsert_points([_point(p) for p in points[first : first + _BATCH]]))
        self._shard.update(edge.UpdateOperation.delete_points_by_filter(_filter(stale)))
        self._shard.flush()

    def _delete(self, scope: Scope) -> int:
        deleted = self._count(scope)
        self._shard.update(edge.UpdateOperation.delete_points_by_filter(_filter(scope)))
        self._shard.flush()
        return deleted

    def _count(self, scope: Scope) -> int:
        return self._shard.count(edge.CountRequest(filter=_filter(scope)))

    def _scroll(self, scope: Scope) -> Iterator[Mapping[str, Any]]:
        offset: Any = None
        while True:
            request = edge.ScrollRequest(offset=offset, limit=_PAGE, filter=_filter(scope), with_payload=True)
            records, offset = self._shard.scroll(request)
            yield from (record.payload or {} for record in records)
            if offset is None:
                return


def _filter(scope: Scope) -> edge.Filter:
    must, must_not = conditions(edge, scope)
    if scope.point_ids:
        must.append(edge.HasIdCondition(set(scope.point_ids)))
    return edge.Filter(must=must, must_not=must_not)


def _request(query: Any, scope: Scope, depth: int, params: edge.SearchParams) -> edge.QueryRequest:
    return edge.QueryRequest(depth, query=query, filter=_filter(scope), params=params, with_payload=PLACE_FIELDS)


def _point(point: StoredPoint) -> edge.Point:
    words = edge.SparseVector(list(point.words.indices), list(point.words.values))
    return edge.Point(point.point_id, {DENSE: point.dense.tolist(), LEXICAL: words}, dict(point.payload))


@contextmanager
def _as_error(kind: type[Unavailable], part: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the engine raises nothing narrower than Exception
        raise kind(f"{part} ({error})", _ADVICE) from error


def _check_description(folder: Path, wanted: Mapping[str, Any]) -> None:
    path = folder / "store.json"
    if not path.exists():
        partial = path.with_suffix(".new")
        partial.write_text(json.dumps(wanted), encoding="utf-8")
        partial.replace(path)
        return
    advice = f"Use the embedding model that it was made with, or move {folder} away and ingest again."
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise StartupFailed(f"{path} cannot be read ({error}).", advice) from error
    for name, value in wanted.items():
        if found.get(name, "") and value and found[name] != value:
            problem = f"The transcript store in {folder} was made with {name} {found[name]}, not {value}."
            raise StartupFailed(problem, advice)


def _open(path: Path, dimensions: int) -> edge.EdgeShard:
    if not path.exists():
        # Made beside its place and then renamed: a crash in the middle leaves no half-made shard behind.
        partial = path.with_suffix(".new")
        shutil.rmtree(partial, ignore_errors=True)
        _create(partial, dimensions)
        partial.replace(path)
    try:
        return edge.EdgeShard.load(str(path))
    except Exception as error:  # the engine raises nothing narrower than Exception
        if "WouldBlock" in str(error):
            problem = f"Another process has the transcript store in {path.parent} open."
            raise StartupFailed(problem, "Stop it first, or set DATA_DIR to another folder.") from error
        problem = f"The transcript store in {path.parent} cannot be opened ({error})."
        raise StartupFailed(problem, "Restore it from a backup, or move it away and ingest again.") from error


def _create(path: Path, dimensions: int) -> None:
    dense = edge.EdgeVectorParams(size=dimensions, distance=edge.Distance.Cosine)
    lexical = edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)
    with _as_error(WriteFailed, f"The transcript store's folder {path.parent}"):
        path.mkdir(parents=True)
        shard = edge.EdgeShard.create(
            str(path), edge.EdgeConfig(vectors={DENSE: dense}, sparse_vectors={LEXICAL: lexical})
        )
        for field in KEYWORD_FIELDS:
            keyword = edge.KeywordIndexParams(is_tenant=field == "tenant")
            shard.update(edge.UpdateOperation.create_field_index(field, keyword))
        for field in INTEGER_FIELDS:
            number = edge.IntegerIndexParams(lookup=True, range=False)
            shard.update(edge.UpdateOperation.create_field_index(field, number))
        shard.flush()
        shard.close()
