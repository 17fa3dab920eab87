"""Documents of the activity log, and the log on a journal of its own."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

from actors.activity_log import ActivityLog
from core.activity_documents import AnswerActivity, Document, Feedback, Found, ToolUse
from core.entities import Find
from core.messages import Receipt, StageTime
from tests.actors.residents import Clock, running

Opened: TypeAlias = Callable[..., AbstractAsyncContextManager[ActivityLog]]
DAY_S = 86_400.0
RECEIPT = Receipt("gpt", 300, 45, 0.0123, stages=(StageTime("embed", 1.5),))
EVERYTHING = Find(limit=1_000)


def opens(url: str, clock: Clock) -> Opened:
    """Opens the log on the journal at `url`; for 30 days and with words, unless it is told otherwise."""
    return lambda *how: running(url, clock, lambda config: ActivityLog(config, *(how or (30, True))))


def answer(name: str, user: str = "ada", channel: str = "tea", words: str = "Why?") -> AnswerActivity:
    return AnswerActivity(
        answer_id=name, workspace=channel, user=user, supported=True, receipt=RECEIPT, question=words, answer=words
    )


def tool_use(name: str, user: str = "ada", channel: str = "tea", number: int = 0) -> ToolUse:
    mine: dict[str, Any] = {"answer_id": name, "workspace": channel, "user": user, "number": number}
    return ToolUse(**mine, agent="summary", tool="search", ok=True, wall_ms=1.5, tokens=10, cost_usd=0.001)


def feedback(name: str, user: str = "ada", channel: str = "tea", note: str = "Good.") -> Feedback:
    return Feedback(answer_id=name, workspace=channel, user=user, vote=1, note=note)


def everything_of(name: str, user: str, channel: str = "tea") -> list[Document]:
    """An answer, what was used for it, and what was thought of it."""
    return [answer(name, user, channel), tool_use(name, user, channel), feedback(name, user, channel)]


def named(found: Found) -> tuple[str, str]:
    return type(found.document).__name__, found.document.answer_id
