"""Works on the tenants' queues: takes jobs under leases, keeps the leases while it works, and says how each ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from core.errors import BotError
from core.ingest_messages import Fail, Finish, Job, Leased, LeaseLost
from core.ingest_ports import IngestQueue
from deployments.background import Background

LEASE_S = 30.0
_RENEWALS = 3
_LOST_CALL_S = 1.0
Work: TypeAlias = Callable[[str, Job], Awaitable[Finish | Fail]]
_log = logging.getLogger(__name__)


class Workers:
    """Works on `at_once` jobs together: the most urgent tenant's next, and among equals that of who waited longest.

    It keeps nothing: what it leased when it dies is leased again by others, and queues ring for what they have.
    """

    def __init__(self, queue: IngestQueue, work: Work, *, at_once: int, lease_s: float = LEASE_S) -> None:
        """`work` does a job and says how it ended; it is cancelled where the lease is lost."""
        self._queue, self._work = queue, work
        self._at_once, self._lease_s = at_once, lease_s
        self._urgency: dict[str, int] = {}
        self._rings: dict[str, int] = {}
        self._served: dict[str, int] = {}
        self._turn = 0
        self._busy = 0
        self._stopped = False
        self._background = Background()

    @property
    def busy(self) -> int:
        """How many workers are at work, or look for some."""
        return self._busy

    def ring(self, tenant: str, urgency: int) -> None:
        """There is something to do for `tenant`. After `stop` nobody hears it."""
        if self._stopped:
            return
        self._urgency[tenant] = min(urgency, self._urgency.get(tenant, urgency))
        self._rings[tenant] = self._rings.get(tenant, 0) + 1
        if self._busy < self._at_once:
            self._busy += 1
            self._background.start(self._serve(), "a worker of the ingest queues")

    async def stop(self, patience_s: float = 0.0) -> None:
        """Take no more jobs; what is not done within `patience_s` is left to others."""
        self._stopped = True
        self._urgency.clear()
        await self._background.drain(patience_s)

    async def _serve(self) -> None:
        try:
            while tenant := self._next_tenant():
                await self._serve_once(tenant)
        finally:
            self._busy -= 1

    def _next_tenant(self) -> str:
        return min(self._urgency, key=lambda it: (self._urgency[it], self._served.get(it, 0)), default="")

    async def _serve_once(self, tenant: str) -> None:
        self._turn += 1
        self._served[tenant] = self._turn
        rings = self._rings.get(tenant, 0)
        try:
            leased = await self._queue.lease(tenant, self._lease_s)
        except BotError as error:
            # Its queue rings again; until then others have their turn.
            _log.warning("The queue of %s gives no job: %s", tenant, error)
            self._forget(tenant)
            await asyncio.sleep(_LOST_CALL_S)
            return
        if not isinstance(leased, Leased):
            if self._rings.get(tenant, 0) == rings:
                self._forget(tenant)
            return
        self._urgency.pop(tenant, None)
        self.ring(tenant, int(leased.job.urgency))  # a queue with one job may have more
        await self._do(tenant, leased.job)

    def _forget(self, tenant: str) -> None:
        for known in (self._urgency, self._rings, self._served):
            known.pop(tenant, None)

    async def _do(self, tenant: str, job: Job) -> None:
        working = asyncio.ensure_future(self._work(tenant, job))
        renewing = asyncio.ensure_future(self._renew(tenant, job))
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await self._tell(tenant, job, working.result())
            else:
                _log.warning("The lease of %s was lost; its work is given up", job.job_id)
        except BotError as error:
            _log.warning("How %s ended could not be told, it will be done again: %s", job.job_id, error)
        except Exception:  # noqa: BLE001 - the outermost edge: the lease runs out, and others have their turn
            _log.exception("The work on %s ended with a defect", job.job_id)
        finally:
            for task in (working, renewing):
                task.cancel()
            await asyncio.gather(working, renewing, return_exceptions=True)

    async def _tell(self, tenant: str, job: Job, ended: Finish | Fail) -> None:
        told = self._queue.finish(tenant, ended) if isinstance(ended, Finish) else self._queue.fail(tenant, ended)
        if isinstance(await told, LeaseLost):
            _log.warning("%s ended after its lease was lost", job.job_id)

    async def _renew(self, tenant: str, job: Job) -> None:
        """Keep the lease; returns when it is lost."""
        while True:
            await asyncio.sleep(self._lease_s / _RENEWALS)
            try:
                if isinstance(await self._queue.renew(tenant, job.job_id, job.lease, self._lease_s), LeaseLost):
                    return
            except BotError as error:
                _log.warning("The lease of %s could not be renewed: %s", job.job_id, error)
