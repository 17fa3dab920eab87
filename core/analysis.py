"""What a recording says in short: a summary, claims that can be checked, and topics. Every statement has a quote that
stands word for word in the transcript (`core.citations`); what has none is not in it.

Without a model the statements are the talk's own sentences. What is called a claim is one by its form (numbers, names,
comparisons, causes): that it is true, or that nothing else could be checked, is not said.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from core.arms import EXTRACTIVE
from core.citations import verify
from core.following import Announcement, Chapter
from core.highlights import Spoken, Talk, choose, read, telling
from core.messages import Claim, Passage, Recording
from core.ports import Vectors
from core.prompting import DraftClaim, Evidence, Prompt
from core.text_quality import tokens
from core.topics import topics_of

MAX_STATEMENTS = 5
MAX_STATEMENT_CHARS = 500
# More would not fit into a post.
MAX_POSTED_CHAPTERS = 50
_SHORT_S, _LONG_S = 600.0, 1800.0
# A model reads so much of a talk of any length, sentences from all its parts.
PROMPT_TOKENS = 3_000
_PARTS_READ = 20
_CHARS_A_TOKEN = 3

SUMMARY_QUESTION = "What are the main points of this recording, in the order in which they are made?"
CLAIMS_QUESTION = (
    "Which statements of fact in this recording could somebody check? Look for numbers, dates, names, comparisons and "
    "causes; leave out opinions, plans and advice."
)

_NUMBER = re.compile(
    r"\d|\b(?:hundred|thousand|million|billion|trillion|percent|half|twice|double|triple|dozen)s?\b", re.I
)
_NAME = re.compile(r"(?<![.!?…:\"“] )(?<!\A)\b(?!I\b)[A-Z]\w*[a-z0-9]\w*|\b[A-Z]{2,}\b")
_COMPARES = re.compile(
    r"\b(?:(?:more|less|fewer|better|worse|\w{2,}er) than|as \w+ as|most|least|biggest|largest|fastest|first|only"
    r"|oldest|youngest|best|worst|never|always|none of|all of|every)\b",
    re.IGNORECASE,
)
_CAUSES = re.compile(
    r"\b(?:because|causes?|caused|leads? to|led to|results? in|due to|invented|founded|discovered|released|published"
    r"|proved|shows? that|showed|stud(?:y|ies)|according to|research|means that|depends on)\b",
    re.IGNORECASE,
)
_NO_CLAIM = re.compile(
    r"\A(?:so |and |but )?you\b|\b(?:i (?:\w+ )?(?:think|guess|feel|hope|believe|suppose|want|wish|mean|recommend)"
    r"|i'm (?:not sure|going)|maybe|perhaps|probably|might|kind of|sort of|let's|let me|(?:we|i|you)'ll|going to"
    r"|if (?:you|we|i)|(?:you|we) (?:can|could|should|have to|want|need)|make sure|imagine|suppose|should|please)\b",
    re.IGNORECASE,
)
_CLAIM_FROM = 2.0


@dataclass(frozen=True, slots=True)
class Analysis:
    """A recording in short: `summary` and `claims` in time order, `topics` the weightiest first.

    `model` wrote the statements; `degraded` says, as part of a list, why another one did not. Both are for the log.
    """

    summary: tuple[Claim, ...]
    claims: tuple[Claim, ...]
    topics: tuple[str, ...]
    model: str = EXTRACTIVE
    degraded: str = ""
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Digest:
    """What a model may read of a recording: `evidence` counts its sources from 1 in `passages`."""

    evidence: tuple[Evidence, ...]
    passages: tuple[Passage, ...]

    @property
    def summary_prompt(self) -> Prompt:
        return Prompt(SUMMARY_QUESTION, self.evidence)

    @property
    def claims_prompt(self) -> Prompt:
        return Prompt(CLAIMS_QUESTION, self.evidence)

    def verified(self, drafts: Sequence[DraftClaim]) -> tuple[Claim, ...]:
        """The drafts that the recording's own words carry, in time order, at most `MAX_STATEMENTS`; no long ones."""
        short = [draft for draft in drafts if len(draft.text) <= MAX_STATEMENT_CHARS]
        return _in_time(verify(short, self.passages)[0][:MAX_STATEMENTS])


def analysis(
    passages: Sequence[Passage], sentence_vectors: Sequence[Vectors], chapters: Sequence[Chapter] = ()
) -> Analysis:
    """The analysis in the recording's own sentences. The same input gives the same everywhere; nothing is random.

    Shapes: `sentence_vectors[i]` (sentences of passage i, dimensions), of length 1. `passages` are one recording's, at
    least one. Of captions without any sentence to quote it is empty.
    """
    count = _statements(passages)
    talk = read(passages, sentence_vectors, chapters, count)
    points = choose(talk, count, telling(talk))
    claims = choose(talk, MAX_STATEMENTS, [_claim_worth(it) for it in talk.spoken], but=points)
    texts = [sentence.text for passage in passages for sentence in passage.sentences]
    topics = topics_of(texts, passages[0].recording.title)
    return Analysis(_quoted(points, passages), _quoted(claims, passages), topics)


def digest(
    passages: Sequence[Passage],
    sentence_vectors: Sequence[Vectors],
    chapters: Sequence[Chapter] = (),
    max_tokens: int = PROMPT_TOKENS,
) -> Digest:
    """At most `max_tokens` of a recording, in time order: of each of its parts the most relevant sentences."""
    talk = read(passages, sentence_vectors, chapters, _PARTS_READ)
    kept = _within(talk, max_tokens)
    sources = sorted({it.source for it in kept})
    number = {source: at for at, source in enumerate(sources, start=1)}
    recording = passages[0].recording
    evidence = tuple(Evidence(number[it.source], recording, it.sentence, it.relevance) for it in kept)
    return Digest(evidence, tuple(passages[source] for source in sources))


def announcement(
    tenant: str, channel: str, recording: Recording, found: Analysis | None, chapters: Sequence[Chapter] = ()
) -> Announcement:
    """The post about a recording in `channel` of `tenant`; without a summary where it was not analysed.

    Its id depends on tenant, channel and recording alone, so that a second one for the same is known as such.
    """
    name = "\x1f".join(f"{len(part)}:{part}" for part in (tenant, channel, recording.recording_id))
    return Announcement(
        announcement_id=blake2b(name.encode("utf-8", "replace"), digest_size=12).hexdigest(),
        tenant=tenant,
        channel=channel,
        url=recording.url,
        title=recording.title,
        creator=recording.speaker,
        length_s=recording.duration_s,
        summary=tuple((point.text, point.quotes[0].start_s) for point in found.summary) if found else (),
        chapters=tuple(chapters[:MAX_POSTED_CHAPTERS]),
        topics=found.topics if found else (),
    )


def _statements(passages: Sequence[Passage]) -> int:
    length_s = passages[-1].end_s - passages[0].start_s
    return MAX_STATEMENTS - (length_s < _SHORT_S) - (length_s < _LONG_S)


def _claim_worth(spoken: Spoken) -> float:
    """How checkable a sentence is by its form, 0 to 1 with its relevance; below 0 for what is no claim."""
    text = spoken.sentence.text
    if not spoken.tells or _NO_CLAIM.search(text):
        return -1.0
    signs = 1.5 * bool(_NUMBER.search(text)) + bool(_NAME.search(text))
    signs += bool(_COMPARES.search(text)) + bool(_CAUSES.search(text))
    return (signs / 4.5 + spoken.worth) / 2 if signs >= _CLAIM_FROM else -1.0


def _quoted(chosen: Sequence[Spoken], passages: Sequence[Passage]) -> tuple[Claim, ...]:
    sources = sorted({it.source for it in chosen})
    drafts = [DraftClaim(it.sentence.text, ((sources.index(it.source) + 1, it.sentence.text),)) for it in chosen]
    return _in_time(verify(drafts, [passages[source] for source in sources])[0])


def _in_time(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    return tuple(sorted(claims, key=lambda claim: claim.quotes[0].start_s))


def _within(talk: Talk, max_tokens: int) -> list[Spoken]:
    """Of each section, what it may have of the tokens: the most relevant sentences, those that tell first."""
    kept: list[Spoken] = []
    room = dict.fromkeys(range(talk.sections), max_tokens // talk.sections)
    for it in sorted(talk.spoken, key=lambda it: (not it.tells, -it.relevance, it.row)):
        size = max(len(tokens(it.sentence.text)), len(it.sentence.text) // _CHARS_A_TOKEN)
        if size <= room[it.section]:
            room[it.section] -= size
            kept.append(it)
    return sorted(kept, key=lambda it: it.row)
