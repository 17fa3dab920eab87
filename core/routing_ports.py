"""The routing policies as the pipeline has them."""

from typing import Protocol

from core.bandit_messages import Choice, Learned, NotWaitedFor
from core.bandit_report import BanditReport


class ModelBandit(Protocol):
    """Learns which model to ask; the key is a policy's name."""

    async def choose(
        self,
        key: str,
        decision_id: str,
        context: bytes,
        arms: tuple[str, ...],
        baseline: str = "",
        shadow: bool = False,
    ) -> Choice:
        """The arm to use for the question with `context`; in `shadow` the `baseline`, but for a share of the calls."""
        ...

    async def observe(
        self, key: str, decision_id: str, quality: float, latency_s: float, cost_usd: float, tenant: str = ""
    ) -> Learned | NotWaitedFor:
        """How the answer of a decision turned out: quality 0 to 1, seconds, US dollars."""
        ...

    async def report(self, key: str) -> BanditReport:
        """What a policy has learned."""
        ...
