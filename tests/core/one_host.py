"""The line of one host with the time in hand, and what a caller does who obeys it."""

from typing import Any

from core.entities import Chance
from core.host_pace import KIND, Line, report
from core.host_pace_messages import Command, Outcome, PaceReport, PaceRules, Slot, Take, Tell
from core.streams import stream_of

AT = 1_790_000_000.0
STEADY = PaceRules(interval_s=1.0, burst=3, jitter=0.0, max_wait_s=10.0, max_interval_s=16.0, successes=2, recovery=0.5)


class Host:
    """One entity: what it decides happens at once, and takes no time."""

    def __init__(self, rules: PaceRules = STEADY, key: str = "host:shore.example") -> None:
        self.rules, self.key, self.now, self.seq = rules, key, AT, 0
        self.state: Line = KIND.initial(key)
        self.events: tuple[Any, ...] = ()

    def do(self, command: Command) -> Any:
        chance = Chance(stream_of(KIND.name, self.key), self.seq + 1)
        decision = KIND.decide(self.state, command, self.now, chance)
        self.state, self.events = KIND.replay(self.state, decision.events), decision.events
        self.seq += bool(decision.events)
        return decision.reply

    def take(self, patience_s: float = 100.0, epoch: int = 0) -> Any:
        return self.do(Take(self.rules, patience_s, epoch))

    def tell(self, outcome: Outcome, retry_after_s: float = 0.0) -> float:
        interval_s: float = self.do(Tell(self.rules, outcome, retry_after_s)).interval_s
        return interval_s

    def waits(self, count: int) -> list[float]:
        """How long each of `count` callers has to wait who come now."""
        slots = [self.take() for _ in range(count)]
        assert all(isinstance(slot, Slot) for slot in slots)
        return [slot.wait_s for slot in slots]

    def report(self) -> PaceReport:
        return report(self.state, self.rules, self.now)
