"""What was promised of a rate limiter: every spend is kept for ever, and every window is added up anew."""

import math
from dataclasses import dataclass, field

from core.token_buckets import Limits


@dataclass
class Oracle:
    """Spends, limits and jumps of the limiter's clock, by the callers' clock. A lease lasts at most `ttl_s`.

    `spends` holds, for each moment at which something was spent, how much each user did.
    """

    ttl_s: float
    limits: list[tuple[float, Limits]]
    spends: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    jumps: list[tuple[float, float]] = field(default_factory=list)

    def spend(self, at: float, user: str, cost: float) -> None:
        if not self.spends or self.spends[-1][0] != at:
            self.spends.append((at, {}))
        users = self.spends[-1][1]
        users[user] = users.get(user, 0.0) + cost

    def check_windows(self, name: str) -> None:
        """No window that ends with the last spend holds more than was promised; every other was checked before."""
        if not self.spends or (name and name not in self.spends[-1][1]):
            return
        total, end = 0.0, self.spends[-1][0]
        for begin, users in reversed(self.spends):
            total += users.get(name, 0.0) if name else math.fsum(users.values())
            most = self.most(begin, end, name)
            assert total <= most * (1 + 1e-9) + 1e-6, f"{name!r} spent {total} from {begin} to {end}, not {most}"

    def most(self, begin: float, end: float, name: str) -> float:
        """burst + per_s * T of the largest limits in force, for a window that holds both of its ends."""
        since = begin - self.ttl_s
        until = [at for at, _ in self.limits[1:]] + [math.inf]
        in_force = [
            limits.of(name)
            for (at, limits), over in zip(self.limits, until, strict=True)
            if at <= end and over >= since
        ]
        rates = [rate for rate in in_force if rate is not None]
        if len(rates) < len(in_force):
            return math.inf
        ahead_s = sum(jump_s for at, jump_s in self.jumps if since <= at <= end)
        return max(rate.capacity for rate in rates) + max(rate.per_s for rate in rates) * (end - begin + ahead_s)
