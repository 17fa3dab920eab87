"""/receipt: how an answer came about. People see their own alone."""

from collections.abc import AsyncIterator

from bot import errors, render_usage
from bot.arguments import Text
from bot.command import Call, Command
from bot.page import Page, Progress
from core.results import Ok

ANSWER_ID = Text("id", "Which of your answers, as its receipt names it. The last one if left out.", max_chars=100)


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    result = await call.assistant.receipt(call.tenant, call[ANSWER_ID])
    yield render_usage.logged_answer(result.data) if isinstance(result, Ok) else errors.page(result)


COMMAND = Command(
    "receipt", "Show how your last answer came about: model, cost, times, what was left out.", run, (ANSWER_ID,)
)
