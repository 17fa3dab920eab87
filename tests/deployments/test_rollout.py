"""The modes of a question's features: asked of the registry only with a harness, and never an error."""

import asyncio
from collections.abc import Mapping

import pytest

from core.decision_chain import Phase
from core.errors import Unavailable
from core.experiment_messages import Assigned
from core.experiment_plans import CONTROL
from core.rollout import Feature, Mode
from deployments.rollout import Rollout
from deployments.shadowing import Given

FEATURES = (Feature("trimming", shadow=True), Feature("routing"), Feature("answer_cache", on=True))
ADA, BEN = ("guild-1", "question-1"), ("guild-1", "question-2")


class Registry:
    """Gives the first question the candidate of every experiment, and each tenant the flags in `own`."""

    def __init__(self, own: Mapping[str, bool] = {}, fails: BaseException | None = None, hangs: bool = False) -> None:
        self.own, self.fails, self.hangs = own, fails, hangs
        self.asked: list[tuple[str, str, str]] = []
        self.flags_asked: list[str] = []

    async def assign(self, experiment: str, tenant: str, unit: str) -> Given:
        self.asked.append((experiment, tenant, unit))
        variant = "candidate" if unit == "question-1" else CONTROL
        return Given(experiment, Assigned(variant, Phase.CANARY, exposed=True))

    async def flags(self, key: str) -> Mapping[str, bool]:
        self.flags_asked.append(key)
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails is not None:
            raise self.fails
        return self.own


async def test_without_a_harness_the_settings_decide() -> None:
    rolled = await Rollout(FEATURES).of(*ADA)
    assert [rolled[feature.name] for feature in FEATURES] == [Mode.SHADOW, Mode.OFF, Mode.ON]
    assert rolled["unheard of"] is Mode.OFF
    assert not rolled.given


async def test_an_experiment_switches_on_for_whom_it_chose() -> None:
    registry = Registry()
    rollout = Rollout(FEATURES, registry, registry)
    hers, his = await rollout.of(*ADA), await rollout.of(*BEN)
    assert hers["routing"] is Mode.ON
    assert his["routing"] is Mode.SHADOW, "the canary's control is measured too"
    assert his["trimming"] is Mode.SHADOW
    assert hers.given["routing"].assigned.exposed
    assert "answer_cache" not in hers.given, "what the settings switch on is no experiment"
    assert {unit for _, _, unit in registry.asked} == {"question-1", "question-2"}


async def test_a_tenants_switch_wins_and_is_asked_for_now_and_then() -> None:
    now, registry = [100.0], Registry({"routing": False, "trimming": True})
    rollout = Rollout(FEATURES, registry, registry, lambda: now[0])
    for _ in range(5):
        rolled = await rollout.of(*ADA)
        assert (rolled["routing"], rolled["trimming"]) == (Mode.OFF, Mode.ON)
        assert not rolled.given, "what a tenant decided for itself is no experiment"
    assert registry.flags_asked == ["flags:guild-1"]
    registry.own = {}
    now[0] += 11.0
    assert (await rollout.of(*ADA))["routing"] is Mode.ON
    assert len(registry.flags_asked) == 2


@pytest.mark.parametrize("registry", [Registry(fails=Unavailable("The registry")), Registry(hangs=True)])
async def test_a_registry_that_is_down_leaves_what_is_known(registry: Registry) -> None:
    assert (await Rollout(FEATURES, None, registry).of(*ADA))["answer_cache"] is Mode.ON


async def test_the_switches_that_were_known_hold_while_the_registry_is_down() -> None:
    now, registry = [100.0], Registry({"answer_cache": False})
    rollout = Rollout(FEATURES, None, registry, lambda: now[0])
    await rollout.of(*ADA)
    registry.fails = Unavailable("The registry")
    now[0] += 11.0
    assert (await rollout.of(*ADA))["answer_cache"] is Mode.OFF
