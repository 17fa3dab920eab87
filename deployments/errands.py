"""One call of the HTTP client: how much time it has, and its turns at the hosts that it comes by."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from core.errors import DeadlineExceeded
from core.host_pace_messages import Outcome
from core.web import HostGate
from deployments.web_reply import too_slow


class Errand:
    """`async with Errand(...)` ends in time. What the gate makes it wait does not count: that has its own bound."""

    def __init__(self, host: str, timeout_s: float, max_bytes: int, gate: HostGate | None) -> None:
        """`host` is whom to name where time runs out; None as `gate` lets everything through."""
        self.timeout_s, self.max_bytes = timeout_s, max_bytes
        self._host, self._gate = host, gate
        self._asked = ""

    async def __aenter__(self) -> Self:
        self._clock = asyncio.timeout(self.timeout_s)
        await self._clock.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        try:
            await self._clock.__aexit__(*error)  # type: ignore[arg-type]  # passed on as they come
        except TimeoutError:
            if self._asked:
                self.tell(self._asked, Outcome.FAILED)
            raise DeadlineExceeded(self._host, too_slow(self.timeout_s)) from None

    @property
    def deadline(self) -> float:
        """In the loop's time."""
        when = self._clock.when()
        assert when is not None, "an errand has a deadline"
        return when

    @property
    def left_s(self) -> float:
        return self.deadline - asyncio.get_running_loop().time()

    async def turn(self, host: str) -> None:
        """Wait until it is one's turn to ask `host`. Raises Busy."""
        if self._gate is None:
            return
        left_s = self.left_s
        self._clock.reschedule(None)
        try:
            await self._gate.admit(host)
        finally:
            self._clock.reschedule(asyncio.get_running_loop().time() + left_s)

    @contextmanager
    def asking(self, host: str) -> Iterator[None]:
        """While `host` is to answer: should time run out, it is the one that failed."""
        self._asked = host
        try:
            yield
        except Exception:
            self._asked = ""
            raise
        self._asked = ""

    def tell(self, host: str, outcome: Outcome, retry_after_s: float | None = None) -> None:
        """How `host` answered."""
        if self._gate is not None:
            self._gate.told(host, outcome, retry_after_s or 0.0)
