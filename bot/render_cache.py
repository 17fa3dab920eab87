"""From the answer cache's numbers to a page. Pure, like bot/render.py."""

from bot.page import Page, Tone, line
from bot.plain_text import counted
from core.answer_cache_messages import CacheReport


def report(value: CacheReport) -> Page:
    """Look-ups and hits, what audits say of wrong ones with the interval, money, and what is kept."""
    title = "Answer cache"
    if not value.look_ups:
        return Page((line("Nothing was looked up in it yet."),), title, tone=Tone.NOTHING)
    told = [
        f"Served: {value.hits:,} of {counted(value.look_ups, 'question')} ({_percent(value.hits / value.look_ups)})"
        f", {value.exact_hits:,} for the same words",
        f"Could have served, but asked: {value.would_hits:,} ({_percent(value.would_hits / value.look_ups)})",
        _audits(value),
        f"Saved: {_usd(value.saved_usd)}; audits cost {_usd(value.audit_cost_usd)}",
        f"Kept: {counted(value.entries, 'answer')}; {value.dropped:,} dropped since it began",
    ]
    if value.threshold is None:
        told.append("It serves nothing but the same words for now: its audits do not allow more")
    return Page(tuple(line(f"• {each}") for each in told), title, "Audits compare a cached answer with a fresh one.")


def _audits(value: CacheReport) -> str:
    if not value.audits:
        return "Audited: none yet, so nobody knows how often it is wrong"
    share = _percent(value.audits_wrong / value.audits)
    between = f"{_percent(value.wrong_low)} to {_percent(value.wrong_high)}"
    return f"Audited: {value.audits_wrong:,} of {value.audits:,} had another answer ({share}; 95 % interval {between})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _usd(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.4f}"
