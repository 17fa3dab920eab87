"""Whether a feature is off, in shadow or on: the tenant's switch, then the setting, then the experiment."""

import pytest

from core.decision_chain import Phase
from core.experiment_messages import Assigned
from core.experiment_plans import CONTROL
from core.rollout import Feature, Mode, mode_of

OFF, SHADOWED, ON = Feature("trimming"), Feature("trimming", shadow=True), Feature("trimming", on=True)


@pytest.mark.parametrize(("feature", "mode"), [(OFF, Mode.OFF), (SHADOWED, Mode.SHADOW), (ON, Mode.ON)])
def test_without_an_experiment_the_settings_decide(feature: Feature, mode: Mode) -> None:
    assert mode_of(feature) is mode
    assert mode_of(feature, None, Assigned(CONTROL)) is mode


@pytest.mark.parametrize("feature", [OFF, SHADOWED, ON])
@pytest.mark.parametrize("given", [None, Assigned("candidate", Phase.ACTIVE), Assigned(CONTROL, Phase.SHADOW)])
def test_a_tenants_own_switch_comes_first(feature: Feature, given: Assigned | None) -> None:
    assert mode_of(feature, True, given) is Mode.ON
    assert mode_of(feature, False, given) is Mode.OFF


@pytest.mark.parametrize("phase", [Phase.CANARY, Phase.ACTIVE])
def test_in_the_canary_and_afterwards_the_variant_decides(phase: Phase) -> None:
    assert mode_of(OFF, None, Assigned("candidate", phase)) is Mode.ON
    # The canary's control is measured in the same way as its candidate.
    control = Mode.SHADOW if phase is Phase.CANARY else Mode.OFF
    assert mode_of(OFF, None, Assigned(CONTROL, phase)) is control
    assert mode_of(SHADOWED, None, Assigned(CONTROL, phase)) is Mode.SHADOW


@pytest.mark.parametrize("variant", [CONTROL, "candidate"])
def test_in_shadow_nobody_has_it(variant: str) -> None:
    assert mode_of(OFF, None, Assigned(variant, Phase.SHADOW)) is Mode.SHADOW
    assert mode_of(OFF, None, Assigned(variant, Phase.OFF)) is Mode.OFF
