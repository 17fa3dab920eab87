"""The HTTP API: OpenAI's embeddings, trimming, asking, ingesting, quotas, receipts, health; described at /docs."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from core.errors import BotError, Unavailable
from core.messages import Ask, IngestProgress, IngestReport, IngestRequest
from core.ports import Assistant, Vectors
from core.results import Ok, Skip
from core.tenancy import TenantContext
from deployments.embedder import Embedder
from deployments.http_errors import add_error_handlers, error_response, result_response
from deployments.http_guard import BodyLimit, Keys
from deployments.http_models import (
    AskRequest,
    AskResponse,
    EmbeddingsRequest,
    EmbeddingsResponse,
    ErrorResponse,
    HealthResponse,
    IngestBody,
    QuotaResponse,
    ReceiptResponse,
    TrimRequest,
    TrimResponse,
    Whose,
)
from deployments.trimmer import Trimmer

ERRORS: dict[int | str, dict[str, object]] = {
    status: {"model": ErrorResponse} for status in (400, 401, 403, 404, 409, 413, 429, 500, 503, 504)
}


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Who may call, how much they may send, and the public name of the embedding model."""

    embedding_model: str
    max_body_bytes: int = 2_000_000
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)


def create_api(config: ApiConfig, assistant: Assistant, embedder: Embedder, trimmer: Trimmer) -> FastAPI:
    """The API as an ASGI application."""
    api = FastAPI(title="Discord intelligence bot", version="1", responses=ERRORS)
    keys = Keys(config.keys)
    add_error_handlers(api)
    api.add_middleware(BodyLimit, max_bytes=config.max_body_bytes)
    api.include_router(_model_routes(config, keys, embedder, trimmer))
    api.include_router(_talk_routes(keys, assistant))
    api.include_router(_account_routes(keys, assistant))
    return api


def _model_routes(config: ApiConfig, keys: Keys, embedder: Embedder, trimmer: Trimmer) -> APIRouter:
    routes = APIRouter(tags=["models"])

    @routes.post("/v1/embeddings", response_model=EmbeddingsResponse)
    async def embeddings(body: EmbeddingsRequest, request: Request) -> Response:
        """Embed texts, in OpenAI's request and response form."""
        keys.tenant_of(request)
        vectors, tokens = await embedder.embed_counted(body.input)
        if body.dimensions not in (None, vectors.shape[1]):
            text = f"dimensions: {config.embedding_model} has {vectors.shape[1]} dimensions. Leave the field out."
            return error_response(400, text, param="dimensions")
        data = [
            {"object": "embedding", "index": index, "embedding": row}
            for index, row in enumerate(_rows(vectors, body.encoding_format))
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "data": data, "model": config.embedding_model, "usage": usage})

    @routes.post("/v1/trim", response_model=TrimResponse)
    async def trim(body: TrimRequest, request: Request) -> Response:
        """Keep the sentences that matter for the question, whole and in order."""
        keys.tenant_of(request)
        return JSONResponse(asdict(await trimmer.trim(body.question, body.texts)))

    return routes


def _talk_routes(keys: Keys, assistant: Assistant) -> APIRouter:
    routes = APIRouter(tags=["talks"])

    @routes.post("/v1/ask", response_model=AskResponse)
    async def ask(body: AskRequest, request: Request) -> Response:
        """Answer a question with quotes that link to the second; no claims where the transcripts do not say."""
        keys.check(request, body.tenant)
        tenant = TenantContext(body.tenant, body.workspace, body.user)
        result = await assistant.ask(Ask(tenant, body.question, tuple(body.recording_ids)))
        if not isinstance(result, Ok):
            return result_response(result)
        answer = result.data
        said = AskResponse(answer.question, answer.claims, answer.receipt, answer.answer_id, answer.supported)
        return JSONResponse(asdict(said))

    @routes.post("/v1/ingest", response_model=IngestReport)
    async def ingest(body: IngestBody, request: Request) -> Response:
        """Bring in what is behind a link. With `stream`, server-sent events: progress, and the report last."""
        keys.check(request, body.tenant)
        events = assistant.ingest(IngestRequest(TenantContext(body.tenant, body.workspace), body.url))
        # Before the response begins, so that what is refused from the start has a status of its own.
        if body.stream and (first := await anext(events, None)):
            return StreamingResponse(_server_sent(first, events), media_type="text/event-stream")
        async for event in events:
            if isinstance(event, IngestReport):
                return JSONResponse(asdict(event))
        raise Unavailable("The ingest", "It ended without a report; ask again, nothing is brought in twice.")

    return routes


def _account_routes(keys: Keys, assistant: Assistant) -> APIRouter:
    routes = APIRouter(tags=["accounts"])

    @routes.get("/v1/quota", response_model=QuotaResponse)
    async def quota(whose: Annotated[Whose, Query()], request: Request) -> Response:
        """What a tenant and its user may still do, and when limits are whole again."""
        keys.check(request, whose.tenant)
        return JSONResponse(QuotaResponse.of(await assistant.quota(whose.context())).model_dump(mode="json"))

    @routes.get("/v1/receipts/{answer_id}", response_model=ReceiptResponse)
    async def receipt(
        answer_id: Annotated[str, Path(min_length=1, max_length=200)],
        whose: Annotated[Whose, Query()],
        request: Request,
    ) -> Response:
        """How an answer came about. An answer belongs to the user and workspace that it was given to."""
        keys.check(request, whose.tenant)
        result = await assistant.receipt(whose.context(), answer_id)
        if isinstance(result, Skip):
            return error_response(404, "No answer to this user in this workspace has that id.")
        if not isinstance(result, Ok):
            return result_response(result)
        return JSONResponse(ReceiptResponse.of(result.data).model_dump(mode="json"))

    @routes.get("/health", response_model=HealthResponse, responses={503: {"model": HealthResponse}})
    async def health() -> Response:
        """Whether every part works: 200, or 503 with what does not."""
        found = await assistant.health()
        body = HealthResponse(found.parts, found.healthy)
        return JSONResponse(asdict(body), 200 if found.healthy else 503)

    return routes


def _rows(vectors: Vectors, encoding: str | None) -> list[str] | list[list[float]]:
    if encoding == "base64":
        return [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in vectors]
    rows: list[list[float]] = vectors.tolist()
    return rows


async def _server_sent(
    first: IngestProgress | IngestReport, others: AsyncIterator[IngestProgress | IngestReport]
) -> AsyncIterator[str]:
    try:
        yield _event(first)
        async for event in others:
            yield _event(event)
    except BotError as error:
        yield f"event: error\ndata: {json.dumps({'error': {'message': str(error), 'type': 'server_error'}})}\n\n"


def _event(event: IngestProgress | IngestReport) -> str:
    name = "report" if isinstance(event, IngestReport) else "progress"
    return f"event: {name}\ndata: {json.dumps(asdict(event))}\n\n"
