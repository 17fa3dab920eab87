"""What the activity log holds of a tenant: answers with their receipts, tool uses and feedback, as records.

Whose a document is stands in its record, so that everything of a person or a workspace can be deleted.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Annotated, Literal, TypeAlias

import msgspec

from core.entities import Find, Message, Record, State
from core.entity_codec import to_json
from core.errors import BadInput, JournalUnreadable
from core.messages import Receipt
from core.results import Ok, Skip, StepResult
from core.tenancy import TenantContext

MAX_BODY_BYTES = 64 * 1024
MAX_ERASED = 1_000
MAX_FOUND = 1_000

Reason: TypeAlias = Literal["user", "channel", "tenant", "recording"]

# Ids are columns of a database too: PostgreSQL's texts take no NUL.
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
_IdOrNone = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
_RecordingId = Annotated[str, msgspec.Meta(min_length=1, max_length=4_000)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Amount = Annotated[float, msgspec.Meta(ge=0)]


class AnswerActivity(Message, frozen=True, kw_only=True):
    """An answer and how it came about.

    `question` and `answer` are their words, and `recordings` those that it quotes; empty where words are not kept.
    """

    answer_id: _Id
    workspace: _Id
    user: _IdOrNone = ""
    supported: bool
    receipt: Receipt
    question: str = ""
    answer: str = ""
    recordings: tuple[_RecordingId, ...] = ()


class ToolUse(Message, frozen=True, kw_only=True):
    """The `number`th time that an agent used a tool on the way to an answer."""

    answer_id: _Id
    workspace: _Id
    user: _IdOrNone = ""
    number: _Count
    agent: _Id
    tool: _Id
    ok: bool
    wall_ms: _Amount
    tokens: _Count = 0
    cost_usd: _Amount = 0.0


class Feedback(Message, frozen=True, kw_only=True):
    """What a person thinks of an answer: 1 good, -1 bad, 0 taken back. A person's next vote replaces this one."""

    answer_id: _Id
    workspace: _Id
    user: _Id
    vote: Literal[-1, 0, 1]
    note: str = ""


Document: TypeAlias = AnswerActivity | ToolUse | Feedback
KINDS: dict[type, str] = {AnswerActivity: "answer", ToolUse: "tool_use", Feedback: "feedback"}
_DECODER: msgspec.json.Decoder[Document] = msgspec.json.Decoder(Document)


@dataclass(frozen=True, slots=True)
class Found:
    """A document of the log, and when it was logged (unix seconds)."""

    at: float
    document: Document


@dataclass(frozen=True, slots=True)
class LoggedAnswer:
    """An answer as the log has it, and when it was given (unix seconds)."""

    at: float
    answer: AnswerActivity


class Counts(State, frozen=True):
    """How many documents, by kind."""

    answer: int = 0
    tool_use: int = 0
    feedback: int = 0

    @property
    def total(self) -> int:
        return self.answer + self.tool_use + self.feedback

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.answer + other.answer, self.tool_use + other.tool_use, self.feedback + other.feedback)


def count(kinds: Iterable[str]) -> Counts:
    """How many of each kind."""
    tally = Counter(kinds)
    return Counts(**{kind: tally[kind] for kind in KINDS.values()})


# ---------------------------------------------------------------- documents as records, and back
def record_of(document: Document, at: float) -> Record:
    """`document` as a record; the same one again has the same `record_id`. Raises BadInput where it cannot be kept."""
    kind = KINDS.get(type(document))
    if kind is None:
        problem = f"The activity log keeps no {type(document).__name__}."
        raise BadInput(problem, f"Log one of {', '.join(each.__name__ for each in KINDS)}.")
    body = _checked_body(document, kind)
    return Record(_record_id(document), at, kind, body, document.user, document.workspace)


def found(record: Record) -> Found:
    """The document of a record. Raises JournalUnreadable where it is none that this release knows."""
    try:
        return Found(record.at, _DECODER.decode(record.body))
    except (msgspec.MsgspecError, UnicodeError) as error:
        problem = f"The activity log's record {record.record_id} cannot be read ({error})."
        raise JournalUnreadable(problem, "Run the release that wrote it, or a newer one.") from error


def kind_of(record_id: str) -> str:
    """The kind of document that an id belongs to. Raises BadInput where it is no id of the log."""
    kind, _, rest = record_id.partition("/")
    if kind not in KINDS.values() or not rest:
        raise BadInput(f"{record_id[:40]!r} is no id of the activity log.", "Pass ids that the log was found to hold.")
    return kind


def checked_find(find: Find) -> Find:
    """`find`, if it makes sense. Raises BadInput: what does not must not seem to find nothing."""
    if find.kind and find.kind not in KINDS.values():
        raise BadInput(f"The activity log keeps no {find.kind[:40]!r}.", f"Look for {', '.join(KINDS.values())}.")
    if not isinstance(find.limit, int) or not 1 <= find.limit <= MAX_FOUND:
        raise BadInput(f"{find.limit!r} documents cannot be looked for.", f"Ask for 1 to {MAX_FOUND:,} at once.")
    if not find.since <= find.until:
        raise BadInput(f"There is no time from {find.since} to {find.until}.", "Pass unix seconds, the earlier first.")
    return find


def _record_id(document: Document) -> str:
    match document:
        case AnswerActivity():
            return answer_record(document.answer_id)
        case ToolUse():
            return f"tool_use/{document.answer_id}/{document.number}"
        case Feedback():
            return f"feedback/{document.answer_id}/{blake2b(document.user.encode(), digest_size=8).hexdigest()}"


def answer_record(answer_id: str) -> str:
    return f"answer/{answer_id}"


def _checked_body(document: Document, kind: str) -> str:
    """The document as JSON that can be read again. Raises BadInput."""
    try:
        body = to_json(document)
        if len(body.encode()) > MAX_BODY_BYTES:
            problem = (
                f"A document of kind {kind} has {len(body.encode()):,} bytes; at most {MAX_BODY_BYTES:,} are kept."
            )
            raise BadInput(problem, "Shorten its texts.")
        # Reading it checks every type and bound; NaN and infinity have become null, which no number may be.
        _DECODER.decode(body)
    except (msgspec.MsgspecError, OverflowError, TypeError) as error:
        problem = f"A document of kind {kind} cannot be kept ({error})."
        raise BadInput(problem, "Send ids of 1 to 200 characters, and finite numbers from 0 on.") from error
    if isinstance(document, AnswerActivity):
        _check_receipt(document.receipt)
    return body


def _check_receipt(receipt: Receipt) -> None:
    numbers = {**asdict(receipt), **{f"wall_ms of {stage.stage}": stage.wall_ms for stage in receipt.stages}}
    for name, value in numbers.items():
        if isinstance(value, int | float) and value < 0:
            raise BadInput(f"The receipt's {name} is {value}, less than nothing.", "Send numbers from 0 on.")


# ---------------------------------------------------------------- a person's receipts
def receipt_query(tenant: TenantContext, answer_id: str = "") -> Find:
    """Where the receipt is that a person may see: their own, in this workspace; the last one where no id is given.

    Raises BadInput where nobody asks: an empty user would match everybody's.
    """
    if not tenant.user:
        raise BadInput("A receipt is shown to the person who asked, and the call names nobody.", "Pass the user's id.")
    record_id = answer_record(answer_id) if answer_id else ""
    return Find(record_id, KINDS[AnswerActivity], tenant.user, tenant.workspace, limit=1)


def receipt_from(documents: Sequence[Found], answer_id: str = "") -> StepResult[LoggedAnswer]:
    """The receipt among what `receipt_query` found; a Skip that says what to do where there is none."""
    for each in documents:
        if isinstance(each.document, AnswerActivity):
            return Ok(LoggedAnswer(each.at, each.document))
    if answer_id:
        return Skip("No answer of yours here has that id. /receipt alone shows your last one.")
    return Skip("No answer of yours is on record here. Ask something with /ask, then try again.")


# ---------------------------------------------------------------- deleting
def quoting(records: Iterable[Record], recording_ids: Collection[str]) -> tuple[str, ...]:
    """Ids of the records that are answers with words of one of these recordings."""
    answers = ((record.record_id, found(record).document) for record in records)
    return tuple(
        record_id
        for record_id, answer in answers
        if isinstance(answer, AnswerActivity) and not set(recording_ids).isdisjoint(answer.recordings)
    )


class Forget(Message, frozen=True):
    """Whose documents to delete: a user's, a channel's (a workspace's), a user's in one channel, or all."""

    user: str = ""
    channel: str = ""
    everything: bool = False

    @property
    def reason(self) -> Reason:
        if self.everything:
            return "tenant"
        return "user" if self.user else "channel"

    def find(self, until: float = math.inf, limit: int = MAX_ERASED) -> Find:
        """What matches and was logged before `until`. Raises BadInput where it is not clear whose."""
        if self.everything == bool(self.user or self.channel):
            problem = "It is not clear whose activity is to be deleted."
            raise BadInput(problem, "Name a user, a channel or both; or everything, and no other.")
        return Find(user=self.user, channel=self.channel, until=until, limit=limit)
