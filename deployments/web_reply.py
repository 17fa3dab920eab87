"""An answer of a site, read in pieces within bounds, or as a whole page."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from core.errors import BadInput, DeadlineExceeded, Unavailable
from core.uploads import Validator
from core.web import Page, WebRequest, error_of_status, validator_of

log = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024
_NOTHING = Validator()


class WebReply:
    """An open answer: read it in pieces, then `close()`. At most `max_bytes` can be read, until the deadline.

    `headers` may name one more than once. `retry_after_s` is in how many seconds the site asks to come back, None
    where it does not say. `not_modified` is whether it said so and had been asked.
    """

    def __init__(
        self,
        request: WebRequest,
        host: str,
        status: int,
        headers: Mapping[str, str],
        retry_after_s: float | None,
        read: Callable[[int], Awaitable[bytes]],
        close: Callable[[], None],
        *,
        deadline: float,
        timeout_s: float,
        max_bytes: int,
    ) -> None:
        """`headers` finds a name in any case. `read` raises OSError where the transfer breaks off."""
        self.host, self.url, self.status, self.retry_after_s = host, request.url, status, retry_after_s
        self.headers: tuple[tuple[str, str], ...] = tuple(headers.items())
        self.content_type = headers.get("Content-Type", "").lower()
        self.location = headers.get("Location", "")
        self.validator = validator_of(headers)
        self.not_modified = status == 304 and request.is_conditional
        self.close = close
        self._read, self._deadline, self._timeout_s, self._left = read, deadline, timeout_s, max_bytes

    async def read(self, size: int = _CHUNK_BYTES) -> bytes:
        """Up to `size` bytes, decompressed; empty at the end.

        Raises BadInput over the size limit, DeadlineExceeded over the time limit, Unavailable if it breaks off.
        """
        try:
            async with asyncio.timeout_at(self._deadline):
                piece = await self._read(size)
        except TimeoutError:
            raise DeadlineExceeded(self.host, too_slow(self._timeout_s)) from None
        except OSError as error:
            log.info("transfer from %s broke off: %r", self.host, error)
            raise Unavailable(self.host, "The transfer broke off; try again later.") from error
        self._left -= len(piece)
        if self._left < 0:
            raise BadInput(f"What {self.host} sent is larger than is taken here.", "Link to a smaller page or file.")
        return piece

    async def page(
        self, *, keep_partial: bool = False, head_only: tuple[str, ...] = (), asked_with: Validator | None = None
    ) -> Page:
        """All of it, but only the beginning where its content type begins with one of `head_only`; closes it.

        With `keep_partial`, a transfer that breaks off gives what had come. `asked_with` is the validator that was
        sent. Raises as `read` does, and what `error_of_status` says of the status.
        """
        try:
            if self.not_modified:
                kept = (asked_with or _NOTHING) if self.validator == _NOTHING else self.validator
                return Page(self.url, self.content_type, b"", validator=kept, not_modified=True)
            if failure := error_of_status(self.host, self.status, self.retry_after_s):
                raise failure
            pieces: list[bytes] = []
            try:
                while piece := await self.read():
                    pieces.append(piece)
                    if self.content_type.startswith(head_only):
                        return Page(self.url, self.content_type, b"".join(pieces))
            except Unavailable:
                if not (keep_partial and pieces):
                    raise
                return Page(self.url, self.content_type, b"".join(pieces), complete=False)
            return Page(self.url, self.content_type, b"".join(pieces), validator=self.validator)
        finally:
            self.close()


def too_slow(timeout_s: float) -> str:
    """What to say of a site that took longer than it was given."""
    return f"It was given {timeout_s:g} s; try again later."
