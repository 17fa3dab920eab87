"""From the ingest queue to a page. Pure, like bot/render.py."""

from bot.page import BLANK, Line, Page, Span, Style, Tone, line
from bot.plain_text import duration, one_line, shorten
from bot.render import MAX_LISTED, MAX_TITLE_CHARS
from core.following import JobState, JobView, Priority, QueueView

_STATES = {JobState.DEAD: "given up", JobState.WORKING: "at work", JobState.WAITING: "waiting"}
_PRIORITIES = {Priority.PERSON: "somebody waits", Priority.NEWS: "new upload", Priority.BACKFILL: "backfill"}


def queue(value: QueueView, now: float) -> Page:
    """How many jobs there are, and the first of them with what holds them up; those given up first."""
    if not (value.waiting or value.working or value.dead):
        nothing = line(f"Nothing waits; {value.done:,} done. Bring in more with /analyze or /follow.")
        return Page((nothing,), "Queue", tone=Tone.NOTHING)
    told = f"{value.working:,} at work, {value.waiting:,} waiting, {value.dead:,} given up, {value.done:,} done"
    lines: list[Line] = [line(Span(told, Style.BOLD)), *(_job(job, now) for job in value.jobs[:MAX_LISTED])]
    left = value.waiting + value.working + value.dead - min(len(value.jobs), MAX_LISTED)
    if left > 0:
        lines.append(line(f"… and {left:,} more"))
    if value.dead:
        lines += [BLANK, line("Try those given up again with /queue retry, or take them out with /queue drop.")]
    return Page(tuple(lines), "Queue")


def _job(job: JobView, now: float) -> Line:
    title = shorten(one_line(job.title) or one_line(job.url), MAX_TITLE_CHARS)
    told = [_STATES[job.state], _PRIORITIES[job.priority]]
    told += [f"done: {one_line(job.step)}"] if job.step else []
    told += [f"try {job.attempts + 1}"] if job.attempts and job.state is not JobState.DEAD else []
    if job.state is JobState.WAITING and job.next_try_at > now:
        told.append(f"next in {duration(job.next_try_at - now)}")
    reason = f" — {one_line(job.reason)}" if job.reason else ""
    return line("• ", Span(title, Style.ITALIC, job.url), f" [{one_line(job.job_id)}]: {', '.join(told)}{reason}")


def moved(number: int, done: str) -> Page:
    """What became of the jobs: `done` is what was done to `number` of them."""
    if not number:
        return Page((line("No such job was there. See /queue for what there is."),), tone=Tone.NOTHING)
    return Page((line(f"{number:,} {'job is' if number == 1 else 'jobs are'} {done}."),))
