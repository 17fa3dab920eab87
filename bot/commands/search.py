"""/search: the places where something is said."""

from collections.abc import AsyncIterator

from bot import errors, render
from bot.arguments import Text
from bot.command import Call, Command
from bot.page import Page, Progress
from core.messages import SearchQuery
from core.results import Ok

WORDS = Text("words", "What to look for: words, or a phrase.", required=True, max_chars=500)


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    words = call[WORDS]
    result = await call.assistant.search(SearchQuery(call.tenant, words))
    yield render.hits(words, result.data) if isinstance(result, Ok) else errors.page(result)


COMMAND = Command("search", "Find the places in the talks where something is said.", run, (WORDS,))
