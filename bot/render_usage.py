"""From limits and receipts to pages. Pure, like bot/render.py."""

import math
from datetime import UTC, datetime
from decimal import Decimal

from bot.page import BLANK, Line, Page, Span, Style, line
from bot.plain_text import counted, duration, one_line
from bot.render import cost
from core.activity_documents import LoggedAnswer
from core.messages import Receipt
from core.usage import Allowance, Scope, Unit, Usage

_HEADINGS = {Scope.USER: "You", Scope.TENANT: "This server, everybody together"}


def quota(value: Usage) -> Page:
    """What is left of each limit, the person's own first, and when it is whole again; then the notes."""
    lines: list[Line] = []
    for scope, heading in _HEADINGS.items():
        allowances = [each for each in value.allowances if each.scope is scope]
        if allowances:
            lines.append(line(Span(heading, Style.BOLD)))
            lines.extend(line(f"• {_allowance(each, value.at)}") for each in allowances)
    if not lines:
        lines.append(line("No limit is set: ask as much as you like."))
    if value.notes:
        lines.extend((BLANK, *(line(one_line(note)) for note in value.notes)))
    return Page(tuple(lines), "What you may still do")


def _allowance(value: Allowance, now: float) -> str:
    if value.left is None:
        return f"{value.period}: at most {_amount(value.limit, value)}{_noun(value)}"
    told = [f"{value.period}: {_amount(value.left, value)} of {_amount(value.limit, value)}{_noun(value)} left"]
    if value.refills_per_s >= 1:
        told.append(f"{value.refills_per_s:,.4g} more each second")
    elif value.refills_per_s:
        told.append(f"1 more every {duration(1 / value.refills_per_s)}")
    if value.whole_at is not None and value.whole_at > now:
        told.append(f"whole again in {duration(value.whole_at - now)}")
    return ", ".join(told)


def _amount(amount: float | Decimal, value: Allowance) -> str:
    """An amount in the limit's unit; requests and tokens as whole ones, since a part of one is none."""
    if value.unit is Unit.USD:
        return f"${amount:,.2f}" if value.limit >= 1 else f"${amount:,.4f}"
    return f"{math.floor(amount):,}"


def _noun(value: Allowance) -> str:
    return "" if value.unit is Unit.USD else f" {value.unit}"


def logged_answer(value: LoggedAnswer) -> Page:
    """How an answer came about: when, by which model, from what, at which cost, and what went wrong on the way."""
    answer = value.answer
    given = f"{datetime.fromtimestamp(value.at, UTC):%Y-%m-%d %H:%M} UTC"
    outcome = "answered with quotes" if answer.supported else "the transcripts didn't say"
    lines = [line(Span(given, Style.BOLD), f" — {outcome}")]
    lines.extend(line(f"• {one_line(told)}") for told in _receipt(answer.receipt))
    title = answer.question or "How your answer came about"
    return Page(tuple(lines), title, f"Show it again with /receipt {answer.answer_id}")


def _receipt(value: Receipt) -> list[str]:
    told = [f"Model: {value.model or 'none'}, {cost(value.cost_usd)}"]
    if value.prompt_tokens + value.completion_tokens:
        told.append(f"It read {counted(value.prompt_tokens, 'token')} and wrote {value.completion_tokens:,}")
    if value.passages_searched:
        told.append(f"Searched: {counted(value.passages_searched, 'passage')}" + _trimmed(value))
    stages = ", ".join(f"{stage.stage} {stage.wall_ms / 1000:.2f}" for stage in value.stages)
    told.append(f"Time: {value.wall_ms / 1000:.2f} s" + (f" ({stages})" if stages else ""))
    if value.quotes_dropped:
        told.append(f"{counted(value.quotes_dropped, 'quote')} dropped that the transcripts do not have")
    if value.degraded:
        told.append(f"Degraded: {value.degraded}")
    return told


def _trimmed(value: Receipt) -> str:
    if not value.tokens_untrimmed:
        return ""
    return f" of {value.tokens_untrimmed:,} tokens, {value.tokens_trimmed:,} in the sentences that matter"
