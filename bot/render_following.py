"""From followed channels and what was forgotten to pages. Pure, like bot/render.py."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.page import BLANK, Line, Page, Progress, Question, Span, Style, Tone, line
from bot.plain_text import counted, duration, one_line, shorten
from bot.render import MAX_LISTED, MAX_TITLE_CHARS
from core.following import Completeness, Followed, ForgetReport
from core.uploads import ALL_KINDS

MAX_REASONS = 6
_REASON_CHARS = 160


def followed(value: Followed, title: str, now: float) -> Page:
    """One channel as it stands; `title` says what was done."""
    return Page(tuple(_channel(value, now)), title)


def following(values: Sequence[Followed], now: float) -> Page:
    """Every followed channel, each with how complete it is."""
    if not values:
        nothing = line("No channel is followed yet: follow one with /follow and the link to it.")
        return Page((nothing,), "Followed channels", tone=Tone.NOTHING)
    lines: list[Line] = []
    for value in values[:MAX_LISTED]:
        if lines:
            lines.append(BLANK)
        lines.extend(_channel(value, now))
    if len(values) > MAX_LISTED:
        lines += [BLANK, line(f"… and {len(values) - MAX_LISTED} more")]
    return Page(tuple(lines), f"{counted(len(values), 'channel')} followed")


def name(value: Followed) -> str:
    """The channel's title, or its address where it has none."""
    return shorten(one_line(value.channel.title) or one_line(value.channel.url), MAX_TITLE_CHARS)


def completeness(value: Completeness) -> str:
    """What became of the uploads, as a sum: `312 listed = 200 ingested + 50 waiting + 62 refused (40 too old, …)`."""
    refused = sum(count.uploads for count in value.refused)
    told = f"{value.listed:,} listed = {value.ingested:,} ingested + {value.waiting:,} waiting + {refused:,} refused"
    largest = sorted(value.refused, key=lambda count: -count.uploads)
    reasons = [f"{count.uploads:,} {shorten(one_line(count.reason), _REASON_CHARS)}" for count in largest[:MAX_REASONS]]
    others = sum(count.uploads for count in largest[MAX_REASONS:])
    if others:
        reasons.append(f"{others:,} for other reasons")
    told += f" ({', '.join(reasons)})" if reasons else ""
    if not value.adds_up:
        told += "; this does not add up, tell the people who run this bot"
    return told if value.listing_done else f"{told}; the list is still being read"


def progress(value: Followed) -> Progress:
    """How far the past of a channel is brought in; the end is known once its list was read."""
    report = value.completeness
    done = report.listed - report.waiting
    return Progress("Bringing in", done, report.listed if report.listing_done else 0, name(value))


def _channel(value: Followed, now: float) -> list[Line]:
    kinds = "everything" if set(value.kinds) == set(ALL_KINDS) else ", ".join(f"{kind}s" for kind in value.kinds)
    told = [f"{kinds} since {_day(value.since)}"]
    told += [f"only “{', '.join(value.only)}”"] if value.only else []
    told += [f"without “{', '.join(value.without)}”"] if value.without else []
    told += ["news is posted"] if value.announce_to else []
    lines = [line(Span(name(value), Style.BOLD, value.channel.url), f" — {one_line('; '.join(told))}")]
    lines.append(line(f"• {completeness(value.completeness)}"))
    if value.paused:
        lines.append(line(f"• Paused: {one_line(value.paused)}"))
    elif value.next_look_at:
        wait_s = value.next_look_at - now
        lines.append(line(f"• Next look in {duration(wait_s)}" if wait_s > 0 else "• Next look now"))
    if value.problem:
        lines.append(line(f"• Last problem: {one_line(value.problem)}"))
    return lines


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


# ---------------------------------------------------------------- forgetting
def really(what: str, recordings: int | None) -> Question:
    """Asks before many recordings go; `recordings` is how many, None where that is not known."""
    many = "every recording" if recordings is None else counted(recordings, "recording")
    said = (
        f"This deletes {many} of {one_line(what)}, with all passages and its place in the queue. It cannot be undone."
    )
    return Question(Page((line(said),), "Forget it?", tone=Tone.BAD_INPUT), "Forget it")


def kept() -> Page:
    """Nobody agreed."""
    said = "Nothing was deleted. To go through with it, use /forget again and agree (in the console: confirm=yes)."
    return Page((line(said),), tone=Tone.NOTHING)


def forgotten(value: ForgetReport) -> Page:
    """What was deleted, in numbers, and what follows."""
    counts = (
        (value.recordings, "recording"),
        (value.passages, "passage"),
        (value.documents, "logged document"),
        (value.jobs, "queued job"),
        (value.followed, "followed channel"),
    )
    lines = [line(f"• {counted(number, noun)}") for number, noun in counts if number]
    notes = [line(one_line(note)) for note in value.notes]
    if not lines:
        return Page((line("Nothing of that was kept."), *notes), "Nothing to forget", tone=Tone.NOTHING)
    return Page((*lines, *([BLANK] if notes else []), *notes), "Forgotten")
