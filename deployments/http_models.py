"""What the HTTP API takes and gives, as pydantic models: sizes are bounded here."""

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from core.activity_documents import LoggedAnswer
from core.messages import Answer, Health, Receipt
from core.tenancy import TenantContext
from core.usage import Scope, Unit
from core.usage import Usage as Quota

MAX_TEXTS = 2048
MAX_TEXT_CHARS = 100_000

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]
Key = Annotated[str, Field(min_length=1, max_length=200)]


class Body(BaseModel):
    """A request body: unknown fields are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _texts(value: object) -> object:
    """One text or several as a list; says what is wrong in the words of the field, and which text it is."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise PydanticCustomError("input", "send a text, or a list of texts with at least one")
    if len(texts) > MAX_TEXTS:
        raise PydanticCustomError("input", "{count} texts are too many, send at most 2048", {"count": len(texts)})
    for index, text in enumerate(texts):
        if isinstance(text, int) or (isinstance(text, list) and all(isinstance(token, int) for token in text)):
            raise PydanticCustomError("input", "token numbers belong to another model's tokenizer, send text")
        if not isinstance(text, str) or not 1 <= len(text) <= MAX_TEXT_CHARS:
            problem = "text {index} is empty, longer than 100,000 characters, or no text"
            raise PydanticCustomError("input", problem, {"index": index})
    return texts


class EmbeddingsRequest(Body):
    """OpenAI's form. The model name may be any; the response says which model answered."""

    input: Annotated[
        list[str],
        BeforeValidator(_texts),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ]
    model: str = ""
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: int | None = None
    user: str | None = None


class Embedding(BaseModel):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class Usage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddingsResponse(BaseModel):
    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: Usage


class TrimRequest(Body):
    """Texts to trim to the sentences that matter for the question."""

    question: Text
    texts: Annotated[list[Text], Field(min_length=1, max_length=64)]


class TrimResponse(BaseModel):
    """The kept sentences of each text, whole and in order, and the tokens before and after."""

    texts: list[str]
    tokens_before: int
    tokens_after: int


class AskRequest(Body):
    """A question in one tenant's workspace."""

    tenant: Key
    workspace: Key
    question: str
    user: str = Field("", max_length=200)
    recording_ids: Annotated[list[Key], Field(max_length=100)] = []


@dataclass(frozen=True)
class AskResponse(Answer):
    """The answer, and whether the transcripts support one."""

    supported: bool = False  # derived there, a field of the JSON here


class Whose(Body):
    """Of whom something is asked, as query parameters."""

    tenant: Key
    workspace: Key
    user: str = Field("", max_length=200)

    def context(self) -> TenantContext:
        return TenantContext(self.tenant, self.workspace, self.user)


class AllowanceModel(BaseModel):
    """One limit: `left` of `limit`; null where nothing adds up. Times are unix seconds; amounts of money US dollars."""

    scope: Scope
    unit: Unit
    period: str
    limit: float
    left: float | None
    refills_per_s: float
    whole_at: float | None


class QuotaResponse(BaseModel):
    """Every limit in force at `at`, and sentences on what else to know."""

    at: float
    allowances: list[AllowanceModel]
    notes: list[str]

    @classmethod
    def of(cls, quota: Quota) -> "QuotaResponse":
        return cls.model_validate(asdict(quota))


class ReceiptResponse(BaseModel):
    """How an answer came about, given at `at`. `question` and `answer` are empty where their words are not kept."""

    answer_id: str
    at: float
    supported: bool
    receipt: Receipt
    question: str
    answer: str

    @classmethod
    def of(cls, logged: LoggedAnswer) -> "ReceiptResponse":
        kept = logged.answer
        return cls(
            answer_id=kept.answer_id,
            at=logged.at,
            supported=kept.supported,
            receipt=kept.receipt,
            question=kept.question,
            answer=kept.answer,
        )


@dataclass(frozen=True)
class HealthResponse(Health):
    """Every part's health, and whether all are well."""

    healthy: bool = False  # derived there, a field of the JSON here


class IngestBody(Body):
    """A link to bring in. With `stream`, the answer is a stream of events and the report comes last."""

    tenant: Key
    workspace: Key
    url: Annotated[str, Field(min_length=1, max_length=4000)]
    stream: bool = False


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorResponse(BaseModel):
    """OpenAI's error form."""

    error: ErrorDetail
