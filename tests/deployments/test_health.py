"""The probe: every part is asked, and one that is down or hangs hides no other."""

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from core.errors import Unavailable
from core.messages import Library, PartHealth
from core.tenancy import TenantContext
from deployments import health
from deployments.health import Probe, store_health
from tests.fakes.store import MemoryStore

SHARDS = (PartHealth("BudgetLedger-0", True, "3 in memory"), PartHealth("BudgetLedger-1", False, "hangs since 12 s"))


async def shards() -> Sequence[PartHealth]:
    return SHARDS


async def hangs() -> Sequence[PartHealth]:
    await asyncio.Event().wait()
    return ()


async def fails() -> Sequence[PartHealth]:
    raise Unavailable("Supervisor", "It is being restarted.")


async def test_every_shard_is_there_with_its_reason() -> None:
    probe = Probe({"TranscriptStore": partial(store_health, MemoryStore()), "Supervisor": shards})
    assert await probe() == (PartHealth("TranscriptStore", True), *SHARDS)


async def test_a_part_that_hangs_or_fails_is_told_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PART_S", 0.05)
    probe = Probe({"Serve": hangs, "Supervisor": fails, "Others": shards})
    assert await probe() == (
        PartHealth("Serve", False, "did not answer within 0.05 s"),
        PartHealth("Supervisor", False, "Supervisor is not available. It is being restarted."),
        *SHARDS,
    )


async def test_a_store_that_is_down_is_told() -> None:
    class DownStore(MemoryStore):
        async def library(self, tenant: TenantContext) -> Library:
            raise Unavailable("TranscriptStore", f"It lost {tenant.tenant}.")

    (told,) = await Probe({"TranscriptStore": partial(store_health, DownStore())})()
    assert (told.part, told.healthy) == ("TranscriptStore", False)
    assert "not available" in told.detail
