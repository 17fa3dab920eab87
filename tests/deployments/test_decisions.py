"""What is decided about a question: nothing with every flag off, nothing that anybody waits for in shadow."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from core.activity_documents import AnswerActivity
from core.answer_cache_messages import CacheReport
from core.answer_cache_ports import NotCached
from core.decision_chain import Phase
from core.errors import Unavailable
from core.experiment_messages import Assigned
from core.feature_plans import ANSWER_CACHE, COST_USD, GROUNDED, PROMPT_TOKENS, REWARD, ROUTING, TRIMMING
from core.messages import Answer, Receipt
from core.prompting import Completion, DraftClaim
from core.results import ErrorCategory, Fail, Ok
from core.rollout import Feature
from core.routing_rewards import RewardWeights, reward_of
from deployments.decisions import Deciding
from tests.deployments.deciders import (
    ARMS,
    CACHE_ON,
    CACHE_SHADOW,
    HIT,
    PROJECTION,
    REMEMBERED,
    ROUTING_ON,
    ROUTING_SHADOW,
    SHADOWS,
    ScriptedBandit,
    ScriptedCache,
    ScriptedRegistry,
    routed,
    settled,
)
from tests.deployments.pipelines import (
    QUESTION,
    SENTENCES,
    TALK,
    TENANT,
    TRUE,
    ScriptedChat,
    bench,
    filled_store,
)


def untimed(answer: Answer) -> Answer:
    return replace(answer, receipt=replace(answer.receipt, stages=()))


# ---------------------------------------------------------------- off, and in shadow
async def test_answers_are_the_same_with_every_shadow_on_as_with_everything_off() -> None:
    given = []
    cache, bandit = ScriptedCache(HIT), ScriptedBandit(ARMS[0])
    registry = ScriptedRegistry(dict.fromkeys((TRIMMING, ROUTING, ANSWER_CACHE), Assigned("control", Phase.SHADOW, 1)))
    everything = Deciding(SHADOWS, registry, cache, bandit=bandit, projection=PROJECTION, arms=ARMS)
    for deciding in (Deciding(()), everything):
        async with bench(deciding=deciding) as made:
            given.append([untimed(await made.answered(question)) for question in (QUESTION, "What is said of ice?")])
            await settled(made)
    assert given[0] == given[1]
    assert (cache.shadows, [shadow for *_, shadow in bandit.chosen]) == ([True, True], [True, True])


async def test_with_everything_off_nobody_is_asked() -> None:
    cache, bandit = ScriptedCache(HIT), ScriptedBandit()
    off = (Feature(TRIMMING), Feature(ROUTING), Feature(ANSWER_CACHE))
    async with bench(deciding=Deciding(off, None, cache, bandit=bandit, projection=PROJECTION, arms=ARMS)) as made:
        assert (await made.answered()).receipt.model == "some/model"
        await settled(made)
    assert cache.asked == []
    assert bandit.chosen == []


async def test_a_shadow_that_hangs_holds_no_answer_up() -> None:
    cache = ScriptedCache()
    cache.gate.clear()
    registry = ScriptedRegistry({TRIMMING: Assigned("control", Phase.SHADOW, 1, shadowed=("candidate",))})
    async with bench(deciding=Deciding(SHADOWS, registry, cache)) as made:
        assert (await made.answered()).supported
        assert cache.kept == []
        cache.gate.set()
        await settled(made)
    assert len(cache.kept) == 1


# ---------------------------------------------------------------- the answer cache
async def test_an_answer_is_given_again_without_a_search_or_a_model() -> None:
    cache = ScriptedCache(HIT)
    async with bench(deciding=Deciding(CACHE_ON, cache=cache)) as made:
        answer = await made.answered()
        await settled(made)
        (logged,) = made.activity.kept["guild-1"]
    assert answer.claims == REMEMBERED
    assert untimed(answer).receipt == Receipt(model="cache")
    assert [stage.stage for stage in answer.receipt.stages] == ["check", "limit", "embed", "recall"]
    assert isinstance(logged, AnswerActivity)
    assert logged.recordings == (REMEMBERED[0].quotes[0].recording.recording_id,)
    assert made.chat.prompts == []
    assert cache.kept == []


async def test_what_the_cache_does_not_have_is_asked_and_handed_to_it() -> None:
    cache = ScriptedCache()
    async with bench(deciding=Deciding(CACHE_ON, cache=cache)) as made:
        answer = await made.answered()
        await settled(made)
    (kept,) = cache.kept
    assert (kept.claims, kept.cost_usd, kept.user, kept.degraded) == (answer.claims, 0.002, TENANT.user, False)
    assert [passage.passage_id for passage in kept.passages] == ["p-1"]
    assert cache.shadows == [False]


async def test_an_answer_belongs_to_the_library_that_it_was_looked_for_in() -> None:
    cache, store = ScriptedCache(), await filled_store()
    async with bench(store=store, deciding=Deciding(CACHE_SHADOW, cache=cache)) as made:
        await made.answered()
        await settled(made)
        await made.answered()
        await settled(made)
        await store.forget_recording(TENANT, TALK.recording_id)
        await made.answered()
        await settled(made)
    first, second, third = (asked.library for asked in cache.asked)
    assert first == second != third


@pytest.mark.parametrize("features", [CACHE_ON, CACHE_SHADOW])
async def test_a_cache_that_is_down_costs_nothing(features: Sequence[Feature]) -> None:
    cache = ScriptedCache(HIT, error=Unavailable("The answer cache"))
    async with bench(deciding=Deciding(features, cache=cache)) as made:
        assert (await made.answered()).receipt.model == "some/model"
        await settled(made)


async def test_an_answer_of_a_model_that_stood_in_for_another_is_marked() -> None:
    cache = ScriptedCache()
    stood_in = Ok(replace(TRUE.data, degraded="first/model timed out"))
    async with bench(ScriptedChat(stood_in), deciding=Deciding(CACHE_ON, cache=cache)) as made:
        await made.answered()
        await settled(made)
    assert [kept.degraded for kept in cache.kept] == [True]


@pytest.mark.parametrize(
    ("reported", "model"),
    [
        (CacheReport(audits=400, wrong_high=0.019), "cache"),
        (CacheReport(audits=400, wrong_high=0.021), "some/model"),
        (CacheReport(audits=99, wrong_high=0.0), "some/model"),
    ],
)
async def test_a_shadow_that_proved_itself_serves_where_promotion_is_on(reported: CacheReport, model: str) -> None:
    for promotes in (True, False):
        cache = ScriptedCache(HIT, reported=reported)
        deciding = Deciding(CACHE_SHADOW, cache=cache, cache_promotes=promotes)
        async with bench(deciding=deciding) as made:
            assert (await made.answered()).receipt.model == "some/model", "nothing is known of it yet"
            await settled(made)
            assert (await made.answered()).receipt.model == (model if promotes else "some/model")


# ---------------------------------------------------------------- routing
async def test_the_bandit_says_which_model_is_first_and_learns_how_it_did() -> None:
    bandit = ScriptedBandit(ARMS[0])
    async with bench(deciding=routed(ROUTING_ON, bandit)) as made:
        answer = await made.answered()
        await settled(made)
    assert made.chat.first == [ARMS[0]]
    assert bandit.chosen == [(answer.answer_id, ARMS, ARMS[0], False)]
    assert bandit.observed == [(answer.answer_id, 1.0, 0.0, 0.002, "guild-1")]


async def test_in_shadow_the_first_model_is_the_baseline() -> None:
    bandit = ScriptedBandit(ARMS[0])
    async with bench(deciding=routed(ROUTING_SHADOW, bandit)) as made:
        await made.answered()
        await settled(made)
    assert [(baseline, shadow) for _, _, baseline, shadow in bandit.chosen] == [(ARMS[0], True)]
    assert len(bandit.observed) == 1


async def test_a_model_that_failed_did_as_badly_as_can_be() -> None:
    bandit = ScriptedBandit("second/model")
    stood_in = Ok(replace(TRUE.data, degraded="second/model timed out"))
    async with bench(ScriptedChat(stood_in), deciding=routed(ROUTING_ON, bandit)) as made:
        await made.answered()
        await settled(made)
    ((_, quality, latency_s, cost_usd, _),) = bandit.observed
    assert quality == 0.0
    assert reward_of(RewardWeights(), quality, latency_s, cost_usd) == 0.0


@pytest.mark.parametrize(
    "completion",
    [Completion((), "second/model"), replace(TRUE.data, model="local/extractive")],
    ids=["the talks do not say", "nobody was paid"],
)
async def test_where_nothing_can_be_said_of_the_model_no_reward_comes(completion: Completion) -> None:
    bandit = ScriptedBandit("second/model")
    async with bench(ScriptedChat(Ok(completion)), deciding=routed(ROUTING_ON, bandit)) as made:
        await made.answered()
        await settled(made)
    assert len(bandit.chosen) == 1
    assert bandit.observed == []


async def test_a_quote_that_was_invented_costs_quality() -> None:
    bandit = ScriptedBandit("some/model")
    said = (DraftClaim("True.", ((1, SENTENCES[1].text),)), DraftClaim("False.", ((1, "nobody ever said this"),)))
    async with bench(ScriptedChat(Ok(replace(TRUE.data, claims=said))), deciding=routed(ROUTING_ON, bandit)) as made:
        await made.answered()
        await settled(made)
    assert [quality for _, quality, *_ in bandit.observed] == [0.5]


async def test_without_the_bandit_models_are_asked_in_their_order() -> None:
    bandit = ScriptedBandit(error=Unavailable("The bandit"))
    async with bench(deciding=routed(ROUTING_ON, bandit)) as made:
        assert (await made.answered()).supported
        await settled(made)
    assert made.chat.first == [""]


async def test_one_model_is_no_choice() -> None:
    bandit = ScriptedBandit()
    deciding = Deciding(ROUTING_ON, bandit=bandit, projection=PROJECTION, arms=ARMS[:1])
    async with bench(deciding=deciding) as made:
        await made.answered()
    assert bandit.chosen == []


# ---------------------------------------------------------------- experiments
async def test_who_is_in_a_canary_gets_the_feature_and_what_came_of_it_is_counted() -> None:
    registry = ScriptedRegistry({TRIMMING: Assigned("candidate", Phase.CANARY, 3, exposed=True)})
    async with bench(deciding=Deciding((Feature(TRIMMING),), registry)) as made:
        await made.answered()
        await settled(made)
    assert len(made.chat.prompts[0].evidence) < len(SENTENCES)
    ((experiment, variant, metrics, epoch),) = registry.observed
    assert (experiment, variant, epoch) == (TRIMMING, "candidate", 3)
    assert metrics[PROMPT_TOKENS] > 0
    assert (metrics[GROUNDED], metrics[COST_USD], metrics["error"]) == (1.0, 0.002, 0.0)


async def test_a_question_that_got_no_answer_counts_against_what_it_was_exposed_to() -> None:
    registry = ScriptedRegistry({TRIMMING: Assigned("candidate", Phase.CANARY, 3, exposed=True)})
    failing = ScriptedChat(Fail(ErrorCategory.UPSTREAM, "No model answered."))
    async with bench(failing, deciding=Deciding((Feature(TRIMMING),), registry)) as made:
        assert isinstance(await made.ask(), Fail)
        await settled(made)
    assert [metrics["error"] for _, _, metrics, _ in registry.observed] == [1.0]


async def test_in_shadow_the_candidates_are_compared_with_what_was_done() -> None:
    shadowed = Assigned("control", Phase.SHADOW, 2, shadowed=("candidate",))
    registry = ScriptedRegistry(dict.fromkeys((TRIMMING, ROUTING, ANSWER_CACHE), shadowed))
    cache, bandit = ScriptedCache(HIT), ScriptedBandit("some/model")
    features = (Feature(TRIMMING), Feature(ROUTING), Feature(ANSWER_CACHE))
    deciding = Deciding(features, registry, cache, bandit=bandit, projection=PROJECTION, arms=ARMS)
    async with bench(deciding=deciding) as made:
        answer = await made.answered()
        await asyncio.sleep(0.05)
        await settled(made)
    pairs = {experiment: (live, candidate) for experiment, _, live, candidate, _ in registry.pairs}
    assert answer.receipt.model == "some/model"
    assert pairs[TRIMMING][0][PROMPT_TOKENS] > pairs[TRIMMING][1][PROMPT_TOKENS]
    assert (pairs[ROUTING][0][REWARD], pairs[ROUTING][1][REWARD]) == (0.5, 0.8)
    assert (pairs[ANSWER_CACHE][0][COST_USD], pairs[ANSWER_CACHE][1][COST_USD]) == (0.002, 0.0)


async def test_a_tenants_own_switch_is_heeded() -> None:
    registry = ScriptedRegistry({}, own={ANSWER_CACHE: False})
    cache = ScriptedCache(HIT)
    async with bench(deciding=Deciding(CACHE_ON, registry, cache)) as made:
        assert (await made.answered()).receipt.model == "some/model"
        await settled(made)
    assert cache.asked == []


async def test_a_cached_answer_is_no_outcome_of_the_model() -> None:
    bandit, cache = ScriptedBandit(), ScriptedCache(NotCached())
    features = (*ROUTING_ON, *CACHE_ON)
    deciding = Deciding(features, cache=cache, bandit=bandit, projection=PROJECTION, arms=ARMS)
    async with bench(deciding=deciding) as made:
        cache.found = HIT
        assert (await made.answered()).receipt.model == "cache"
        await settled(made)
    assert bandit.chosen == []
