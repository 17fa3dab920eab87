"""A rate limiter that grants everything, or refuses what it is told to."""

from core.rate_limit_messages import Granted, Refused


class FakePace:
    """`calls` records who asked for what; with `refusal` or `error`, that is the reply."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, float]] = []
        self.refusal: Refused | None = None
        self.error: Exception | None = None

    async def take(self, key: str, user: str = "", cost: float = 1.0) -> Granted | Refused:
        self.calls.append((key, user, cost))
        if self.error is not None:
            raise self.error
        return self.refusal or Granted(5.0, 10.0)
