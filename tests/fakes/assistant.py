"""A fake of `core.ports.Assistant`: it answers what it is told, as slowly as it is told, and records the calls."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from core.activity_documents import AnswerActivity, LoggedAnswer
from core.messages import (
    Answer,
    Ask,
    Claim,
    Health,
    Hit,
    IngestOutcome,
    IngestProgress,
    IngestReport,
    IngestRequest,
    IngestState,
    IngestStep,
    Library,
    PartHealth,
    Passage,
    Quote,
    Receipt,
    Recording,
    SearchQuery,
    Sentence,
    StageTime,
)
from core.results import Ok, StepResult
from core.tenancy import TenantContext
from core.usage import Allowance, Scope, Unit, Usage

TALK = Recording("talk-1", "https://talks.example/1", "Brewing tea", "Ada Example", 900.0)
SENTENCE = Sentence(754.2, 758.0, "Green tea wants water well below boiling.")
PASSAGE = Passage("talk-1/7", TALK, 7, (SENTENCE,))
QUOTE = Quote(SENTENCE.text, SENTENCE.start_s, "https://talks.example/1#t=754", TALK)
RECEIPT = Receipt(
    model="local/extractive",
    prompt_tokens=300,
    completion_tokens=45,
    passages_searched=8,
    stages=(StageTime("embed", 12.0), StageTime("search", 30.0)),
)
NOW = 1_772_366_400.0  # 2026-03-01 12:00 UTC
LOGGED = LoggedAnswer(
    NOW, AnswerActivity(answer_id="a-1", workspace="guild", user="user-1", supported=True, receipt=RECEIPT)
)
USAGE = Usage(
    NOW,
    (
        Allowance(Scope.TENANT, Unit.USD, "today", Decimal("10.00"), Decimal("7.5"), whole_at=NOW + 43_200),
        Allowance(Scope.USER, Unit.REQUESTS, "at once", 20, 12.4, refills_per_s=10, whole_at=NOW + 0.76),
    ),
    ("Limits only watch for now: nothing is refused.",),
)


def answer_to(question: str, *claims: Claim, receipt: Receipt = RECEIPT) -> Answer:
    return Answer(question, claims, receipt)


def claim(text: str = "Use cooler water for green tea.", *quotes: Quote) -> Claim:
    return Claim(text, quotes or (QUOTE,))


class FakeAssistant:
    """Give it a result or an error to raise; `gate` holds every call back until it is set."""

    def __init__(self) -> None:
        self.answer: StepResult[Answer] | BaseException | None = None
        self.found: StepResult[Sequence[Hit]] = Ok([Hit(PASSAGE, 1.0)])
        self.events: list[IngestProgress | IngestReport | BaseException] = [
            IngestProgress(IngestStep.LISTING, 0, 0),
            IngestProgress(IngestStep.CAPTIONS, 1, 2, "Brewing tea"),
            IngestReport(TALK.url, (IngestOutcome(TALK.url, TALK.title, IngestState.INGESTED, 12),)),
        ]
        self.held = Library((TALK,), 12)
        self.parts = Health((PartHealth("embedder", True), PartHealth("store", True, "12 passages")))
        self.usage = USAGE
        self.logged: StepResult[LoggedAnswer] = Ok(LOGGED)
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.asks: list[Ask] = []
        self.searches: list[SearchQuery] = []
        self.ingests: list[IngestRequest] = []
        self.receipts: list[tuple[TenantContext, str]] = []
        self.tenants: list[TenantContext] = []

    async def _wait(self) -> None:
        self.entered.set()
        await self.gate.wait()
        await asyncio.sleep(0)

    async def ask(self, ask: Ask) -> StepResult[Answer]:
        self.asks.append(ask)
        await self._wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return Ok(answer_to(ask.question, claim())) if self.answer is None else self.answer

    async def search(self, query: SearchQuery) -> StepResult[Sequence[Hit]]:
        self.searches.append(query)
        await self._wait()
        return self.found

    async def ingest(self, request: IngestRequest) -> AsyncIterator[IngestProgress | IngestReport]:
        self.ingests.append(request)
        for event in self.events:
            await self._wait()
            if isinstance(event, BaseException):
                raise event
            yield event

    async def library(self, tenant: TenantContext) -> Library:
        self.tenants.append(tenant)
        return self.held

    async def health(self) -> Health:
        return self.parts

    async def quota(self, tenant: TenantContext) -> Usage:
        self.tenants.append(tenant)
        return self.usage

    async def receipt(self, tenant: TenantContext, answer_id: str = "") -> StepResult[LoggedAnswer]:
        self.receipts.append((tenant, answer_id))
        return self.logged
