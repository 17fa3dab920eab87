"""/ask: a question, answered with quotes that link to the second."""

from collections.abc import AsyncIterator

from bot import errors, render
from bot.arguments import Text
from bot.command import Call, Command
from bot.page import Page, Progress
from core.messages import Ask
from core.results import Ok

QUESTION = Text("question", "What you want to know, in your own words.", required=True)


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    result = await call.assistant.ask(Ask(call.tenant, call[QUESTION]))
    yield render.answer(result.data) if isinstance(result, Ok) else errors.page(result)


COMMAND = Command("ask", "Ask what the talks say; the answer quotes them, with links to the second.", run, (QUESTION,))
