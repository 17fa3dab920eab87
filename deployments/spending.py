"""The budget's part in an answer: reserve before a model is paid, settle after it, whatever happens in between."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from core.budget_messages import NoReservation, OverBudget, Released, Reserved, Settled
from core.errors import BadInput, BotError, JournalUnreadable, Unavailable
from core.ports import BudgetLedger
from core.prompting import Completion
from core.spending import NOTHING, Amount, usd
from core.tenancy import TenantContext
from deployments.background import Background

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpendingConfig:
    """How money is looked after. Times are seconds.

    `wait_s` is the longest wait for the ledger. `ttl_s` after it was made, a reservation that nobody settled is charged
    in full. `open_when_unreachable`: while no ledger answers, models are paid as if there were no limits.
    """

    wait_s: float = 5.0
    ttl_s: float = 120.0
    open_when_unreachable: bool = False


class Account:
    """What one answer may spend. Whoever opened it calls `close` when the answer is over, however that came about.

    An answer that was stopped while a model was at work is charged all that was reserved for it: the money may be
    gone. One that is lost in a crash is charged so by the ledger, when its reservation expires.
    """

    def __init__(
        self,
        ledger: BudgetLedger,
        config: SpendingConfig,
        background: Background,
        tenant: TenantContext,
        reservation_id: str,
    ) -> None:
        self._ledger, self._config, self._background = ledger, config, background
        self._key, self._id = tenant.tenant, reservation_id
        self._reserving: asyncio.Task[Reserved | OverBudget] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._most = self._spent = NOTHING
        self.reserved = False

    async def reserve(self, most: Amount) -> str:
        """Set `most` aside. Returns why no model may be paid, in words for people; "" where one may."""
        self._most = most
        reserving = self._ledger.reserve(self._key, self._id, most.cost_usd, most.tokens, self._config.ttl_s)
        self._reserving = asyncio.ensure_future(reserving)
        try:
            async with asyncio.timeout(self._config.wait_s):
                # Shielded: a reservation whose caller has left is undone by `close`, which has to know of it.
                reply = await asyncio.shield(self._reserving)
        except TimeoutError:
            return self._unreachable(f"it did not answer within {self._config.wait_s:g} s")
        except (Unavailable, JournalUnreadable) as error:
            return self._unreachable(str(error))
        if isinstance(reply, OverBudget):
            _log.info("The budget of tenant %s is exceeded. %s", self._key, reply.because)
            return explanation(reply)
        self.reserved = True
        if reply.beyond:
            _log.info("The budget of tenant %s would have refused. %s", self._key, reply.beyond)
        return ""

    def begin(self) -> None:
        """A model is paid from now on: until `spent` tells, all that was reserved may be gone."""
        self._spent = self._most

    def spent(self, completion: Completion) -> None:
        """What it came to."""
        try:
            amount = Amount(usd(completion.cost_usd), completion.prompt_tokens + completion.completion_tokens)
            amount.check("spent")
        except BadInput as error:
            _log.warning("%s told a cost that is none; all that was reserved is charged. %s", completion.model, error)
            return
        self._spent = amount

    async def settle(self) -> None:
        """Charge what was spent. Never fails, and waits for a slow ledger no longer than it may."""
        self.close()
        if self._closing is not None:
            await asyncio.wait((self._closing,), timeout=self._config.wait_s)

    def close(self) -> None:
        """See to it, without waiting, that nothing stays reserved."""
        if self._reserving is not None and self._closing is None:
            what = f"Settling reservation {self._id}, which is charged in full if it expires,"
            self._closing = self._background.start(self._close(self._reserving), what)

    async def _close(self, reserving: asyncio.Task[Reserved | OverBudget]) -> None:
        certain = True
        try:
            if isinstance(await reserving, OverBudget):
                return
        except BadInput:
            return
        except BotError:
            certain = False  # it may have been reserved, and only the reply was lost
        spent = self._spent
        reply: Settled | Released | NoReservation
        if spent == NOTHING:
            reply = await self._ledger.release(self._key, self._id)
        else:
            reply = await self._ledger.settle(self._key, self._id, spent.cost_usd, spent.tokens)
        if isinstance(reply, NoReservation) and (certain or spent != NOTHING):
            lost = f"{spent.cost_usd:f} USD and {spent.tokens:,} tokens"
            _log.warning("%s of tenant %s are in no budget. %s", lost, self._key, reply.because)

    def _unreachable(self, reason: str) -> str:
        allowed = self._config.open_when_unreachable
        consequence = "models are paid without one" if allowed else "no model is paid"
        _log.warning("The budget of tenant %s cannot be asked, so %s: %s", self._key, consequence, reason)
        return "" if allowed else "no model was paid, as the budget cannot be asked just now"


def explanation(refusal: OverBudget) -> str:
    """Why no model was paid, for the people of the server; it ends without a full stop, as part of a list."""
    why = f"no model was paid, as the {refusal.window}'s budget"
    if refusal.window == "open":
        return "no model was paid, as too many answers are under way at once"
    if refusal.window == "request":
        return "no model was paid, as this answer might cost more than one may"
    if refusal.resets_at is None:
        return f"{why} is less than this answer might cost"
    resets = datetime.fromtimestamp(refusal.resets_at, UTC)
    return f"{why} is used up until {resets:%Y-%m-%d %H:%M} UTC"
