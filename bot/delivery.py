"""One slash command's reply on Discord: acknowledged at once, progress edited in, and the page at the end."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import discord

from bot import errors
from bot.confirming import Buttons
from bot.embeds import embeds, files, progress_text
from bot.page import Page, Progress, Question

_log = logging.getLogger(__name__)

# discord.com/developers/docs/topics/opcodes-and-status-codes, "JSON Error Codes"
ALREADY_ACKNOWLEDGED = 40060
_TOKEN_IS_OVER = frozenset({10008, 10015, 50027})  # message gone, webhook gone, token no longer valid

PROGRESS_INTERVAL_S = 2.0
_RETRY_AFTER_S = (0.2, 2.0)


class Delivery:
    """The reply to one interaction.

    Promise: `acknowledge` comes first and within Discord's three seconds; progress is edited at most once every
    `PROGRESS_INTERVAL_S`, and never holds up the work; the page replaces it. Once the interaction's 15 minutes are
    over, the page goes to the channel as a message of its own.
    """

    def __init__(self, interaction: discord.Interaction[Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._interaction = interaction
        self._clock = clock
        self._next_progress_s = 0.0
        self._edit: asyncio.Future[Any] | None = None
        self._private = False

    async def acknowledge(self, *, private: bool = False) -> None:
        """Show that the bot is at work; a `private` reply is seen by the person alone.

        Raises discord.NotFound where Discord has given up waiting.
        """
        self._private = private
        try:
            await self._interaction.response.defer(thinking=True, ephemeral=private)
        except discord.HTTPException as error:
            # The first try arrived, only its reply was lost: the person sees "thinking" all the same.
            if error.code != ALREADY_ACKNOWLEDGED:
                raise

    def progress(self, progress: Progress) -> None:
        """Show how far it is, unless that was just shown or an edit is still on its way."""
        now = self._clock()
        if now < self._next_progress_s or (self._edit is not None and not self._edit.done()):
            return
        self._next_progress_s = now + PROGRESS_INTERVAL_S
        self._edit = asyncio.ensure_future(self._interaction.edit_original_response(content=progress_text(progress)))
        # Progress is a courtesy: the work goes on without, and the page at the end has ways of its own to arrive.
        self._edit.add_done_callback(_note)

    async def ask(self, question: Question) -> bool:
        """Whether the person presses the button that agrees, in time."""
        buttons = Buttons(question.yes, self._interaction.user.id)
        await self._interaction.edit_original_response(content=None, embed=embeds(question.page)[0], view=buttons)
        return await buttons.pressed()

    async def finish(self, page: Page) -> None:
        """Put the page in place of the progress; longer ones go on in follow-ups."""
        # An edit of the progress may still be under way: discord.py sends one interaction's calls in their order.
        left = embeds(page)
        try:
            await self._replace(page, left[0])
            left.pop(0)
            while left:
                await self._interaction.followup.send(
                    embed=left[0], files=files(page, left[0]), ephemeral=self._private
                )
                left.pop(0)
        except discord.HTTPException as error:
            if error.code not in _TOKEN_IS_OVER:
                raise
            await self._to_channel(page, left)

    async def _replace(self, page: Page, embed: discord.Embed) -> None:
        """Edit the reply, again where the connection broke: an edit can be repeated without harm."""

        def edited() -> Awaitable[Any]:
            return self._interaction.edit_original_response(
                content=None, embed=embed, view=None, attachments=files(page, embed)
            )

        for wait_s in _RETRY_AFTER_S:
            edit = asyncio.ensure_future(edited())
            await asyncio.wait({edit})
            error = edit.exception()
            if error is None:
                return
            if isinstance(error, discord.DiscordException):
                raise error
            await asyncio.sleep(wait_s)
        await edited()

    async def _to_channel(self, page: Page, parts: list[discord.Embed]) -> None:
        channel = self._interaction.channel
        if self._private:
            _log.warning(
                "The reply to interaction %s came too late, and is for one person alone.", self._interaction.id
            )
            return
        if not isinstance(channel, discord.abc.Messageable):
            _log.warning("The reply to interaction %s came too late, and has no channel.", self._interaction.id)
            return
        for embed in parts:
            await channel.send(embed=embed, files=files(page, embed))


async def fail(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Tell the person what went wrong with a reply; where even that cannot be sent, log it."""
    if isinstance(error, discord.NotFound) and not interaction.response.is_done():
        _log.warning("Interaction %s was not acknowledged in time; Discord has told the person.", interaction.id)
        return
    reply = embeds(errors.page(error))[0]
    sending = asyncio.ensure_future(_tell(interaction, reply))
    await asyncio.wait({sending})
    if sending.exception() is not None:
        text = "The reply to interaction %s could not be sent."
        _log.error(text, interaction.id, exc_info=sending.exception())


async def _tell(interaction: discord.Interaction[Any], reply: discord.Embed) -> None:
    if interaction.response.is_done():
        await interaction.edit_original_response(content=None, embed=reply, view=None)
    else:
        await interaction.response.send_message(embed=reply, ephemeral=True)


def _note(edit: asyncio.Future[Any]) -> None:
    if not edit.cancelled() and edit.exception() is not None:
        _log.info("Progress was not shown: %s", edit.exception())
