"""Processes that hold leases of a rate limiter, for its tests: their calls are late, get lost, or come again."""

from dataclasses import dataclass, field

from core.leases import LocalLease, Wish
from core.rate_limit_messages import Leased, Refused, Reply


@dataclass
class Call:
    """A call for a lease on its way: `reply` once the limiter has seen it, `lost` once nobody waits for it."""

    user: str
    wish: Wish
    asked_s: float
    lease: LocalLease
    reply: Reply | None = None
    lost: bool = False


@dataclass
class Holder:
    """A process: its leases, and for each at most one call under way."""

    leases: dict[str, LocalLease] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)

    def give_up(self, user: str) -> None:
        """Wait no longer for a reply; the call itself may have arrived, or may do so yet."""
        self.calls.pop(user).lost = True

    def hear(self, user: str, now_s: float) -> None:
        """A reply comes, if the limiter has seen the call."""
        call = self.calls[user]
        if call.reply is None:
            return
        del self.calls[user]
        if isinstance(call.reply, Refused):
            call.lease.refuse(call.reply, call.wish.at_least, now_s)
            return
        assert isinstance(call.reply, Leased)
        call.lease.extend(call.reply, call.asked_s)
        spent_since = max(0.0, call.lease.spent - call.wish.used)
        assert call.lease.left + spent_since >= call.wish.at_least * (1 - 1e-9)
