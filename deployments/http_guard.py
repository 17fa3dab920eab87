"""What stands before every request of the HTTP API: the size of its body, and who may call."""

import hmac
from collections.abc import Mapping

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.http_errors import error_response


class BodyLimit:
    """Answers 413 to a body of more than `max_bytes`, counted as it arrives and whatever its header claims."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                text = f"The body is larger than {self._max_bytes:,} bytes. Send less at a time."
                await error_response(413, text, code="too_large")(scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        await self._app(scope, _replay(bytes(body), receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, and after it what the connection brings."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


class Keys:
    """API keys, each with the tenant that it may act for; "*" stands for any. With no keys at all, nobody is asked."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = {key.encode(): tenant for key, tenant in keys.items()}

    def tenant_of(self, request: Request) -> str:
        """The tenant that the caller may act for. Raises HTTPException 401 where the key is missing or unknown."""
        if not self._keys:
            return "*"
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        allowed = ""
        # Every key is compared, each in constant time, so that the time taken tells nothing.
        for key, tenant in self._keys.items():
            if hmac.compare_digest(key, given.strip().encode()):
                allowed = tenant
        if scheme.lower() != "bearer" or not given.strip() or not allowed:
            raise HTTPException(401, "No valid API key. Send one as: Authorization: Bearer KEY.")
        return allowed

    def check(self, request: Request, tenant: str) -> None:
        """Raises HTTPException 401 or 403 where the caller may not act for `tenant`."""
        if self.tenant_of(request) not in ("*", tenant):
            raise HTTPException(403, "This API key may not act for that tenant.")
