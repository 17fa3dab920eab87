"""What every tenant may spend and has spent: the port `core.ports.BudgetLedger` over `core.budgets`."""

from decimal import Decimal

from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from core.budget_messages import (
    BudgetLimits,
    BudgetReport,
    Command,
    Event,
    LimitsSet,
    NoReservation,
    OverBudget,
    Release,
    Released,
    Reserve,
    Reserved,
    SetLimits,
    Settle,
    Settled,
)
from core.budgets import KIND, Budget, report
from core.spending import Amount


class BudgetLedger(EntityActor[Budget, Command, Event]):
    """What is spent and reserved together never exceeds a tenant's limits, whoever calls at once and whatever crashes.

    Reservations, charges and a tenant's own limits survive a restart. `limits`, those of the settings, hold for
    tenants without their own.
    """

    kind = KIND

    def __init__(self, config: ShardConfig, limits: BudgetLimits) -> None:
        super().__init__(config)
        self._limits = limits

    async def reserve(
        self, key: str, reservation_id: str, cost_usd: Decimal, tokens: int, ttl_s: float
    ) -> Reserved | OverBudget:
        """Set aside what a call may cost at most, for `ttl_s` seconds; after that it is charged as if it was spent."""
        command = Reserve(reservation_id, Amount(cost_usd, tokens), ttl_s, self._limits)
        reply: Reserved | OverBudget = self.decide(key, command)
        return reply

    async def settle(self, key: str, reservation_id: str, cost_usd: Decimal, tokens: int) -> Settled | NoReservation:
        """Replace a reservation by what the call cost, even if that is more. A late one corrects what was charged."""
        reply: Settled | NoReservation = self.decide(key, Settle(reservation_id, Amount(cost_usd, tokens)))
        return reply

    async def release(self, key: str, reservation_id: str) -> Released | NoReservation:
        """Undo a reservation: nothing was spent."""
        reply: Released | NoReservation = self.decide(key, Release(reservation_id))
        return reply

    async def set_limits(self, key: str, limits: BudgetLimits | None) -> LimitsSet:
        """Give a tenant limits of its own, all of them at once; None: those of the settings again."""
        reply: LimitsSet = self.decide(key, SetLimits(limits))
        return reply

    async def report(self, key: str) -> BudgetReport:
        """What is spent, reserved and left of the request, day and month."""
        return report(self.state(key), self.now(), self._limits)
