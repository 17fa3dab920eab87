"""What the bot works with, wherever it is used from."""

from dataclasses import dataclass

from core.ports import Announcer, Assistant, Curator


@dataclass(frozen=True, slots=True)
class Product:
    """The ports that commands and news need; the last two are None where this bot follows nothing."""

    assistant: Assistant
    curator: Curator | None = None
    announcer: Announcer | None = None
