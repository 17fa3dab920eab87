"""/search: the places where something is said."""

from collections.abc import AsyncIterator

from bot import errors, render
from bot.command import Argument, Call, Command, read_argument
from bot.page import Page, Progress
from core.messages import SearchQuery
from core.results import Ok

WORDS = Argument("words", "What to look for: words, or a phrase.", max_chars=500)


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    words = read_argument(WORDS, call.text)
    result = await call.assistant.search(SearchQuery(call.tenant, words))
    yield render.hits(words, result.data) if isinstance(result, Ok) else errors.page(result)


COMMAND = Command("search", "Find the places in the talks where something is said.", run, WORDS)
