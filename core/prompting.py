"""The prompt that a chat model gets, and what comes back."""

from dataclasses import dataclass

from core.messages import Recording, Sentence


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence that may support an answer: `source` numbers its passage in the prompt, from 1.

    `relevance` is the sentence's cosine with the question, -1 to 1; `passage_score` orders the passages.
    """

    source: int
    recording: Recording
    sentence: Sentence
    relevance: float
    passage_score: float = 0.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question and the sentences that a model may use to answer it, in the order of their passages and times."""

    question: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class DraftClaim:
    """A claim as a model wrote it: its quotes are (source number, words), not yet verified."""

    text: str
    quotes: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered, with what it took. `degraded` says which models failed before, if any did."""

    claims: tuple[DraftClaim, ...]
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    degraded: str = ""
