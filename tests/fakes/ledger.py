"""A budget ledger that can be slow or gone: around the real one, which here keeps nothing on disk."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable
from decimal import Decimal
from typing import TypeVar

from actors.budget_ledger import BudgetLedger
from actors.runtime_host import ShardConfig
from core.budget_messages import (
    BudgetLimits,
    BudgetReport,
    LimitsSet,
    NoReservation,
    OverBudget,
    Released,
    Reserved,
    Settled,
)

T = TypeVar("T")


class FakeLedger:
    """`calls` records what was asked. A method in `gone` raises that instead, one in `lost` after it was done.

    `gate` holds every call back until it is set; `entered` tells that a method was called.
    """

    def __init__(self, limits: BudgetLimits | None = None, *, enforce: bool = True, now: float | None = None) -> None:
        config = ShardConfig("") if now is None else ShardConfig("", clock=lambda: now)
        self.real = BudgetLedger(config, limits or BudgetLimits(), enforce=enforce)
        self.calls: list[str] = []
        self.gone: dict[str, Exception] = {}
        self.lost: dict[str, Exception] = {}
        self.entered: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.gate = asyncio.Event()
        self.gate.set()

    async def _done(self, method: str, call: Awaitable[T]) -> T:
        self.calls.append(method)
        self.entered[method].set()
        await self.gate.wait()
        if method in self.gone:
            asyncio.ensure_future(call).cancel()
            raise self.gone[method]
        reply = await call
        if method in self.lost:
            raise self.lost[method]
        return reply

    async def reserve(
        self, key: str, reservation_id: str, cost_usd: Decimal, tokens: int, ttl_s: float
    ) -> Reserved | OverBudget:
        return await self._done("reserve", self.real.reserve(key, reservation_id, cost_usd, tokens, ttl_s))

    async def settle(self, key: str, reservation_id: str, cost_usd: Decimal, tokens: int) -> Settled | NoReservation:
        return await self._done("settle", self.real.settle(key, reservation_id, cost_usd, tokens))

    async def release(self, key: str, reservation_id: str) -> Released | NoReservation:
        return await self._done("release", self.real.release(key, reservation_id))

    async def set_limits(self, key: str, limits: BudgetLimits | None) -> LimitsSet:
        return await self._done("set_limits", self.real.set_limits(key, limits))

    async def report(self, key: str) -> BudgetReport:
        return await self._done("report", self.real.report(key))

    async def close(self) -> None:
        await self.real.close()
