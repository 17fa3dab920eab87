"""/receipt: how an answer came about. People see their own alone."""

from collections.abc import AsyncIterator

from bot import errors, render_usage
from bot.command import Argument, Call, Command, read_argument
from bot.page import Page, Progress
from core.results import Ok

ANSWER_ID = Argument("id", "Which of your answers, as its receipt names it. The last one if left out.", 100, False)


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    result = await call.assistant.receipt(call.tenant, read_argument(ANSWER_ID, call.text))
    yield render_usage.logged_answer(result.data) if isinstance(result, Ok) else errors.page(result)


COMMAND = Command(
    "receipt", "Show how your last answer came about: model, cost, times, what was left out.", run, ANSWER_ID
)
