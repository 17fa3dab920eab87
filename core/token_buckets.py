"""Token buckets with leases: what is there now, and how long until more is.

A bucket is kept as what is `missing` from full. Of that, `per_s` tokens come back each second, but never those that are
leased out: they are missing until their lease is settled or has expired.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice

from core.entities import State

TOTAL = ""
"""The name of the bucket of a tenant or host as a whole; the others are named by user."""
# Buckets looked at with each event, to forget those that are full again: more than an event makes.
SWEPT = 2
# With more buckets than this, those that were looked at for nothing go to the end, so that the others have their turn.
MANY = 16


class Rate(State, frozen=True, gc=False):
    """`per_s` tokens come back each second, up to `burst`. A rate of 0 is closed: then nothing is there."""

    per_s: float
    burst: float

    @property
    def capacity(self) -> float:
        return self.burst if self.per_s > 0 else 0.0


class Limits(State, frozen=True):
    """Of a tenant or host as a whole, and of each of its users. None: no limit."""

    total: Rate | None = None
    user: Rate | None = None

    def of(self, name: str) -> Rate | None:
        return self.total if name == TOTAL else self.user


class Bucket(State, frozen=True, gc=False):
    """`missing` tokens from full at `at` (unix s), the leased ones among them."""

    missing: float
    at: float


class Held(State, frozen=True, gc=False):
    """A lease of `granted` tokens since it began, of which `used` are known to be spent."""

    lease_id: int
    user: str
    granted: float
    used: float
    expires_at: float

    @property
    def outstanding(self) -> float:
        return self.granted - self.used


class Moment:
    """The buckets and leases of one tenant or host at `now`, under the limits in force."""

    __slots__ = ("_missing", "buckets", "leases", "limits", "now")

    def __init__(self, buckets: Mapping[str, Bucket], leases: Sequence[Held], limits: Limits, now: float) -> None:
        self.buckets, self.leases, self.limits, self.now = buckets, leases, limits, now
        self._missing: dict[str, float] = {}

    def level(self, name: str, rate: Rate) -> float:
        """Tokens that are there; below 0 after the burst was lowered."""
        return rate.capacity - self.missing(name, rate)

    def holds(self, name: str, rate: Rate, cost: float) -> bool:
        """Whether `cost` tokens are there: in the same sums as `wait_s`, so that both agree to the last bit."""
        return self.missing(name, rate) <= rate.capacity - cost

    def rates(self, user: str) -> list[tuple[str, Rate]]:
        """The buckets, by name, that limit the user: the total and the user's, or one of them, or none."""
        names = (TOTAL, user) if user != TOTAL else (TOTAL,)
        return [(name, rate) for name in names if (rate := self.limits.of(name))]

    def room(self, user: str) -> tuple[float, float | None]:
        """Tokens to be had of the user's bucket and the total at once, and the burst of the lower; None: no limit."""
        levels = [(self.level(name, rate), rate.burst) for name, rate in self.rates(user)]
        return min(levels, default=(math.inf, None))

    def leased(self, name: str) -> float:
        return math.fsum(held.outstanding for held in self._leases(name) if held.expires_at > self.now)

    def missing(self, name: str, rate: Rate) -> float:
        """Tokens missing from the bucket now."""
        found = self._missing.get(name)
        if found is None:
            stretches = self._stretches(name, rate)
            begin, missing, floor = next(stretch[:3] for stretch in stretches if self.now < stretch[3])
            found = max(floor, missing - rate.per_s * max(0.0, self.now - begin))
            self._missing[name] = found
        return found

    def wait_s(self, name: str, rate: Rate, cost: float) -> float | None:
        """Seconds until `cost` tokens are there if nobody else takes any; None where they never will be."""
        goal = rate.capacity - cost
        if goal < 0 or rate.per_s == 0:
            return None
        for begin, missing, floor, end in self._stretches(name, rate):
            reached = begin + max(0.0, missing - goal) / rate.per_s
            if floor <= goal and reached < end:
                return max(0.0, reached - self.now)
        raise AssertionError("nothing is leased in the last stretch, and it has no end")

    def moved(
        self, user: str, drawn: float, spent: float, ended: tuple[int, ...] = ()
    ) -> tuple[float, dict[str, Bucket], tuple[str, ...], float, tuple[int, ...]]:
        """What changes when `drawn` tokens go out of the user's bucket and the total: the fields of `Moved`.

        Leases that have expired end and are spent; their buckets are brought up to now, so that nothing is lost with
        them. Of a bucket that is full, or has no limit, there is nothing to keep.
        """
        expired = [held for held in self.leases if held.expires_at <= self.now]
        moved: dict[str, Bucket] = {}
        full: list[str] = []
        names = dict.fromkeys([*(held.user for held in expired), user, TOTAL])
        for name in names:
            rate = self.limits.of(name)
            missing = 0.0
            if rate is not None:
                missing = max(0.0, self.missing(name, rate) + (drawn if name in (user, TOTAL) else 0.0))
            if missing:
                moved[name] = Bucket(missing, self.now)
            elif name in self.buckets:
                full.append(name)
        for name, bucket in islice(self.buckets.items(), SWEPT):
            if name in names:
                continue
            rate = self.limits.of(name)
            if rate is None or self.missing(name, rate) == 0:
                full.append(name)
            elif len(self.buckets) > MANY:
                moved[name] = bucket
        spent += sum(held.outstanding for held in expired)
        return self.now, moved, tuple(full), spent, (*(held.lease_id for held in expired), *ended)

    def _leases(self, name: str) -> Iterator[Held]:
        return (held for held in self.leases if name in (TOTAL, held.user))

    def _stretches(self, name: str, rate: Rate) -> Iterator[tuple[float, float, float, float]]:
        """The bucket's way from when it was kept on: `(begin, missing at begin, leased until end, end)`, ascending."""
        bucket = self.buckets.get(name)
        begin, missing = (bucket.at, bucket.missing) if bucket else (0.0, 0.0)
        leases = sorted((held.expires_at, held.outstanding) for held in self._leases(name) if held.expires_at > begin)
        floors = list(accumulate((outstanding for _, outstanding in reversed(leases)), initial=0.0))
        for end, _ in leases:
            floor = floors.pop()
            yield begin, missing, floor, end
            begin, missing = end, max(floor, missing - rate.per_s * (end - begin))
        yield begin, missing, 0.0, math.inf
