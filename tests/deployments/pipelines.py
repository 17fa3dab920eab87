"""What the tests of the answer pipeline share: one talk, a scripted model, and the pipeline over fakes."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from core.budget_messages import BudgetLimits
from core.errors import BotError
from core.messages import Answer, Ask, Passage, Receipt, Recording, Sentence
from core.ports import ActivityLog
from core.prompting import Completion, DraftClaim, Prompt
from core.results import Ok, StepResult
from core.spending import Amount, Limit
from core.tenancy import TenantContext
from core.trim_costs import TrimCosts
from deployments.answer_pipeline import AnswerPipeline, PipelineConfig
from deployments.decisions import Deciding
from tests.fakes.activity import FakeActivityLog
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.ledger import FakeLedger
from tests.fakes.pace import FakePace
from tests.fakes.store import MemoryStore

TENANT = TenantContext("guild-1", "guild", "member-1")
TALK = Recording("talk-1", "https://youtu.be/abc", "Brewing tea", "Somebody")
SENTENCES = (
    Sentence(0.0, 4.0, "Welcome everybody to the show."),
    Sentence(4.0, 9.0, "Green tea wants water well below boiling."),
    Sentence(9.0, 12.0, "My cat is asleep."),
    Sentence(12.0, 15.0, "Um, uh-huh."),
    Sentence(15.0, 19.0, "Yesterday somebody painted my garage."),
    Sentence(19.0, 24.0, "It took an afternoon and two buckets."),
    Sentence(24.0, 28.0, "See you next week."),
)
QUESTION = "How hot should the water for green tea be?"
MOST = Amount(Decimal("0.05"), 4_000)
SPENT = Amount(Decimal("0.002"), 150)
EXTRACTIVE = "local/extractive"
NOON = 1_772_366_400.0  # 2026-03-01 12:00 UTC


def says(*quotes: str) -> Ok[Completion]:
    claims = tuple(DraftClaim(f"About: {quote}", ((1, quote),)) for quote in quotes)
    return Ok(Completion(claims, "some/model", 120, 30, 0.002))


TRUE = says("Green tea wants water well below boiling.")


def costing(cost_usd: float, tokens: int = 150) -> Ok[Completion]:
    return Ok(Completion((DraftClaim("x", ((1, SENTENCES[1].text),)),), "some/model", tokens, 0, cost_usd))


def limited(usd: Mapping[str, str], *, enforce: bool = True) -> FakeLedger:
    """A ledger with these limits of request, day or month in US dollars, at noon."""
    own = {window: Limit(Decimal(amount)) for window, amount in usd.items()}
    return FakeLedger(BudgetLimits(**own), enforce=enforce, now=NOON)


class ScriptedChat:
    """Answers with `reply`, or raises it, once `gate` is set; for nothing where it must not be paid."""

    def __init__(self, reply: StepResult[Completion] | Exception = TRUE, most: Amount = MOST) -> None:
        self.reply, self.most = reply, most
        self.prompts: list[Prompt] = []
        self.paid: list[bool] = []
        self.first: list[str] = []
        self.counted: list[Prompt] = []
        self.uncountable: BotError | None = None
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def complete(self, prompt: Prompt, paid: bool = True, first: str = "") -> StepResult[Completion]:
        self.prompts.append(prompt)
        self.paid.append(paid)
        self.first.append(first)
        self.entered.set()
        await self.gate.wait()
        if isinstance(self.reply, Exception):
            raise self.reply
        if not paid and isinstance(self.reply, Ok):
            return Ok(Completion(self.reply.data.claims, EXTRACTIVE))
        return self.reply

    async def count_tokens(self, prompts: Sequence[Prompt], arm: str) -> tuple[int, ...]:
        """Ten for each sentence."""
        assert arm
        if self.uncountable is not None:
            raise self.uncountable
        self.counted += prompts
        return tuple(10 * len(prompt.evidence) for prompt in prompts)

    async def ceiling(self, prompt: Prompt) -> Amount:
        assert prompt.evidence
        return self.most


def without_counts(receipt: Receipt) -> Receipt:
    """The receipt without the tokens that are counted exactly after the answer."""
    return replace(receipt, tokens_untrimmed=0, tokens_trimmed=0)


@dataclass
class Bench:
    """A pipeline and all that it stands on."""

    pipeline: AnswerPipeline
    chat: ScriptedChat
    store: MemoryStore
    pace: FakePace
    ledger: FakeLedger
    activity: FakeActivityLog

    async def ask(self, question: str = QUESTION, tenant: TenantContext = TENANT) -> StepResult[Answer]:
        return await self.pipeline.ask(Ask(tenant, question))

    async def answered(self, question: str = QUESTION) -> Answer:
        result = await self.ask(question)
        assert isinstance(result, Ok), result
        return result.data

    async def charged(self) -> Amount:
        """What the tenant was charged today, when everything is settled. Nothing is left open."""
        await self.pipeline.close()
        report = await self.ledger.real.report(TENANT.tenant)
        assert report.open_reservations == 0
        assert report.day.reserved == Amount()
        assert report.day.lost == 0
        return report.day.spent


async def filled_store() -> MemoryStore:
    store, embedder = MemoryStore(), FakeEmbedder()
    passage = Passage("p-1", TALK, 0, SENTENCES)
    sentence_vectors = embedder.vectors([sentence.text for sentence in SENTENCES])
    await store.replace_recording(TENANT, [passage], embedder.vectors([passage.text]), [sentence_vectors])
    return store


@asynccontextmanager
async def bench(
    chat: ScriptedChat | None = None,
    config: PipelineConfig | None = None,
    *,
    store: MemoryStore | None = None,
    ledger: FakeLedger | None = None,
    log: ActivityLog | None = None,
    deciding: Deciding | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> AsyncIterator[Bench]:
    chat, ledger, pace, activity = chat or ScriptedChat(), ledger or FakeLedger(), FakePace(), FakeActivityLog()
    store = store or await filled_store()
    numbers = itertools.count(1)
    pipeline = AnswerPipeline(
        config or PipelineConfig(trim_costs=TrimCosts(least_tokens=0)),
        FakeEmbedder(),
        store,
        chat,
        pace,
        ledger,
        log or activity,
        deciding or Deciding(),
        clock,
        lambda: f"a-{next(numbers)}",
    )
    yield Bench(pipeline, chat, store, pace, ledger, activity)
    activity.gate.set()
    ledger.gate.set()
    await pipeline.close()
    await ledger.close()
