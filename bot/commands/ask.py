"""/ask: a question, answered with quotes that link to the second."""

from collections.abc import AsyncIterator

from bot import errors, render
from bot.command import Argument, Call, Command, read_argument
from bot.page import Page, Progress
from core.messages import Ask
from core.results import Ok

QUESTION = Argument("question", "What you want to know, in your own words.")


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    question = read_argument(QUESTION, call.text)
    result = await call.assistant.ask(Ask(call.tenant, question))
    yield render.answer(result.data) if isinstance(result, Ok) else errors.page(result)


COMMAND = Command("ask", "Ask what the talks say; the answer quotes them, with links to the second.", run, QUESTION)
