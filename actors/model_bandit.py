"""Routing policies that learn which model to ask: one for each key, over `core.model_bandit`."""

from collections.abc import Mapping

from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from core.bandit_messages import (
    BanditRules,
    Choice,
    Choose,
    Command,
    Event,
    Learned,
    NotWaitedFor,
    Observe,
    Offered,
)
from core.bandit_report import BanditReport, bandit_report
from core.bandit_state import Routing
from core.model_bandit import KIND
from core.routing_rewards import RewardWeights

DEFAULT_WEIGHTS = RewardWeights()


class ModelBandit(EntityActor[Routing, Command, Event]):
    """Chooses the arm for a question, and learns from how the answer turned out.

    Every choice is on disk with its probability before it is used. What was learned and what is waited for survives a
    restart, to the last bit.
    """

    kind = KIND

    def __init__(
        self,
        config: ShardConfig,
        rules: BanditRules,
        feature_version: str,
        offered: Mapping[str, Offered] = {},
        weights: RewardWeights = DEFAULT_WEIGHTS,
        weights_of: Mapping[str, RewardWeights] = {},
    ) -> None:
        """`offered` is what is believed of arms beforehand, by name. `weights` and, for some tenants, `weights_of` are
        those of rewards. Raises BadInput where the settings are none.
        """
        self._rules = rules.check()
        self._feature_version = feature_version
        self._offered = dict(offered)
        self._weights = weights.check()
        self._weights_of = {tenant: its_weights.check() for tenant, its_weights in weights_of.items()}
        super().__init__(config)

    async def choose(
        self,
        key: str,
        decision_id: str,
        context: bytes,
        arms: tuple[str, ...],
        baseline: str = "",
        shadow: bool = False,
    ) -> Choice:
        """The arm of `arms` to use for the question with `context` (see `core.routing_context.context_of`).

        `baseline` is the arm that would be used without this policy; in `shadow` it is in charge.
        """
        offered = tuple(self._offered.get(name, Offered(name)) for name in arms)
        state = self.state(key)
        if state.feature_version == self._feature_version:
            # Evidence to start with is needed once.
            offered = tuple(Offered(it.name, it.prior_mean) if it.name in state.arms else it for it in offered)
        asked = Choose(self._rules, self._feature_version, decision_id, context, offered, baseline, shadow)
        reply: Choice = self.decide(key, asked)
        return reply

    async def observe(
        self, key: str, decision_id: str, quality: float, latency_s: float, cost_usd: float, tenant: str = ""
    ) -> Learned | NotWaitedFor:
        """How the answer of a decision turned out: quality 0 to 1, seconds, US dollars; `tenant` by whose weights."""
        weights = self._weights_of.get(tenant, self._weights)
        asked = Observe(self._rules, weights, decision_id, quality, latency_s, cost_usd)
        reply: Learned | NotWaitedFor = self.decide(key, asked)
        return reply

    async def report(self, key: str) -> BanditReport:
        """What the policy has learned, and whether it may take charge."""
        return bandit_report(self.state(key), self._rules)
