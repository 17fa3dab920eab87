"""What the bot works with, wherever it is used from."""

from dataclasses import dataclass

from core.experiment_ports import Experiments
from core.ports import Announcer, Assistant, Curator


@dataclass(frozen=True, slots=True)
class Product:
    """The ports that commands and news need; those but the first are None where this bot was started without them."""

    assistant: Assistant
    curator: Curator | None = None
    announcer: Announcer | None = None
    experiments: Experiments | None = None
