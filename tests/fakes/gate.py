"""A gate that lets everything through, or what it is told, and writes down who came by."""

from core.errors import Busy
from core.host_pace_messages import Outcome


class FakeGate:
    """`asked` and `heard` record what happened; with `busy`, that is what the next callers get."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.heard: list[tuple[str, Outcome, float]] = []
        self.busy: Busy | None = None

    async def admit(self, host: str) -> None:
        self.asked.append(host)
        if self.busy is not None:
            raise self.busy

    def told(self, host: str, outcome: Outcome, retry_after_s: float = 0.0) -> None:
        self.heard.append((host, outcome, retry_after_s))

    def outcomes(self) -> list[Outcome]:
        return [outcome for _, outcome, _ in self.heard]
