"""Wakes the workers of ingest, from wherever a queue lives: the port `core.ingest_ports.Bell` over Serve."""

from ray import serve

from core.errors import Unavailable
from deployments.handles import serve_reference
from deployments.ingest_replica import IngestReplica

APP = "bot"
RING_S = 10.0


class IngestBell:
    """Rings at the deployment that runs under its name; it is found anew at every ring, and pickles as nothing."""

    async def ring(self, key: str, urgency: int) -> None:
        """There is something to do in the queue `key`. Raises Unavailable while no worker runs."""
        try:
            handle = serve.get_deployment_handle(IngestReplica.__name__, APP)
        except Exception as error:
            raise Unavailable("Ingest", "It is being started; it will be rung for again.") from error
        await serve_reference(IngestReplica, handle, RING_S).ring(key, urgency)
