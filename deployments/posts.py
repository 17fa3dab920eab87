"""Makes the post about a recording that was brought in."""

from collections.abc import Sequence

from core.following import Announcement
from core.ingest_messages import Job
from core.messages import Passage
from core.tenancy import TenantContext
from core.transcripts import Transcript
from deployments.storing import Embedded


class Posts:
    """Writes announcements; with an analyst they sum the recording up."""

    async def announcement(
        self, transcript: Transcript, passages: Sequence[Passage], embedded: Embedded, job: Job, tenant: TenantContext
    ) -> Announcement:
        """The post about a recording, for the channel that the job names."""
        del passages, embedded
        recording = transcript.recording
        return Announcement(
            f"{tenant.tenant} {tenant.workspace} {job.job_id}",
            tenant.tenant,
            job.announce_to,
            recording.url,
            recording.title,
            recording.speaker,
            recording.duration_s,
            chapters=transcript.chapters,
        )
