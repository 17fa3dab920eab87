"""Shards are killed under load, in every way, for at least a minute. `make chaos` does the same for longer."""

import asyncio
import json
import sys

import pytest

from tests.chaos.run import FAULTS, WAYS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]


async def chaos(*arguments: str) -> dict[str, object]:
    """The figures of a run in a process, and on a Ray, of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.chaos", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-6000:]
    figures: dict[str, object] = json.loads(output.decode().strip().splitlines()[-1])
    return figures


async def test_whatever_is_killed_what_was_acknowledged_is_kept_once_and_no_limit_is_exceeded() -> None:
    figures = await chaos("--seconds", "60")
    assert {fault: figures[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0)
    by_way = figures["kills_by_step"]
    assert isinstance(by_way, dict)
    assert set(WAYS) <= set(by_way), "a step of a write was never killed at"
    assert isinstance(figures["acknowledged"], int)
    assert figures["acknowledged"] > 1_000


async def test_the_same_on_postgresql_which_crashes_too() -> None:
    figures = await chaos("--seconds", "35", "--postgres")
    assert {fault: figures[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0)
    by_way = figures["kills_by_step"]
    assert isinstance(by_way, dict)
    assert by_way["database"] >= 1
