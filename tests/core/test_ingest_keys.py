"""Keys of queues and followers: each leads back to its tenant, and no two tenants share one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.ingest_keys import follower_key, queue_key, queue_of, tenant_of
from core.tenancy import TenantContext

NAMES = st.text(min_size=1, max_size=30)
WORKSPACES = st.text(min_size=1, max_size=30).filter(lambda name: "|" not in name)


def usable(tenant: str, workspace: str) -> TenantContext | None:
    """The tenant, None where there cannot be one of that name."""
    try:
        return TenantContext(tenant, workspace)
    except BadInput:
        return None


TENANTS = st.builds(usable, NAMES, WORKSPACES).filter(lambda it: it is not None)


@given(TENANTS)
def test_a_queue_leads_back_to_its_tenant(tenant: TenantContext) -> None:
    assert tenant_of(queue_key(tenant)) == TenantContext(tenant.tenant, tenant.workspace)


@given(TENANTS, TENANTS)
def test_no_two_workspaces_share_a_queue(one: TenantContext, other: TenantContext) -> None:
    same = (one.tenant, one.workspace) == (other.tenant, other.workspace)
    assert (queue_key(one) == queue_key(other)) == same


@given(TENANTS, st.text(max_size=200))
def test_a_follower_leads_back_to_its_queue_whatever_its_channel_is_called(tenant: TenantContext, channel: str) -> None:
    queue = queue_key(tenant)
    key = follower_key(queue, channel)
    assert queue_of(key) == queue
    assert len(key) < len(queue) + 20


@given(TENANTS, NAMES, NAMES)
def test_no_two_channels_share_a_follower(tenant: TenantContext, one: str, other: str) -> None:
    queue = queue_key(tenant)
    assert (follower_key(queue, one) == follower_key(queue, other)) == (one == other)


def test_a_workspace_whose_name_would_be_another_tenants_is_refused() -> None:
    with pytest.raises(BadInput):
        queue_key(TenantContext("guild", "a|b"))


def test_who_asks_makes_no_other_queue() -> None:
    assert queue_key(TenantContext("guild", "w", "member-1")) == queue_key(TenantContext("guild", "w", "member-2"))
