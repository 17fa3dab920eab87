"""One routing policy with the time in hand, and questions whose best model is known."""

from typing import Any

import numpy as np

from core.bandit_messages import BanditRules, Choice, Choose, Command, Observe, Offered
from core.bandit_report import BanditReport, bandit_report
from core.bandit_state import Routing
from core.entities import Chance
from core.linear_thompson import Prior
from core.model_bandit import KIND
from core.routing_rewards import RewardWeights
from core.streams import stream_of

AT = 1_790_000_000.0
RULES = BanditRules(Prior(5), epsilon=0.1, draws=64)
QUALITY_ALONE = RewardWeights(1.0, 0.0, 0.0)
ARMS = ("small", "large", "odd")
GOOD_LARGE = {"small": 0.3, "large": 0.8, "odd": 0.4}


def context(*features: float, dimensions: int = 5) -> bytes:
    return np.array([1.0, *features, *[0.0] * (dimensions - 1 - len(features))], "<f4").tobytes()


class Policy:
    """One entity: what it decides happens at once."""

    def __init__(self, rules: BanditRules = RULES, key: str = "answers") -> None:
        self.rules, self.key, self.now, self.seq = rules, key, AT, 0
        self.state: Routing = KIND.initial(key)
        self.events: tuple[Any, ...] = ()
        self.past: list[Any] = []

    def do(self, command: Command) -> Any:
        chance = Chance(stream_of(KIND.name, self.key), self.seq + 1)
        decision = KIND.decide(self.state, command, self.now, chance)
        self.state, self.events = KIND.replay(self.state, decision.events), decision.events
        self.past += decision.events
        self.seq += bool(decision.events)
        return decision.reply

    def choose(
        self,
        decision_id: str,
        of_question: bytes | None = None,
        arms: tuple[str | Offered, ...] = ARMS,
        *,
        version: str = "v1",
        baseline: str = "",
        shadow: bool = False,
    ) -> Choice:
        offered = tuple(Offered(arm) if isinstance(arm, str) else arm for arm in arms)
        asked = context(0.5) if of_question is None else of_question
        choice: Choice = self.do(Choose(self.rules, version, decision_id, asked, offered, baseline, shadow))
        return choice

    def observe(self, decision_id: str, quality: float) -> Any:
        return self.do(Observe(self.rules, QUALITY_ALONE, decision_id, quality, 1.0, 0.001))

    def report(self) -> BanditReport:
        return bandit_report(self.state, self.rules)

    def ask(self, number: int, rewards: dict[str, float], **how: Any) -> Choice:
        """A question and the reward of the arm that was used."""
        choice = self.choose(f"decision-{number}", context(float(number % 3 - 1)), **how)
        self.observe(choice.decision_id, rewards[choice.arm])
        return choice
