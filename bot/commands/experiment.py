"""/experiment: show one; those who run the bot move it from phase to phase. Its numbers are sums over all servers."""

from collections.abc import AsyncIterator

from bot import pictures, render_experiments
from bot.arguments import Choice, Completions, Text
from bot.command import Call, Command
from bot.page import Page, Picture, Progress


async def completions(call: Call, typed: str) -> Completions:
    """The experiments whose name has what was typed."""
    wanted = typed.strip().casefold()
    names = [report.plan.name for report in await call.experiments.all()]
    return [(name, name) for name in names if wanted in name]


NAME = Text("name", "Which experiment.", required=True, max_chars=50, complete=completions)
ACTION = Choice("action", "What to do; show if left out.", options=("show", "start", "promote", "rollback"))
REASON = Text("reason", "Why, for the record.", max_chars=300)
VARIANT = Text("variant", "Which variant everybody is to get, where there are several.", max_chars=50)


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    desk, name, action = call.experiments, call[NAME], call[ACTION]
    if action == "show":
        history = await desk.show(name)
        picture = Picture(name, await pictures.experiment_png(history), render_experiments.alt_text(history))
        yield render_experiments.history(history, picture)
        return
    call.only_operators(f"/experiment {action} is")
    by, reason = call.tenant.user, call[REASON]
    if action == "start":
        yield render_experiments.step(name, await desk.start(name, by, reason))
        return
    now = (await desk.show(name)).report
    if not await call.confirm(render_experiments.question(name, action, now)):
        yield render_experiments.unchanged(name, now)
    elif action == "promote":
        yield render_experiments.step(name, await desk.promote(name, by, reason, call[VARIANT]))
    else:
        yield render_experiments.step(name, await desk.roll_back(name, by, reason))


COMMAND = Command(
    "experiment",
    "Show an experiment with a picture; start, promote or roll it back.",
    run,
    (NAME, ACTION, REASON, VARIANT),
    moderators=True,
    private=True,
    confirms=True,
)
