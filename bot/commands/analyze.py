"""/analyze: bring in a video, a channel or a feed."""

from collections.abc import AsyncIterator

from bot import errors, render
from bot.arguments import DiscordFile, Link
from bot.command import Call, Command
from bot.page import Page, Progress
from core.messages import IngestReport, IngestRequest

URL = Link("url", "Link to a video, a channel, a playlist or a feed.")
FILE = DiscordFile("file", "A video or an audio file, instead of a link.")


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    url = call[URL] or call[FILE]
    if not url:
        raise errors.empty(URL.name)
    report: IngestReport | None = None
    # To the very end, not only to the report: what comes after it in there is the tidying up.
    async for event in call.assistant.ingest(IngestRequest(call.tenant, url)):
        if isinstance(event, IngestReport):
            report = event
        else:
            yield render.progress(event)
    if report is None:
        raise errors.no_report()
    yield render.report(report)


COMMAND = Command("analyze", "Bring in a video, a channel or a feed, so that it can be asked about.", run, (URL, FILE))
