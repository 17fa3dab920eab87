"""How fast every host may be asked: one line for each host, over `core.host_pace`."""

from collections.abc import Mapping

from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from core.host_pace import KIND, Line, pace_key, report
from core.host_pace_messages import (
    Command,
    Event,
    Outcome,
    PaceReport,
    PaceRules,
    Slot,
    Take,
    Tell,
    Told,
    TooLong,
)


class HostPace(EntityActor[Line, Command, Event]):
    """Never gives more slots than the pace, through crashes and over any number of callers.

    Who stands in line, and what a host was slowed to, survive a restart; time that passes meanwhile counts as rest.
    """

    kind = KIND

    def __init__(self, config: ShardConfig, rules: PaceRules, of_host: Mapping[str, PaceRules] = {}) -> None:
        """`rules` and, for some hosts by name, `of_host` are the settings'. Raises BadInput where they are none."""
        self._rules = rules.check()
        self._of_key = {pace_key(host): its_rules.check() for host, its_rules in of_host.items()}
        super().__init__(config)

    async def take(self, key: str, patience_s: float, epoch: int = 0) -> Slot | TooLong:
        """A slot of the host `key` (see `core.host_pace.pace_key`) that comes within `patience_s` seconds.

        Whoever had to wait asks again with the slot's `epoch`, and goes when it is told to wait no more.
        """
        reply: Slot | TooLong = self.decide(key, Take(self._rules_of(key), patience_s, epoch))
        return reply

    async def told(self, key: str, outcome: Outcome, retry_after_s: float = 0.0) -> Told:
        """How the host answered, and after how many seconds it asks to come back."""
        reply: Told = self.decide(key, Tell(self._rules_of(key), outcome, retry_after_s))
        return reply

    async def report(self, key: str) -> PaceReport:
        """How the host is asked now."""
        return report(self.state(key), self._rules_of(key), self.now())

    def _rules_of(self, key: str) -> PaceRules:
        return self._of_key.get(key, self._rules)
