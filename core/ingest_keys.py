"""Keys of the entities that bring recordings in: a queue is a tenant's workspace's, a follower a channel's in it."""

from hashlib import blake2b

from core.errors import BadInput
from core.tenancy import TenantContext

_BETWEEN = "|"


def queue_key(tenant: TenantContext) -> str:
    """The key of a workspace's ingest queue. Raises BadInput where the workspace's name cannot be in it."""
    if _BETWEEN in tenant.workspace:
        raise BadInput(f"The workspace's name holds a {_BETWEEN}.", "Name it otherwise.")
    return f"{tenant.tenant}{_BETWEEN}{tenant.workspace}"


def tenant_of(key: str) -> TenantContext:
    """Whose queue it is."""
    tenant, _, workspace = key.rpartition(_BETWEEN)
    return TenantContext(tenant, workspace)


def follower_key(queue: str, channel_id: str) -> str:
    """The key of the follower of a channel, for the tenant's workspace whose queue is `queue`."""
    return f"{queue}{_BETWEEN}{blake2b(channel_id.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def queue_of(follower: str) -> str:
    """The key of the queue that a follower sends to."""
    return follower.rpartition(_BETWEEN)[0]
