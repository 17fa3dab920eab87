"""Makes the post about a recording that was brought in."""

from collections.abc import Sequence

from core.analysis import Analysis, announcement
from core.following import Announcement
from core.ingest_messages import Job
from core.messages import Passage
from core.results import Ok, Skip, StepResult
from core.tenancy import TenantContext
from core.transcripts import Transcript
from deployments.analysis import Analyst
from deployments.storing import Embedded


class Posts:
    """Writes announcements; with an analyst they sum the recording up, and without one they say what it is."""

    def __init__(self, analyst: Analyst | None = None) -> None:
        self._analyst = analyst

    async def announcement(
        self, transcript: Transcript, passages: Sequence[Passage], embedded: Embedded, job: Job, tenant: TenantContext
    ) -> Announcement:
        """The post about a recording, for the Discord channel that the job names."""
        found: StepResult[Analysis] = Skip("Nobody sums it up.")
        if self._analyst is not None:
            found = await self._analyst.analyse(tenant, passages, embedded.sentences, transcript.chapters)
        analysis = found.data if isinstance(found, Ok) else None
        return announcement(tenant.tenant, job.announce_to, transcript.recording, analysis, transcript.chapters)
