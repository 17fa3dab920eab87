"""/cache: for moderators alone, in numbers that can be read, and honest where nothing is known."""

import pytest

from bot import render_cache
from bot.command import Call, Command, perform
from bot.commands.cache import COMMAND
from bot.page import Page, Tone
from core.answer_cache_messages import CacheReport
from core.errors import BadInput, Unavailable
from core.tenancy import TenantContext
from tests.fakes.answer_cache import AssistantWithCache
from tests.fakes.assistant import FakeAssistant

TENANT = TenantContext("guild-1", "guild", "user-1")
USED = CacheReport(
    entries=120,
    look_ups=1_000,
    hits=200,
    exact_hits=20,
    would_hits=50,
    audits=40,
    audits_wrong=1,
    wrong_low=0.0044,
    wrong_high=0.1288,
    saved_usd=12.5,
    audit_cost_usd=0.25,
    dropped=7,
    threshold=3.0,
)


async def shown(command: Command, call: Call) -> Page:
    return await perform(command, call, lambda _: None)


def texts(page: Page) -> list[str]:
    return ["".join(span.text for span in line.spans) for line in page.lines]


async def test_a_moderator_sees_the_numbers_of_their_server() -> None:
    assistant = AssistantWithCache(USED)
    page = await shown(COMMAND, Call(assistant, TENANT, moderator=True))
    assert assistant.reported == [TENANT]
    assert texts(page) == [
        "• Served: 200 of 1,000 questions (20.0 %), 20 for the same words",
        "• Could have served, but asked: 50 (5.0 %)",
        "• Audited: 1 of 40 had another answer (2.5 %; 95 % interval 0.4 % to 12.9 %)",
        "• Saved: $12.50; audits cost $0.2500",
        "• Kept: 120 answers; 7 dropped since it began",
    ]


async def test_others_are_refused() -> None:
    assistant = AssistantWithCache(USED)
    with pytest.raises(BadInput):
        await shown(COMMAND, Call(assistant, TENANT))
    assert assistant.reported == []


async def test_a_bot_without_a_cache_says_so() -> None:
    with pytest.raises(Unavailable):
        await shown(COMMAND, Call(FakeAssistant(), TENANT, moderator=True))


def test_nothing_is_claimed_where_nothing_is_known() -> None:
    empty = render_cache.report(CacheReport())
    assert empty.tone is Tone.NOTHING
    unaudited = texts(render_cache.report(CacheReport(look_ups=10)))
    assert "• Audited: none yet, so nobody knows how often it is wrong" in unaudited
    assert unaudited[-1].startswith("• It serves nothing but the same words")
