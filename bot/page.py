"""What a command shows, before it is known where: lines of spans. Discord and the terminal each draw it their way.

Text in a page is raw: whoever draws it escapes it for its surface. So no renderer has to know about markdown or ANSI.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Style(StrEnum):
    PLAIN = "plain"
    BOLD = "bold"
    ITALIC = "italic"


class Tone(StrEnum):
    """What kind of page it is: its colour, and the exit code of a one-shot command."""

    ANSWER = "answer"
    NOTHING = "nothing"
    BAD_INPUT = "bad_input"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style; with a `url`, a link."""

    text: str
    style: Style = Style.PLAIN
    url: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `quoted` marks somebody's own words."""

    spans: tuple[Span, ...]
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as PNG bytes; `alt` says in words what it shows, for those who do not see it."""

    name: str
    png: bytes = field(repr=False)
    alt: str


@dataclass(frozen=True, slots=True)
class Page:
    """A finished reply; with a `url`, its title is a link. A `picture` stands under its lines."""

    lines: tuple[Line, ...]
    title: str = ""
    footer: str = ""
    tone: Tone = Tone.ANSWER
    url: str = ""
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long command is: `done` of `total` (0: not known yet), and what it is at."""

    text: str
    done: int = 0
    total: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody is asked before something is done that cannot be undone; `yes` is what stands on the button."""

    page: Page
    yes: str


def line(*parts: str | Span, quoted: bool = False) -> Line:
    """A line from spans and plain strings."""
    return Line(tuple(Span(part) if isinstance(part, str) else part for part in parts), quoted)


BLANK = Line(())
