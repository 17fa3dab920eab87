"""Money, the grounded half: questions about meetings, from the tokens that a model would really be sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.answer_cache_messages import CacheRules
from core.answer_cache_prior import PRIOR
from core.errors import BadInput
from core.prompting import Prompt, render
from core.trimming import select
from core.words import count_tokens
from evals.measure.cache_rows import Questions, Row
from evals.measure.cache_stream import play
from evals.measure.money_costs import Bill, Numbers, Price
from evals.measure.trimming_cases import Case, effect
from evals.measure.trimming_fit import models_for
from evals.retrieval import Encode

# What the JSON of a reply adds to the words of the answer, which stand there twice: as a claim, and as quotes.
_REPLY_TOKENS = 60


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one question costs a model, whole and trimmed, and what share of its support the trimmed one keeps.

    `uncredited` is that share where what went without loss, the fillers, is gone on both sides.
    """

    whole_usd: float
    trimmed_usd: float
    trimmed_quality: float
    uncredited: float


def bills(
    rows: Sequence[Row], cases: Sequence[Case], price: Price, encode: Encode, seed: int
) -> tuple[dict[str, Bill], dict[str, Bill]]:
    """What `rows` cost and how good the answers are with nothing on, the cache, trimming, and both.

    Quality is the share of the support for the reference answer that reaches the model: 1 untrimmed, 0 for an answer
    that the cache gave to another question. A served answer is as good as when it was first given. The second set of
    bills is the same with no credit for a support that rises because fillers are gone.
    """
    asked = _priced(cases, price)
    by_question = {(case.meeting.meeting_id, case.query.text): at for at, case in enumerate(cases)}
    known = [row for row in rows if (row.scope, row.question) in by_question]
    if not known:
        raise BadInput(
            "No question of semcache_scope is about one of the meetings.", "Give --meetings a larger number."
        )
    each = [asked[by_question[row.scope, row.question]] for row in known]
    vectors = encode([row.question for row in known])
    served = play(Questions("scope", tuple(known)), vectors, lambda _: PRIOR, CacheRules(), seed).served
    right = np.array([who is None or who == row.group for who, row in zip(served, known, strict=True)], dtype=float)
    missed = np.array([who is None for who in served], dtype=float)
    whole, trimmed = np.array([it.whole_usd for it in each]), np.array([it.trimmed_usd for it in each])

    unit = [row.group for row in known]

    def of(kept: Numbers) -> dict[str, Bill]:
        off = Bill(whole, np.ones(len(known)), unit)
        cached, both = Bill(whole * missed, right, unit), Bill(trimmed * missed, kept * right, unit)
        return {"off": off, "cache": cached, "trimming": Bill(trimmed, kept, unit), "routing": off, "all": both}

    credited, uncredited = ([getattr(it, name) for it in each] for name in ("trimmed_quality", "uncredited"))
    return of(np.array(credited)), of(np.array(uncredited))


def _priced(cases: Sequence[Case], price: Price) -> list[_Asked]:
    found = []
    for case, model in zip(cases, models_for(cases), strict=True):
        kept = select(case.hits, case.query.text, model=model)
        reply = 2 * count_tokens(case.query.answer) + _REPLY_TOKENS
        sent = [_tokens(render(Prompt(case.query.text, evidence))) for evidence in (case.evidence, kept)]
        whole, trimmed = (price.of(tokens, reply) for tokens in sent)
        loss = effect(case, kept)
        found.append(_Asked(whole, trimmed, 1 - loss.support, 1 - loss.sentences))
    return found


def _tokens(messages: Sequence[dict[str, Any]]) -> int:
    return sum(count_tokens(message["content"]) for message in messages)
