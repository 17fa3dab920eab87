"""Pages as Discord embeds, within Discord's limits (discord.com/developers/docs/resources/message, "Embed Limits")."""

import io
import re
from typing import Final

import discord

from bot.discord_markdown import escape, markdown, web_address, without_pings
from bot.page import Page, Picture, Progress, Tone
from bot.plain_text import one_line, shorten
from bot.splitting import split_markdown

# Discord takes 4096 in a description, 256 in a title, 2048 in a footer, and 6000 in one message's embeds together.
MAX_DESCRIPTION: Final = 3800
MAX_TITLE: Final = 256
MAX_FOOTER: Final = 1000
MAX_EMBEDS: Final = 5
MAX_URL: Final = 2048
MAX_ALT: Final = 1024
_BAR_CELLS: Final = 16
_REST: Final = "*…*"

_COLOURS = {
    Tone.ANSWER: discord.Colour.blurple(),
    Tone.NOTHING: discord.Colour.light_grey(),
    Tone.BAD_INPUT: discord.Colour.gold(),
    Tone.PROBLEM: discord.Colour.red(),
}


def embeds(page: Page) -> list[discord.Embed]:
    """The page as one embed for each message, at most `MAX_EMBEDS`; the last one says so if the rest is left out.

    A picture stands in the last one, and is sent beside it: see `files`.
    """
    pieces = split_markdown("\n".join(markdown(line) for line in page.lines), MAX_DESCRIPTION) or [""]
    if len(pieces) > MAX_EMBEDS:
        pieces = pieces[:MAX_EMBEDS]
        pieces[-1] += "\n\n*The rest is left out: ask for less at once.*"
    made = [discord.Embed(description=piece, colour=_COLOURS[page.tone]) for piece in pieces]
    _dress(made[0], made[-1], page)
    if page.picture is not None:
        made[-1].set_image(url=f"attachment://{_file_name(page.picture)}")
    return made


def files(page: Page, embed: discord.Embed) -> list[discord.File]:
    """What has to be sent with one of the page's embeds:

    its picture, anew for each try, because a file is read once.
    """
    picture = page.picture
    if picture is None or embed.image.url is None:
        return []
    description = without_pings(shorten(one_line(picture.alt), MAX_ALT))
    return [discord.File(io.BytesIO(picture.png), _file_name(picture), description=description)]


def _file_name(picture: Picture) -> str:
    """A name that Discord leaves as it is, so that the embed finds its file."""
    return re.sub(r"[^a-z0-9_-]", "_", picture.name.lower())[:50] + ".png"


def one_embed(page: Page) -> discord.Embed:
    """The page as one embed: the lines from the first on that fit whole, and a word where some are left out."""
    kept: list[str] = []
    room = MAX_DESCRIPTION - len(_REST)
    for each in page.lines:
        written = markdown(each)
        room -= len(written) + 1
        if room < 0:
            kept.append(_REST)
            break
        kept.append(written)
    made = discord.Embed(description="\n".join(kept), colour=_COLOURS[page.tone])
    _dress(made, made, page)
    return made


def _dress(first: discord.Embed, last: discord.Embed, page: Page) -> None:
    """Put the title and its address on the first, the footer under the last."""
    first.title = _within(page.title, MAX_TITLE) or None
    address = web_address(page.url)
    first.url = address if 0 < len(address) <= MAX_URL else None
    if page.footer:
        last.set_footer(text=without_pings(shorten(page.footer, MAX_FOOTER)))


def _within(title: str, limit: int) -> str:
    """The title escaped, in at most `limit` characters: escaping makes it longer, so it is shortened until it fits."""
    room = limit
    while len(escaped := escape(shorten(title, room))) > limit:
        room -= max(1, (len(escaped) - limit) // 2)
    return escaped


def progress_text(progress: Progress) -> str:
    """Progress as one line: a bar where the end is known."""
    title = f" — *{escape(progress.title)}*" if progress.title else ""
    if not progress.total:
        return f"{progress.text}…{title}"
    done = min(progress.done, progress.total)
    filled = _BAR_CELLS * done // progress.total
    bar = "▰" * filled + "▱" * (_BAR_CELLS - filled)
    return f"{bar} {done} of {progress.total}: {progress.text}{title}"
