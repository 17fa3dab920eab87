"""How far a feature is for one question: off, in shadow or on.

A tenant's own switch comes first, then the bot's setting, then an experiment: in its canary and afterwards whoever has
another variant than the control has the feature; its shadow, and the canary's control, compute it unseen. What none of
them switches on is in shadow where the settings say so.
"""

from dataclasses import dataclass
from enum import StrEnum

from core.decision_chain import Phase
from core.experiment_messages import Assigned
from core.experiment_plans import CONTROL


class Mode(StrEnum):
    """What a feature does for a question."""

    OFF = "off"
    SHADOW = "shadow"
    """Computed after the answer, logged, and not used."""
    ON = "on"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature by the name of its flag and its experiment, and what the bot's settings say of it."""

    name: str
    on: bool = False
    shadow: bool = False


def mode_of(feature: Feature, override: bool | None = None, given: Assigned | None = None) -> Mode:
    """The mode of `feature` for a question: `override` is the tenant's switch, `given` what its experiment assigned."""
    if override is not None:
        return Mode.ON if override else Mode.OFF
    in_experiment = given is not None and given.phase in (Phase.CANARY, Phase.ACTIVE) and given.variant != CONTROL
    if feature.on or in_experiment:
        return Mode.ON
    if feature.shadow or (given is not None and given.phase in (Phase.SHADOW, Phase.CANARY)):
        return Mode.SHADOW
    return Mode.OFF
