"""A tenant's own switches for features: an override of the bot's settings, or none.

The key of a tenant's is "flags:<tenant>". Which features there are is the caller's to say: a name that is not among
them is refused, so that a slip of the pen never lies there unnoticed.
"""

import msgspec
from msgspec.structs import replace

from core.entities import Decision, Message, State
from core.errors import BadInput

FLAGS = "flags:"


class Flags(State, frozen=True):
    """A tenant's overrides by feature, and who set the last one when."""

    of_feature: dict[str, bool] = msgspec.field(default_factory=dict)
    by: str = ""
    at: float = 0.0


class SetFlag(Message, frozen=True):
    """Switch `feature` on or off for the tenant; None:

    as the settings say again. `known` are the features there are.
    """

    feature: str
    value: bool | None
    by: str
    known: tuple[str, ...]


class FlagSet(Message, frozen=True):
    """The tenant's `feature` is `value` from now on; None: it has no switch of its own."""

    feature: str
    value: bool | None
    by: str
    at: float


def flags_key(tenant: str) -> str:
    """The key of a tenant's flags."""
    return FLAGS + tenant


def decide_flag(state: Flags, command: SetFlag, now: float) -> Decision[FlagSet]:
    """Raises BadInput for a feature that is not known."""
    if command.feature not in command.known:
        problem = f"There is no feature {command.feature[:40]!r}."
        raise BadInput(problem, f"Choose from: {', '.join(sorted(command.known))}.")
    done = FlagSet(command.feature, command.value, command.by, now)
    same = state.of_feature.get(command.feature) is command.value
    return Decision(done, () if same else (done,))


def evolve_flag(state: Flags, event: FlagSet) -> Flags:
    kept = {name: value for name, value in state.of_feature.items() if name != event.feature}
    if event.value is not None:
        kept[event.feature] = event.value
    return replace(state, of_feature=dict(sorted(kept.items())), by=event.by, at=event.at)
