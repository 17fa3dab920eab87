"""Plays a stream of questions through the answer cache: the entity's own decisions, over its own index.

A question that is not served is "asked": its group stands for the model's answer. Only then is the group looked at, and
compared with the answers that the look-up had found. The group of what was served is looked at by the judge alone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from core.answer_cache import AnswerCache, decide, evolve
from core.answer_cache_index import AnswerIndex
from core.answer_cache_messages import Ask, CacheRules, Changed, Command, Entry, Judge, Judged, Keep, Serve
from core.answer_cache_verifier import Verifier
from core.entities import Chance
from core.question_features import QuestionTraits, traits_of
from evals.measure.cache_rows import Questions, Row


@dataclass(slots=True)
class Played:
    """What came of a stream: how many rows were served, and how many of these with another group's answer.

    `served` has the group whose answer each row got, None where the model was asked.
    """

    rows: int = 0
    repeats: int = 0
    hits: int = 0
    wrong: int = 0
    audits: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    served: list[str | None] = field(default_factory=list)

    @property
    def hit_rate(self) -> float:
        return self.hits / max(self.rows, 1)

    @property
    def wrong_share(self) -> float:
        return self.wrong / max(self.hits, 1)

    @property
    def useful_recall(self) -> float:
        """Right hits among the rows for which a right hit is possible."""
        return (self.hits - self.wrong) / max(self.repeats, 1)


class _Player:
    """One tenant's cache, as the actor keeps it, with nothing on disk."""

    def __init__(self, rules: CacheRules, dimensions: int, seed: int) -> None:
        self._rules, self._dimensions, self._seed = rules, dimensions, seed
        self._state, self._written, self._now = AnswerCache(), 0, 0.0
        self._indexes: dict[str, AnswerIndex] = defaultdict(lambda: AnswerIndex(dimensions))
        self._words: dict[tuple[str, str], str] = {}
        # What the model said, by entry: known because it was asked.
        self._told: dict[str, str] = {}

    def ask(self, row: Row, vector: NDArray[np.float32], traits: QuestionTraits, verifier: Verifier) -> str | None:
        """The group whose answer is served; None where the model is asked."""
        self._now += 1.0
        index = self._indexes[row.scope]
        found = index.candidates(vector, traits)
        scores = verifier.logits([each.features for each in found])
        judged = tuple(
            Judged(each.entry_id, each.answer_id, score, bool(each.conflict))
            for each, score in zip(found, scores, strict=True)
        )
        same = self._words.get((row.scope, traits.normal), "")
        reply = self._decided(Judge(self._rules, row.scope, "", judged, verifier.scores, same))
        if isinstance(reply, Serve):
            return self._told[reply.entry_id]
        assert isinstance(reply, Ask)
        self._keep(row, vector, traits, judged, reply)
        return None

    def _keep(
        self, row: Row, vector: NDArray[np.float32], traits: QuestionTraits, judged: Sequence[Judged], asked: Ask
    ) -> None:
        equal = next((each.answer_id for each in judged if self._told[each.entry_id] == row.group), "")
        compared = asked.compared
        entry = Entry(row.scope, equal, self._now, self._now, ())
        keep = Keep(self._rules, "", entry, audited=asked.audited)
        if compared is not None:
            keep = replace(keep, score=compared.score, right=self._told[compared.entry_id] == row.group)
        kept = self._decided(keep)
        assert isinstance(kept, Changed)
        self._indexes[row.scope].remove(kept.dropped)
        self._indexes[row.scope].add(kept.entry_id, kept.answer_id, vector, traits)
        self._words[row.scope, traits.normal] = kept.entry_id
        self._told[kept.entry_id] = row.group

    @property
    def audits(self) -> int:
        return self._state.tallies.audits

    def _decided(self, command: Command) -> object:
        decision = decide(self._state, command, self._now, Chance(f"evals/{self._seed}", self._written + 1))
        if decision.events:
            self._written += 1
            for event in decision.events:
                self._state = evolve(self._state, event)
        return decision.reply


def play(
    questions: Questions,
    vectors: NDArray[np.float32],
    verifier_of: Callable[[str], Verifier],
    rules: CacheRules,
    seed: int = 0,
) -> Played:
    """What comes of `questions`, in order; `vectors` has shape (rows, dimensions), `verifier_of` is by row id."""
    player = _Player(rules, vectors.shape[1], seed)
    played = Played(len(questions.rows), questions.repeats)
    for row, vector in zip(questions.rows, vectors, strict=True):
        served = player.ask(row, vector, traits_of(row.question), verifier_of(row.row_id))
        played.served.append(served)
        if served is not None:
            played.hits += 1
            played.wrong += served != row.group
    played.audits = player.audits
    return played


def play_static(questions: Questions, vectors: NDArray[np.float32], least: float) -> Played:
    """The same with nothing but a cosine threshold, over the same vectors, within each scope."""
    played = Played(len(questions.rows), questions.repeats)
    kept: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(questions.rows):
        entries = kept[row.scope]
        if entries:
            cosines = vectors[entries] @ vectors[place]
            best = int(cosines.argmax())
            if cosines[best] >= least:
                played.hits += 1
                played.wrong += questions.rows[entries[best]].group != row.group
                continue
        entries.append(place)
    return played
