"""What every tenant may spend and has spent: the port `core.ports.BudgetLedger` over `core.budgets`."""

from collections.abc import Mapping
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
from core.budget_state import Budget, report
from core.budgets import KIND
from core.spending import Amount


class BudgetLedger(EntityActor[Budget, Command, Event]):
    """What is spent and reserved together never exceeds a tenant's limits, whoever calls at once and whatever crashes.

    Reservations, charges and the limits that a tenant was given at run time survive a restart.
    """

    kind = KIND

    def __init__(
        self,
        config: ShardConfig,
        limits: BudgetLimits,
        of_tenant: Mapping[str, BudgetLimits] = {},
        enforce: bool = True,
    ) -> None:
        """`limits` and, for some tenants, `of_tenant` are the settings'; what a tenant is given at run time wins.

        Without `enforce` limits only watch: what crosses one is reserved all the same, and says so. Raises BadInput
        where a limit is none.
        """
        limits.check("limits")
        for key, its_limits in of_tenant.items():
            its_limits.check(f"of_tenant[{key!r}]")
        super().__init__(config)
        self._limits, self._of_tenant, self._enforce = limits, of_tenant, enforce

    async def reserve(
        self, key: str, reservation_id: str, cost_usd: Decimal, tokens: int, ttl_s: float
    ) -> Reserved | OverBudget:
        """Set aside what a call may cost at most, for `ttl_s` seconds; after that it is charged as if it was spent."""
        amount = Amount(cost_usd, tokens)
        command = Reserve(reservation_id, amount, ttl_s, self._limits_of(key), self._enforce)
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
        return report(self.state(key), self.now(), self._limits_of(key))

    def _limits_of(self, key: str) -> BudgetLimits:
        """The settings' limits for a tenant."""
        return self._of_tenant.get(key, self._limits)
