"""An answer before its receipt, and what is kept of it: in the activity log, with tokens as the model counted them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.activity_documents import AnswerActivity
from core.errors import BotError
from core.messages import Answer, Claim, Hit, Receipt
from core.ports import ActivityLog, ChatModel
from core.prompting import Completion, Evidence, Prompt
from core.stages import Run
from core.tenancy import TenantContext
from core.words import count_tokens

# A document of the activity log has at most 64 KB, and a character up to four bytes.
MAX_LOGGED_CHARS = 6_000
CACHED = "cache"
"""What receipts call the model of an answer that was given before."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What trimming chose: `chosen` of `everything`, each as evidence in the order of passages and times.

    The tokens are those of the sentences, by words and punctuation marks: about what a model counts.
    """

    chosen: tuple[Evidence, ...]
    everything: tuple[Evidence, ...]
    tokens_chosen: int
    tokens_everything: int

    @classmethod
    def whole(cls, evidence: tuple[Evidence, ...]) -> "Trimmed":
        """Nothing goes."""
        tokens = _tokens(evidence)
        return cls(evidence, evidence, tokens, tokens)

    def to(self, chosen: tuple[Evidence, ...]) -> "Trimmed":
        """The same with less of it chosen."""
        return replace(self, chosen=chosen, tokens_chosen=_tokens(chosen))


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before its receipt. `compressed`: the model got the chosen sentences alone."""

    question: str
    claims: tuple[Claim, ...]
    dropped: int
    completion: Completion
    hits: Sequence[Hit]
    trimmed: Trimmed
    compressed: bool = False

    @property
    def tokens_sent(self) -> int:
        """About the tokens of the evidence that the model got."""
        return self.trimmed.tokens_chosen if self.compressed else self.trimmed.tokens_everything

    def quoted_share_in(self, evidence: Sequence[Evidence]) -> float | None:
        """The share of the answer's quotes whose sentence is in `evidence`; None for an answer that quotes nothing."""
        there = {(item.recording.recording_id, item.sentence.start_s) for item in evidence}
        quotes = [quote for claim in self.claims for quote in claim.quotes]
        found = sum((quote.recording.recording_id, quote.start_s) in there for quote in quotes)
        return found / len(quotes) if quotes else None

    def answer(self, run: Run, answer_id: str) -> Answer:
        completion = self.completion
        receipt = Receipt(
            model=completion.model,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            cost_usd=completion.cost_usd,
            tokens_untrimmed=self.trimmed.tokens_everything,
            tokens_trimmed=self.trimmed.tokens_chosen,
            passages_searched=len(self.hits),
            quotes_dropped=self.dropped,
            degraded=completion.degraded,
            stages=run.stages,
        )
        return Answer(self.question, self.claims, receipt, answer_id)


def given_again(question: str, claims: tuple[Claim, ...]) -> Draft:
    """An answer out of the cache: no model was asked, and nothing searched."""
    return Draft(question, claims, 0, Completion((), CACHED), (), Trimmed.whole(()))


class AnswerRecords:
    """Puts answers into the activity log, which keeps their words only where it was told to."""

    def __init__(self, activity: ActivityLog, chat: ChatModel) -> None:
        self._activity, self._chat = activity, chat

    async def keep(self, tenant: TenantContext, answer: Answer, draft: Draft) -> None:
        """Log `answer`, with the tokens of all evidence and of what trimming chose as its model counts them."""
        receipt = await self._counted(answer.receipt, draft)
        document = AnswerActivity(
            answer_id=answer.answer_id,
            workspace=tenant.workspace,
            user=tenant.user,
            supported=answer.supported,
            receipt=receipt,
            question=answer.question[:MAX_LOGGED_CHARS],
            answer="\n".join(claim.text for claim in answer.claims)[:MAX_LOGGED_CHARS],
            recordings=_quoted(answer),
        )
        await self._activity.log(tenant.tenant, (document,))

    async def _counted(self, receipt: Receipt, draft: Draft) -> Receipt:
        """The receipt with exact counts in place of estimates; the estimates, where nobody can count."""
        whole, chosen = draft.trimmed.everything, draft.trimmed.chosen
        if not whole:
            return receipt
        prompts = [Prompt(draft.question, evidence) for evidence in (whole, chosen, ())]
        try:
            untrimmed, trimmed, rules = await self._chat.count_tokens(prompts, receipt.model)
        except BotError as error:
            _log.warning("The tokens of an answer were not counted: %s", error)
            return receipt
        return replace(receipt, tokens_untrimmed=untrimmed - rules, tokens_trimmed=trimmed - rules)


def _tokens(evidence: Sequence[Evidence]) -> int:
    return sum(count_tokens(item.sentence.text) for item in evidence)


def _quoted(answer: Answer) -> tuple[str, ...]:
    """The recordings that an answer quotes."""
    quotes = (quote for claim in answer.claims for quote in claim.quotes)
    return tuple(dict.fromkeys(quote.recording.recording_id for quote in quotes))
