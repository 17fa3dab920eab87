"""The buttons under a question that comes before something that cannot be undone."""

from typing import Any

import discord

Interaction = discord.Interaction[Any]

# Well within the 15 minutes of the command that asks.
ANSWER_WITHIN_S = 120.0


class Buttons(discord.ui.View):
    """Yes or no, for one person alone; silence is a no."""

    def __init__(self, yes: str, user_id: int) -> None:
        super().__init__(timeout=ANSWER_WITHIN_S)
        self._user_id = user_id
        self._agreed = False
        self.agree.label = yes

    @discord.ui.button(style=discord.ButtonStyle.danger, custom_id="agree")
    async def agree(self, interaction: Interaction, _: discord.ui.Button["Buttons"]) -> None:
        self._agreed = True
        await self._answered(interaction)

    @discord.ui.button(label="Cancel", style=discord.ButtonStyle.secondary, custom_id="cancel")
    async def cancel(self, interaction: Interaction, _: discord.ui.Button["Buttons"]) -> None:
        await self._answered(interaction)

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Others cannot see the buttons; this holds where Discord shows them all the same."""
        return interaction.user.id == self._user_id

    async def pressed(self) -> bool:
        """Wait for the answer: True where they agree."""
        await self.wait()
        return self._agreed

    async def _answered(self, interaction: Interaction) -> None:
        self.stop()
        await interaction.response.defer()
