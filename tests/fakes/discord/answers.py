"""Discord's answers to REST calls: JSON with exactly the content type that discord.py looks for, and JSON errors."""

import json
from typing import Any

from aiohttp import web


def answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """`value` as JSON. From bytes, so that no charset is added to the content type."""
    body = json.dumps(value).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


class Refusal(Exception):
    """A JSON error: HTTP status, Discord's code, its message and, for 50035, the tree of errors."""

    def __init__(self, status: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(status, code, message, errors)
        self.status, self.code, self.message, self.errors = status, code, message, errors

    def response(self) -> web.Response:
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        return answer({**body, "errors": self.errors} if self.errors else body, self.status)


def invalid_form(errors: dict[str, Any]) -> Refusal:
    return Refusal(400, 50035, "Invalid Form Body", errors)


def unauthorized() -> Refusal:
    return Refusal(401, 0, "401: Unauthorized")


def not_found() -> Refusal:
    return Refusal(404, 0, "404: Not Found")


def unknown_message() -> Refusal:
    return Refusal(404, 10008, "Unknown Message")


def unknown_channel() -> Refusal:
    return Refusal(404, 10003, "Unknown Channel")


def unknown_interaction() -> Refusal:
    return Refusal(404, 10062, "Unknown interaction")


def unknown_webhook() -> Refusal:
    return Refusal(404, 10015, "Unknown Webhook")


def token_over() -> Refusal:
    return Refusal(401, 50027, "Invalid Webhook Token")


def already_acknowledged() -> Refusal:
    return Refusal(400, 40060, "Interaction has already been acknowledged.")


def empty_message() -> Refusal:
    return Refusal(400, 50006, "Cannot send an empty message")


def missing_permissions() -> Refusal:
    return Refusal(403, 50013, "Missing Permissions")


def missing_access() -> Refusal:
    return Refusal(403, 50001, "Missing Access")


def archived_thread() -> Refusal:
    return Refusal(400, 50083, "Thread is archived")


def rate_limited(retry_after_s: float, *, everywhere: bool) -> web.Response:
    """A 429. `Via` stands there as at Discord's: without it discord.py takes the answer for Cloudflare's."""
    headers = {"Retry-After": f"{retry_after_s:.3f}", "Via": "1.1 google", "X-RateLimit-Scope": "user"}
    if everywhere:
        headers |= {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
    body = {"message": "You are being rate limited.", "retry_after": retry_after_s, "global": everywhere}
    return answer(body, 429, headers)
