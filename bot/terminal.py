"""Pages and progress in a terminal, with rich. Nothing that somebody else wrote reaches the terminal unstripped."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as Bar
from rich.style import Style as RichStyle
from rich.text import Text

from bot import render
from bot.discord_markdown import web_address
from bot.page import Line, Page, Progress, Span, Style, Tone
from bot.plain_text import one_line
from core.messages import Answer

_BAR = "  │ "
_STYLES = {Style.PLAIN: RichStyle(), Style.BOLD: RichStyle(bold=True), Style.ITALIC: RichStyle(italic=True)}
_TITLE_STYLES = {
    Tone.ANSWER: "bold cyan",
    Tone.NOTHING: "bold",
    Tone.BAD_INPUT: "bold yellow",
    Tone.PROBLEM: "bold red",
}
_TEXT_STYLES = {Tone.ANSWER: "", Tone.NOTHING: "", Tone.BAD_INPUT: "yellow", Tone.PROBLEM: "red"}


def print_answer(console: Console, answer: Answer) -> None:
    """An answer with its quotes, links and receipt."""
    print_page(console, render.answer(answer))


def print_page(console: Console, page: Page) -> None:
    """A page. On a terminal links are clickable; elsewhere addresses are written out, and lines are not wrapped."""
    if page.title:
        title = _line(Line((Span(page.title, url=page.url),)), plain_links=not _has_links(console))
        title.style = _TITLE_STYLES[page.tone]
        _print(console, title)
    for line in page.lines:
        text = _line(line, plain_links=not _has_links(console))
        text.style = _TEXT_STYLES[page.tone] if not page.title else ""
        for part in _quoted(console, text) if line.quoted else [text]:
            _print(console, part)
    if page.picture is not None:
        _print(console, Text(f"[picture: {one_line(page.picture.alt)}]", "italic"))
    if page.footer:
        _print(console, Text(one_line(page.footer), "dim"))


def _has_links(console: Console) -> bool:
    """Whether addresses can hide behind their labels: a pipe and a dumb terminal show no links."""
    return console.is_terminal and console.color_system is not None


def _print(console: Console, text: Text) -> None:
    # Wrapping a line for a pipe or a file would cut addresses in two.
    console.print(text, soft_wrap=not console.is_terminal, highlight=False)


def _quoted(console: Console, text: Text) -> list[Text]:
    """The text behind a bar that goes down its whole side."""
    rows = text.wrap(console, max(20, console.width - len(_BAR))) if console.is_terminal else [text]
    return [Text(_BAR).append_text(row) for row in rows]


def _line(line: Line, *, plain_links: bool) -> Text:
    text = Text()
    for span in line.spans:
        _append(text, span, plain_links)
    return text


def _append(text: Text, span: Span, plain_links: bool) -> None:
    shown = one_line(span.text)
    lead = " " if span.text[:1].isspace() else ""
    tail = " " if shown and span.text[-1:].isspace() else ""
    address = web_address(span.url)
    style = _STYLES[span.style]
    text.append(lead)
    text.append(shown, style + RichStyle(link=address, underline=True) if address and not plain_links else style)
    if address and plain_links:
        text.append(f" {address}")
    text.append(tail)


class ProgressView:
    """A progress bar that appears with the first progress and is gone when it is left."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._task is not None:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        description = one_line(f"{progress.text}: {progress.title}" if progress.title else progress.text)
        if self._task is None:
            self._task = self._bar.add_task(description, total=None)
            self._bar.start()
        # Without a total the bar pulses: the end is not known yet.
        self._bar.update(self._task, description=description, completed=progress.done, total=progress.total or None)
