"""The post about a recording, with and without somebody who sums it up."""

from collections.abc import Sequence
from dataclasses import replace

from core.analysis import Analysis
from core.following import Announcement, Chapter
from core.ingest_messages import Job, Urgency
from core.messages import Passage, Recording, Sentence
from core.passages import to_passages
from core.ports import Vectors
from core.results import ErrorCategory, Fail, StepResult
from core.tenancy import TenantContext
from core.transcripts import Transcript
from deployments.analysis import AnalysisConfig, Analyst
from deployments.posts import Posts
from deployments.storing import Storing
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.store import MemoryStore

TENANT, JOB = TenantContext("guild-1", "guild"), Job("tides", 1, "u", "Tides", Urgency.NEWS, announce_to="42")
SAID = tuple(
    Sentence(60.0 * at, 60.0 * at + 5, f"Tidal pools are home to {animal} that hide under the rocks at noon.")
    for at, animal in enumerate(("sea stars", "limpets", "crabs", "blennies", "anemones", "urchins"))
)
RECORDING = Recording("tides", "https://shore.example/tides", "Tides", "Ada Example", 400.0)
CHAPTERS = (Chapter(0.0, "Pools"), Chapter(180.0, "Rocks"))
BY_ITS_OWN_WORDS = Analyst(AnalysisConfig(), None, None)  # type: ignore[arg-type]  # no model is asked, nothing is paid


class Failing(Analyst):
    """Cannot sum anything up."""

    def __init__(self) -> None:
        self.asked: list[TenantContext] = []

    async def analyse(
        self,
        tenant: TenantContext,
        passages: Sequence[Passage],  # noqa: ARG002
        sentence_vectors: Sequence[Vectors],  # noqa: ARG002
        chapters: Sequence[Chapter] = (),  # noqa: ARG002
    ) -> StepResult[Analysis]:
        self.asked.append(tenant)
        return Fail(ErrorCategory.UPSTREAM, "The model is away.")


async def posted(analyst: Analyst | None, job: Job = JOB) -> Announcement:
    passages = to_passages(RECORDING, SAID, chapters=CHAPTERS)
    embedded = await Storing(FakeEmbedder(), MemoryStore()).embedded(passages)
    return await Posts(analyst).announcement(Transcript(RECORDING, SAID, CHAPTERS), passages, embedded, job, TENANT)


async def test_without_an_analyst_it_says_what_it_is() -> None:
    post = await posted(None)
    assert (post.tenant, post.channel, post.title, post.creator) == ("guild-1", "42", "Tides", "Ada Example")
    assert (post.url, post.length_s, post.chapters) == (RECORDING.url, 400.0, CHAPTERS)
    assert (post.summary, post.repeated) == ((), False)


async def test_with_one_its_summary_is_what_was_said_and_when() -> None:
    post = await posted(BY_ITS_OWN_WORDS)
    assert post.summary
    said_at = {sentence.start_s: sentence.text for sentence in SAID}
    for text, at_s in post.summary:
        assert text in said_at[at_s]


async def test_an_analysis_that_fails_costs_the_summary_and_not_the_post() -> None:
    analyst = Failing()
    post = await posted(analyst)
    assert analyst.asked == [TENANT]
    assert post == await posted(None)


async def test_a_post_made_again_after_a_crash_is_the_same_one_and_another_channels_is_not() -> None:
    first, again = await posted(BY_ITS_OWN_WORDS), await posted(BY_ITS_OWN_WORDS)
    assert first == again
    other = await posted(BY_ITS_OWN_WORDS, Job("tides", 1, "u", "Tides", Urgency.NEWS, announce_to="43"))
    assert other.announcement_id != first.announcement_id
    assert replace(other, announcement_id=first.announcement_id, channel="42") == first
