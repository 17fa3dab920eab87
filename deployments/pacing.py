"""Asks the rate limiter before something is done for a tenant."""

from core.errors import RateLimited
from core.ports import Pace
from core.rate_limit_messages import Refused
from core.tenancy import TenantContext


def limiter_key(tenant: TenantContext) -> str:
    """The rate limiter's key of a tenant."""
    return f"tenant:{tenant.tenant}"


async def admit(pace: Pace, tenant: TenantContext, cost: float = 1.0) -> None:
    """Return where the tenant and its user may go on. Raises RateLimited where that is too much at once."""
    reply = await pace.take(limiter_key(tenant), tenant.user, cost)
    if isinstance(reply, Refused):
        who = "You ask" if reply.scope == "user" else "This server asks"
        raise RateLimited(f"{who} for more than is allowed now. {reply.because}", reply.retry_after_s)
