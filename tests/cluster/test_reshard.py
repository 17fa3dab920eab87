"""`python -m deployments.reshard` beside a bot that runs, with callers that never stop."""

import asyncio
import os
import sys
from collections.abc import Sequence
from decimal import Decimal
from itertools import count

import pytest
import ray

from actors.runtime import NAMESPACE
from config.configuration import Configuration
from core.budget_messages import Reserved
from deployments.cluster import Running
from deployments.entities import Entities, entities

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]

TENANTS = [f"resharded-{number}" for number in range(20)]
PRICE = Decimal("0.0001")


async def spend(durable: Entities, tenant: str, done: asyncio.Event) -> int:
    """Reserve and settle for as long as the test goes on; returns how often that was acknowledged."""
    for number in count():
        if done.is_set():
            return number
        name = f"{tenant}-{number}"
        reserved = await durable.ledger.reserve(tenant, name, PRICE, 1, 60.0)
        assert isinstance(reserved, Reserved)
        await durable.ledger.settle(tenant, name, PRICE, 1)
    raise AssertionError("count never ends")


async def command(configuration: Configuration, *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "deployments.reshard", *arguments),
        env={**os.environ, "DATA_DIR": str(configuration.settings.data.dir)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


def shards_that_run(kind: str) -> Sequence[str]:
    named = ray.util.list_named_actors(all_namespaces=True)
    return sorted(
        each["name"] for each in named if each["namespace"] == NAMESPACE and each["name"].startswith(f"{kind}-")
    )


async def those_run(kind: str, names: Sequence[str]) -> None:
    """Wait until the shards that run are these: one that was moved away from may be called once more, and ends."""
    while shards_that_run(kind) != names:  # noqa: ASYNC110 - nothing tells when an actor has ended
        await asyncio.sleep(0.2)


async def test_shards_come_and_go_while_callers_go_on(bot: Running, configuration: Configuration) -> None:
    durable, done = entities(configuration.settings), asyncio.Event()
    spending = [asyncio.create_task(spend(durable, tenant, done)) for tenant in TENANTS]
    try:
        for shards in (3, 2):
            code, output = await command(configuration, "BudgetLedger", str(shards))
            assert code == 0, output
            assert f"to {shards} shards (the bot went on)" in output
            await those_run("BudgetLedger", [f"BudgetLedger-{index}" for index in range(shards)])
    finally:
        done.set()
        counts = await asyncio.gather(*spending)
    for tenant, acknowledged in zip(TENANTS, counts, strict=True):
        report = await durable.ledger.report(tenant)
        assert acknowledged > 0
        assert (report.day.spent.cost_usd, report.day.spent.tokens) == (acknowledged * PRICE, acknowledged)
        assert report.open_reservations == 0
    health = await bot.assistant.health()
    assert health.healthy, health
    code, output = await command(configuration, "BudgetLedger", "1")
    assert code == 0, output
    code, output = await command(configuration, "Budgets", "1")
    assert (code, "There is no kind" in output) == (1, True)
