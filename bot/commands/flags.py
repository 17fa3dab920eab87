"""/flags: which features are on for this server; moderators switch them, for this server alone."""

from collections.abc import AsyncIterator

from bot import errors, render_experiments
from bot.arguments import Choice, Completions, Text
from bot.command import Call, Command
from bot.page import Page, Progress


async def completions(call: Call, typed: str) -> Completions:
    """The features whose name has what was typed."""
    wanted = typed.strip().casefold()
    return [(flag.name, flag.name) for flag in await call.experiments.flags(call.tenant.tenant) if wanted in flag.name]


FEATURE = Text("feature", "Which feature; all are shown if left out.", max_chars=50, complete=completions)
VALUE = Choice("value", "What it is to be here; default: as for everybody.", options=("show", "on", "off", "default"))
_VALUES = {"on": True, "off": False, "default": None}


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    desk, tenant, feature, value = call.experiments, call.tenant, call[FEATURE], call[VALUE]
    if value == "show":
        shown = [flag for flag in await desk.flags(tenant.tenant) if feature in ("", flag.name)]
        if feature and not shown:
            raise errors.no_feature(feature)
        yield render_experiments.flags(shown)
        return
    if not feature:
        raise errors.empty(FEATURE.name)
    yield render_experiments.flags(await desk.set_flag(tenant.tenant, feature, _VALUES[value], tenant.user))


COMMAND = Command(
    "flags", "Show this server's features; switch one on or off here.", run, (FEATURE, VALUE), moderators=True
)
