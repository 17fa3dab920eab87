"""/experiments: every experiment of this bot, and how it stands."""

from collections.abc import AsyncIterator

from bot import render_experiments
from bot.command import Call, Command
from bot.page import Page, Progress


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    yield render_experiments.experiments(await call.experiments.all())


COMMAND = Command(
    "experiments", "Show the bot's experiments: phase, exposure and effect.", run, moderators=True, private=True
)
