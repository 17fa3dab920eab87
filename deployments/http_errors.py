"""Errors of the HTTP API, all in OpenAI's form: {"error": {"message", "type", "param", "code"}}."""

import logging
import math
import uuid

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from core.errors import BotError
from core.results import ErrorCategory, Fail, Skip
from core.stages import failure
from deployments.http_models import ErrorDetail, ErrorResponse

_log = logging.getLogger(__name__)

STATUS = {
    ErrorCategory.BAD_INPUT: 400,
    ErrorCategory.REFUSED: 403,
    ErrorCategory.NOT_FOUND: 404,
    ErrorCategory.RATE_LIMITED: 429,
    ErrorCategory.TIMEOUT: 504,
    ErrorCategory.UPSTREAM: 503,
    ErrorCategory.INTERNAL: 500,
}
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def error_response(
    status: int, message: str, *, param: str | None = None, code: str | None = None, retry_after_s: float | None = None
) -> JSONResponse:
    """An error in OpenAI's form; `retry_after_s` becomes a Retry-After header, rounded up to whole seconds."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    headers = {} if retry_after_s is None else {"Retry-After": str(math.ceil(retry_after_s))}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = ErrorResponse(error=ErrorDetail(message=message, type=kind, param=param, code=code))
    return JSONResponse(body.model_dump(), status, headers)


def result_response(result: Skip | Fail) -> JSONResponse:
    """The response for a stage that did not work."""
    if isinstance(result, Skip):
        return error_response(409, result.reason, code="skipped")
    return error_response(
        STATUS[result.category], result.message, code=result.category.value, retry_after_s=result.retry_after_s
    )


def add_error_handlers(api: FastAPI) -> None:
    """Turn every error of the API into OpenAI's form, the unexpected ones too."""

    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return error_response(400, f"The body is not JSON: {first['ctx']['error']}.", code=first["type"])
        where = ".".join(str(part) for part in first["loc"][1:])  # the first says in which part of the request
        if not where:
            return error_response(400, "Send a JSON object, with content type application/json.", code=first["type"])
        return error_response(400, f"{where}: {first['msg']}.", param=where, code=first["type"])

    @api.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return error_response(error.status_code, str(error.detail))

    @api.exception_handler(BotError)
    async def known(_: Request, error: BotError) -> JSONResponse:
        return result_response(failure(error))

    @api.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        incident = uuid.uuid4().hex[:8]
        _log.error("incident %s", incident, exc_info=error)
        return error_response(500, f"Something went wrong here. The log has it as {incident}.", code="internal")
