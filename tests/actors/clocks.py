"""A clock that a test alone moves."""

from tests.actors.residents import NOON, Clock


class StoodStill(Clock):
    """It moves when a test moves it, and never by itself."""

    def __call__(self) -> float:
        return NOON + self.ahead_s
