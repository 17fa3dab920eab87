"""The post about a recording, with and without somebody who sums it up."""

from collections.abc import Sequence

from core.analysis import analysis, digest
from core.following import Chapter
from core.ingest_messages import Job, Urgency
from core.messages import Passage, Recording, Sentence
from core.passages import to_passages
from core.results import ErrorCategory, Fail, Ok, Skip, StepResult
from core.tenancy import TenantContext
from core.transcripts import Transcript
from deployments.posts import Posts
from deployments.storing import Embedded, Storing
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.store import MemoryStore

TENANT, JOB = TenantContext("guild-1", "guild"), Job("tides", 1, "u", "Tides", Urgency.NEWS, announce_to="42")
SENTENCES = tuple(
    Sentence(60.0 * at, 60.0 * at + 5, f"Tidal pools are home to {animal} that hide under the rocks at noon.")
    for at, animal in enumerate(("sea stars", "limpets", "crabs", "blennies", "anemones", "urchins"))
)
RECORDING = Recording("tides", "https://shore.example/tides", "Tides", "Ada Example", 400.0)
CHAPTERS = (Chapter(0.0, "Pools"), Chapter(180.0, "Rocks"))
TRANSCRIPT = Transcript(RECORDING, SENTENCES, CHAPTERS)


class Summing:
    """Sums up by the recording's own sentences, or gives what it is told to."""

    def __init__(self, result: StepResult[object] | None = None) -> None:
        self.result = result
        self.tenants: list[TenantContext] = []

    async def analyse(
        self,
        tenant: TenantContext,
        passages: Sequence[Passage],
        sentence_vectors: Sequence[object],
        chapters: Sequence[Chapter],
    ) -> StepResult[object]:
        self.tenants.append(tenant)
        if self.result is not None:
            return self.result
        return Ok(analysis(digest(passages, sentence_vectors, chapters)))  # type: ignore[arg-type]


async def posted(analyst: Summing | None) -> object:
    passages = to_passages(RECORDING, SENTENCES, chapters=CHAPTERS)
    embedded: Embedded = await Storing(FakeEmbedder(), MemoryStore()).embedded(passages)
    return await Posts(analyst).announcement(TRANSCRIPT, passages, embedded, JOB, TENANT)  # type: ignore[arg-type]
