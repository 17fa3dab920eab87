"""What is decided about a question beside its answer: which features it gets, what the cache has, which model is first.

With every feature off, nothing here asks anybody. In shadow, what can be done after the answer is done after it, and
the rest beside work that takes longer anyway; so no answer waits for it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.answer_cache_ports import AnswerCache, CachedAnswer
from core.answer_quality import grounded_share
from core.bandit_messages import Choice, Learned
from core.errors import BotError
from core.experiment_plans import ERROR, LATENCY_MS
from core.experiment_ports import Assignments
from core.feature_plans import ANSWER_CACHE, COST_USD, GROUNDED, PROMPT_TOKENS, REWARD, ROUTING, TRIMMING
from core.messages import Ask
from core.ports import TranscriptStore, Vectors
from core.rollout import Feature, Mode
from core.routing_context import Projection
from core.routing_ports import ModelBandit
from deployments.answer_caching import Caching, Sought
from deployments.answer_records import CACHED, Draft
from deployments.answer_routing import Routing
from deployments.background import Background
from deployments.rollout import Flags, Rolled, Rollout
from deployments.shadowing import Shadow


class Registry(Assignments, Flags, Protocol):
    """`core.experiment_ports.ExperimentRegistry`, as far as it is needed here."""


DEFAULT_FEATURES = (Feature(TRIMMING, shadow=True),)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deciding:
    """Who is asked about a question; None where nobody is.

    `registry` runs the experiments and keeps the tenants' switches. `arms` are the paid models in their order.
    `cache_delta` is the share of the cache's answers that may be wrong, and with `cache_promotes` a tenant in which the
    shadow has proved that gets them.
    """

    features: Sequence[Feature] = DEFAULT_FEATURES
    registry: Registry | None = None
    cache: AnswerCache | None = None
    cache_delta: float = 0.02
    cache_promotes: bool = False
    bandit: ModelBandit | None = None
    projection: Projection | None = None
    arms: tuple[str, ...] = ()


class Decisions:
    """Begins the decisions of each question. Keeps nothing that a restart could lose."""

    def __init__(self, deciding: Deciding, store: TranscriptStore, background: Background) -> None:
        self.store, self.background = store, background
        registry = deciding.registry
        self.shadow = Shadow(registry, background) if registry else None
        self.rollout = Rollout(deciding.features, self.shadow, registry)
        self.caching = self.routing = None
        if deciding.cache is not None:
            delta, promotes = deciding.cache_delta, deciding.cache_promotes
            self.caching = Caching(deciding.cache, store, delta=delta, promotes=promotes)
        if deciding.bandit is not None and deciding.projection is not None:
            self.routing = Routing(deciding.bandit, deciding.projection, deciding.arms)

    def begin(self, ask: Ask, answer_id: str) -> "Course":
        """What is to be decided about a question; it is asked for while the question is embedded."""
        return Course(self, ask, answer_id)


class Course:
    """The decisions of one question, in the order in which the pipeline needs them."""

    def __init__(self, decisions: Decisions, ask: Ask, answer_id: str) -> None:
        self._decisions, self._ask, self._answer_id = decisions, ask, answer_id
        start = decisions.background.start
        self._rolling = start(decisions.rollout.of(ask.tenant.tenant, answer_id), f"The features of {answer_id}")
        self._library: asyncio.Task[str] | None = None
        self._learnt_with: tuple[str, Vectors] | None = None
        self._choosing: asyncio.Task[Choice | None] | None = None
        self._rolled = Rolled({}, {})
        self._sought: Sought | None = None
        if decisions.caching is not None:
            # Before the search: an answer belongs to what was there when it was looked for.
            version = decisions.store.version(ask.tenant, ask.recording_ids)
            self._library = start(version, f"What {answer_id} is answered from")

    def on(self, feature: str) -> bool:
        """Whether the question gets `feature`. After `embedded`."""
        return self._rolled[feature] is Mode.ON

    async def embedded(self, question: str, vector: Vectors) -> CachedAnswer | None:
        """Decide what can be decided now; an answer that may be given again, if there is one."""
        try:
            self._rolled = await self._rolling
        except Exception:  # noqa: BLE001 - logged by the background; without it no feature is on
            self._rolled = Rolled({}, {})
        await self._seek(question, vector)
        if self._sought is not None and isinstance(self._sought.found, CachedAnswer):
            return self._sought.found
        routing, mode = self._decisions.routing, self._rolled[ROUTING]
        if routing is not None and mode is not Mode.OFF:
            shadow = mode is Mode.SHADOW
            choosing = routing.choose(self._ask.tenant, self._answer_id, question, vector, shadow=shadow)
            self._choosing = self._decisions.background.start(choosing, f"The model for {self._answer_id}")
        return None

    async def first(self) -> str:
        """The model to ask first; "" for their order."""
        choice = await self._choosing if self._choosing else None
        return choice.arm if choice else ""

    def failed(self, latency_ms: float) -> None:
        """The question got no answer, by no fault of its own: that counts against whatever it was exposed to."""
        for given in self._rolled.given.values():
            if self._decisions.shadow is not None:
                self._decisions.shadow.observe(given, {ERROR: 1.0, LATENCY_MS: latency_ms})

    # ------------------------------------------------------------ the cache, before
    async def _seek(self, question: str, vector: Vectors) -> None:
        caching, mode = self._decisions.caching, self._rolled[ANSWER_CACHE]
        if caching is None or self._library is None or mode is Mode.OFF:
            return
        given = self._rolled.given.get(ANSWER_CACHE)
        # Who is counted as the control of an experiment gets nothing out of the cache, whatever it has proved.
        counted = given is not None and given.assigned.exposed
        shadow = mode is Mode.SHADOW
        if shadow and (counted or not caching.waits(self._ask.tenant.tenant, shadow=True)):
            self._learnt_with = (question, vector)
            return
        try:
            library = await self._library
        except BotError:
            return  # the background logs it
        self._sought = await caching.seek(self._ask, question, vector, library)

    # ------------------------------------------------------------ after the answer
    async def learn(self, draft: Draft, latency_ms: float, model_ms: float) -> None:
        """Learn from an answer, which took so long and of which the model so long; nobody waits for it."""
        grounded = grounded_share(draft.claims, draft.dropped)
        metrics = {ERROR: 0.0, LATENCY_MS: latency_ms, COST_USD: draft.completion.cost_usd}
        # Of an answer out of the cache every quote stands, whether it answers this question or not.
        if grounded is not None and draft.completion.model != CACHED:
            metrics[GROUNDED] = grounded
        rewarded = await self._learn_routing(draft, model_ms)
        self._observe(TRIMMING, {**metrics, PROMPT_TOKENS: float(draft.tokens_sent)})
        self._observe(ROUTING, metrics if rewarded is None else {**metrics, REWARD: rewarded.reward})
        self._observe(ANSWER_CACHE, metrics)
        self._compare_trimming(draft)
        if rewarded is not None:
            live, candidate = rewarded.reward_of_baseline, rewarded.reward_of_policy
            self._compare(ROUTING, {REWARD: live}, {REWARD: candidate})
        await self._learn_cache(draft)

    async def _learn_routing(self, draft: Draft, model_ms: float) -> Learned | None:
        choice = await self._choosing if self._choosing else None
        if choice is None or self._decisions.routing is None:
            return None
        try:
            return await self._decisions.routing.learn(self._ask.tenant, choice, draft, model_ms / 1000)
        except BotError as error:
            _log.warning("The bandit learned nothing from %s: %s", self._answer_id, error)
            return None

    async def _learn_cache(self, draft: Draft) -> None:
        caching, sought = self._decisions.caching, self._sought
        if caching is None or draft.completion.model == CACHED:
            return
        if sought is None and self._learnt_with is not None and self._library is not None:
            question, vector = self._learnt_with
            sought = Sought(caching.lookup(self._ask, question, vector, await self._library), None)
        learned = await caching.learn(self._ask, sought, draft) if sought is not None else None
        if learned is None:
            return
        found, kept = learned
        cost_usd = draft.completion.cost_usd
        if not found.would_serve:
            self._compare(ANSWER_CACHE, {COST_USD: cost_usd}, {COST_USD: cost_usd})
        elif kept.right is not None:
            # A cached answer that is not the model's is the candidate's error.
            self._compare(ANSWER_CACHE, {COST_USD: cost_usd}, {COST_USD: 0.0, ERROR: float(not kept.right)})

    def _compare_trimming(self, draft: Draft) -> None:
        """Tokens, and of what the answer quotes the share that the chosen sentences still have."""
        whole: dict[str, float] = {PROMPT_TOKENS: float(draft.trimmed.tokens_everything)}
        trimmed: dict[str, float] = {PROMPT_TOKENS: float(draft.trimmed.tokens_chosen)}
        share = draft.quoted_share_in(draft.trimmed.chosen)
        if share is not None and not draft.compressed:
            whole[GROUNDED], trimmed[GROUNDED] = 1.0, share
        self._compare(TRIMMING, whole, trimmed)

    def _observe(self, experiment: str, metrics: Mapping[str, float]) -> None:
        given, shadow = self._rolled.given.get(experiment), self._decisions.shadow
        if given is not None and shadow is not None:
            shadow.observe(given, metrics)

    def _compare(self, experiment: str, live: Mapping[str, float], candidate: Mapping[str, float]) -> None:
        """What the control did and what the candidate would have done, for an experiment that is in shadow."""
        given, shadow = self._rolled.given.get(experiment), self._decisions.shadow
        if given is None or shadow is None:
            return

        async def computed(_variant: str) -> Mapping[str, float]:
            return candidate

        shadow.measure(given, {ERROR: 0.0, LATENCY_MS: 0.0, **live}, computed)
