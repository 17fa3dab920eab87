"""What the commands about followed channels share: the argument that names one, and what it can be completed to."""

from bot import errors
from bot.arguments import Completions, Text
from bot.command import Call
from bot.page import Page
from bot.render_following import followed, name
from core.following import Followed
from core.results import Ok, StepResult

# What Discord takes as a choice's value; a part of a title names a channel too.
_VALUE_CHARS = 100


async def completions(call: Call, typed: str) -> Completions:
    """The followed channels whose title or address has what was typed, as (title, what names it)."""
    result = await call.curator.following(call.tenant)
    if not isinstance(result, Ok):
        return []
    wanted = typed.strip().casefold()
    matching = [each for each in result.data if wanted in f"{each.channel.title}\n{each.channel.url}".casefold()]
    return [(name(each), _value(each)) for each in matching]


def _value(value: Followed) -> str:
    url = value.channel.url
    return url if len(url) <= _VALUE_CHARS else value.channel.title[:_VALUE_CHARS].strip()


CHANNEL = Text(
    "channel",
    "A followed channel: its link, or a part of its title.",
    required=True,
    max_chars=300,
    complete=completions,
)


def shown(result: StepResult[Followed], done: str, now: float) -> Page:
    """The channel as it stands now, under its name and what was done; or why it was not."""
    if not isinstance(result, Ok):
        return errors.page(result)
    return followed(result.data, f"{name(result.data)}: {done}", now)
