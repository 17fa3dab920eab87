"""The main job once through: bring in a channel, ask questions, print each answer with quotes, links and receipt."""

from collections.abc import Callable, Sequence

from rich.console import Console

from bot import errors, render
from bot.terminal import ProgressView, print_answer, print_page
from core.messages import Ask, IngestProgress, IngestReport, IngestRequest, IngestState
from core.ports import Assistant
from core.results import Ok
from core.tenancy import TenantContext

TENANT = TenantContext("demo", "sample-talks", "visitor")

# The last one is not answered in any of the talks.
QUESTIONS = (
    "Why are global variables a problem in JavaScript?",
    "Why is it a mistake to hide your code until it is finished?",
    "How does mindfulness meditation change the way people react to negative emotions?",
    "How do you pad sentences of different lengths so that they fit into one batch?",
    "What is the best recipe for sourdough bread?",
)


async def tour(
    assistant: Assistant,
    feed: str,
    console: Console,
    questions: Sequence[str] = QUESTIONS,
    before_asking: Callable[[], object] = lambda: None,
) -> bool:
    """Ingest `feed`, then ask each of `questions`. False if nothing came in, or if a question got no reply."""
    report = await _ingest(assistant, feed, console)
    if report is None or not any(map(report.count, (IngestState.INGESTED, IngestState.UNCHANGED))):
        return False
    before_asking()
    replied = [await _ask(assistant, question, console) for question in questions]
    return all(replied)


async def _ingest(assistant: Assistant, feed: str, console: Console) -> IngestReport | None:
    console.print(f"Bringing in the sample channel from {feed}", highlight=False)
    with ProgressView(console) as view:
        async for event in assistant.ingest(IngestRequest(TENANT, feed)):
            if not isinstance(event, IngestProgress):
                print_page(console, render.report(event))
                return event
            view.show(render.progress(event))
    return None


async def _ask(assistant: Assistant, question: str, console: Console) -> bool:
    console.print()
    result = await assistant.ask(Ask(TENANT, question))
    if isinstance(result, Ok):
        print_answer(console, result.data)
        return True
    console.print(question, style="bold", markup=False, highlight=False)
    print_page(console, errors.page(result))
    return False
