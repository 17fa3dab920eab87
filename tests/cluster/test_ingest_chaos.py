"""Everybody who brings recordings in is killed while three guilds follow a channel. `make chaos` does more of it."""

import asyncio
import json
import sys

import pytest

from tests.chaos.ingest_judge import FAULTS
from tests.chaos.ingest_run import EVERYWHERE

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]


async def test_whoever_is_killed_each_upload_is_ingested_and_announced_once_for_each_guild() -> None:
    """In a process, and on a Ray, of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.chaos.ingest_run", "--videos", "60", "--kills", "40"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-6000:]
    figures = json.loads(output.decode().strip().splitlines()[-1])
    assert {fault: figures[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0)
    # Of 60 uploads one is private and one for members only; the third guild leaves one out for its title.
    assert (figures["ingested"], figures["announced"]) == (173, 173)
    killed = figures["kills_by_kind"].keys()
    assert killed >= EVERYWHERE
    assert {name.partition(":")[0] for name in killed} >= {"IngestQueue", "ChannelFollower", "HostPace", "Announcer"}
    assert figures["looks"] > 20
    assert figures["troubles"]
