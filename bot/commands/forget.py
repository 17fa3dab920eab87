"""/forget: delete a recording, a channel, or what somebody asked, wherever it is kept."""

from collections.abc import AsyncIterator

from bot import errors, render_following
from bot.arguments import DiscordUser, Link
from bot.command import Call, Command
from bot.page import Page, Progress
from core.following import ForgetRequest
from core.links import recording_id_of
from core.results import Ok

MINE = "mine"
WHAT = Link("what", "A link to a recording or a channel; or mine, for all that you have asked.")
USER = DiscordUser("user", "Whose questions, for moderators.")


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    what, user = call[WHAT], call[USER]
    if bool(what) == bool(user):
        raise errors.one_of(WHAT.name, USER.name)
    if user or what.lower() == MINE:
        if user != call.tenant.user and not what:
            call.only_moderators("Forgetting what others asked is")
        request = ForgetRequest(call.tenant, whose=user or call.tenant.user)
    else:
        call.only_moderators("Forgetting recordings is")
        if not await _agreed(call, what):
            yield render_following.kept()
            return
        request = ForgetRequest(call.tenant, url=what)
    result = await call.curator.forget(request)
    yield render_following.forgotten(result.data) if isinstance(result, Ok) else errors.page(result)


async def _agreed(call: Call, url: str) -> bool:
    """Whether they mean it; a single recording that is here is deleted without a word."""
    wanted = recording_id_of(url)
    library = await call.assistant.library(call.tenant)
    if any(wanted in (recording.recording_id, recording_id_of(recording.url)) for recording in library.recordings):
        return True
    followed = await call.curator.following(call.tenant)
    channels = followed.data if isinstance(followed, Ok) else ()
    for each in channels:
        if wanted in (each.channel.channel_id, recording_id_of(each.channel.url)):
            question = render_following.really(render_following.name(each), each.completeness.ingested)
            return await call.confirm(question)
    return await call.confirm(render_following.really(url, None))


COMMAND = Command(
    "forget",
    "Delete a recording, a channel, or what you asked, wherever it is kept.",
    run,
    (WHAT, USER),
    private=True,
    confirms=True,
)
