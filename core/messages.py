"""What travels between the rooms: frozen values, with defaults on fields that came later.

Times inside a recording are seconds from its start.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from core.tenancy import TenantContext


# ---------------------------------------------------------------- a recording and its text
@dataclass(frozen=True, slots=True)
class Cue:
    """One caption as shown: plain text (no markup), and the speaker if the captions name one."""

    start_s: float
    end_s: float
    text: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with the time at which it is said."""

    start_s: float
    end_s: float
    text: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """A video or episode. `recording_id` is stable across links to the same one; `url` is its page."""

    recording_id: str
    url: str
    title: str
    speaker: str = ""
    duration_s: float = 0.0
    published: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences of one recording: the unit of retrieval. `heading` is its chapter's title, if any."""

    passage_id: str
    recording: Recording
    index: int
    sentences: tuple[Sentence, ...]
    heading: str = ""

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def start_s(self) -> float:
        return self.sentences[0].start_s

    @property
    def end_s(self) -> float:
        return self.sentences[-1].end_s


# ---------------------------------------------------------------- searching
@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search in one tenant's workspace; `recording_ids` narrows it to some recordings (empty: all)."""

    tenant: TenantContext
    text: str
    limit: int = 8
    recording_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found. `score` orders hits of one search and means nothing across searches.

    `relevance` has one value for each sentence: its cosine with the question, -1 to 1. `vectors` are the sentences'
    own, row after row as float16 (little-endian), of shape (sentences, dimensions); b"" where they are not known.
    """

    passage: Passage
    score: float
    relevance: tuple[float, ...] = ()
    vectors: bytes = b""


# ---------------------------------------------------------------- asking
@dataclass(frozen=True, slots=True)
class Ask:
    """A question of somebody in a tenant's workspace."""

    tenant: TenantContext
    question: str
    recording_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """Words that stand in a passage exactly so, and the link to the second at which they are said.

    `speaker` is who says them: as the captions tell, else the recording's. Empty where neither is known.
    """

    text: str
    start_s: float
    link: str
    recording: Recording
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of the answer with the quotes that carry it (at least one)."""

    text: str
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class StageTime:
    """What one stage of the pipeline took."""

    stage: str
    wall_ms: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an answer came about: the model, its tokens and cost, each stage's time, what went wrong on the way."""

    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    tokens_untrimmed: int = 0
    tokens_trimmed: int = 0
    passages_searched: int = 0
    quotes_dropped: int = 0
    degraded: str = ""
    stages: tuple[StageTime, ...] = ()

    @property
    def wall_ms(self) -> float:
        return sum(stage.wall_ms for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question: claims, or none where the transcripts do not say.

    `answer_id` finds it in the activity log; "" where it was not logged.
    """

    question: str
    claims: tuple[Claim, ...]
    receipt: Receipt
    answer_id: str = ""

    @property
    def supported(self) -> bool:
        return bool(self.claims)


# ---------------------------------------------------------------- bringing recordings in
@dataclass(frozen=True, slots=True)
class IngestRequest:
    """A link to a recording, a channel, a playlist or a feed, to bring into a tenant's workspace."""

    tenant: TenantContext
    url: str


class IngestStep(StrEnum):
    LISTING = "listing"
    CAPTIONS = "captions"
    SPEECH = "speech"
    EMBEDDING = "embedding"
    STORING = "storing"


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest is: `done` of `total` recordings are finished, `title` is the one at work."""

    step: IngestStep
    done: int
    total: int
    title: str = ""


class IngestState(StrEnum):
    INGESTED = "ingested"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """What became of one recording. `reason` is a sentence for people where it was not ingested."""

    url: str
    title: str
    state: IngestState
    passages: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of every recording behind a link, in the order listed."""

    url: str
    outcomes: tuple[IngestOutcome, ...] = ()

    def count(self, state: IngestState) -> int:
        return sum(outcome.state is state for outcome in self.outcomes)


# ---------------------------------------------------------------- what is there
@dataclass(frozen=True, slots=True)
class Library:
    """What a tenant's workspace holds."""

    recordings: tuple[Recording, ...] = ()
    passages: int = 0


@dataclass(frozen=True, slots=True)
class PartHealth:
    """Whether one part of the system works, and why not."""

    part: str
    healthy: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """The system's health: healthy if every part is."""

    parts: tuple[PartHealth, ...] = field(default=())

    @property
    def healthy(self) -> bool:
        return all(part.healthy for part in self.parts)
