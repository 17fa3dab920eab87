from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from bot import render_usage
from bot.page import Page
from core.messages import Receipt, StageTime
from core.usage import Allowance, Scope, Unit, Usage
from tests.fakes.assistant import LOGGED, NOW, USAGE


def texts(page: Page) -> list[str]:
    return ["".join(span.text for span in line.spans) for line in page.lines]


def test_a_persons_own_limits_stand_first_and_notes_last() -> None:
    assert texts(render_usage.quota(USAGE)) == [
        "You",
        "• at once: 12 of 20 requests left, 10 more each second, whole again in 1 s",
        "This server, everybody together",
        "• today: $7.50 of $10.00 left, whole again in 12 h",
        "",
        "Limits only watch for now: nothing is refused.",
    ]


def test_without_limits_it_says_so() -> None:
    assert texts(render_usage.quota(Usage(NOW))) == ["No limit is set: ask as much as you like."]


@pytest.mark.parametrize(
    ("allowance", "told"),
    [
        (Allowance(Scope.TENANT, Unit.USD, "each request", Decimal(1)), "each request: at most $1.00"),
        (Allowance(Scope.TENANT, Unit.TOKENS, "each request", 9000), "each request: at most 9,000 tokens"),
        (Allowance(Scope.USER, Unit.USD, "today", 0.05, 0.0123), "today: $0.0123 of $0.0500 left"),
        (Allowance(Scope.USER, Unit.REQUESTS, "at once", 3, 0.9), "at once: 0 of 3 requests left"),
        (
            Allowance(Scope.USER, Unit.TOKENS, "x", 10_000, 7_000, 0.1),
            "x: 7,000 of 10,000 tokens left, 1 more every 10 s",
        ),
        (Allowance(Scope.USER, Unit.TOKENS, "x", 1, 1, whole_at=NOW), "x: 1 of 1 tokens left"),
    ],
)
def test_a_limit_is_told_in_its_unit(allowance: Allowance, told: str) -> None:
    assert texts(render_usage.quota(Usage(NOW, (allowance,))))[1] == f"• {told}"


@pytest.mark.parametrize(
    ("wait_s", "told"),
    [(0.2, "1 s"), (120, "120 s"), (121, "3 min"), (7_201, "3 h"), (100_000, "28 h"), (172_801, "3 days")],
)
def test_waits_are_rounded_up(wait_s: float, told: str) -> None:
    allowance = Allowance(Scope.USER, Unit.USD, "today", 10, 1, whole_at=NOW + wait_s)
    assert texts(render_usage.quota(Usage(NOW, (allowance,))))[1].endswith(f"whole again in {told}")


# ---------------------------------------------------------------- receipts
def test_a_receipt_tells_when_by_what_and_how_long() -> None:
    page = render_usage.logged_answer(LOGGED)
    assert texts(page) == [
        "2026-03-01 12:00 UTC — answered with quotes",
        "• Model: local/extractive, free",
        "• It read 300 tokens and wrote 45",
        "• Searched: 8 passages",
        "• Time: 0.04 s (embed 0.01, search 0.03)",
    ]
    assert page.title == "How your answer came about"
    assert page.footer == "Show it again with /receipt a-1"


def test_a_receipt_tells_what_went_wrong() -> None:
    went = Receipt("gpt", cost_usd=0.01234, quotes_dropped=2, degraded="one model\nfailed", stages=(StageTime("x", 9),))
    kept = structs.replace(LOGGED.answer, receipt=went, supported=False, question="How hot?")
    page = render_usage.logged_answer(replace(LOGGED, answer=kept))
    assert page.title == "How hot?"
    assert texts(page) == [
        "2026-03-01 12:00 UTC — the transcripts didn't say",
        "• Model: gpt, $0.0123",
        "• Time: 0.01 s (x 0.01)",
        "• 2 quotes dropped that the transcripts do not have",
        "• Degraded: one model failed",
    ]
    trimmed = structs.replace(
        LOGGED.answer, receipt=Receipt(passages_searched=1, tokens_untrimmed=3000, tokens_trimmed=9)
    )
    assert texts(render_usage.logged_answer(replace(LOGGED, answer=trimmed)))[2] == (
        "• Searched: 1 passage of 3,000 tokens, 9 in the sentences that matter"
    )
    bare = structs.replace(LOGGED.answer, receipt=Receipt())
    assert texts(render_usage.logged_answer(replace(LOGGED, answer=bare)))[1:] == [
        "• Model: none, free",
        "• Time: 0.00 s",
    ]
