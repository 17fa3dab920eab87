"""The benchmarks of the durable entities: a short run of each, as a command with a Ray of its own."""

import asyncio
import json
import sys
from typing import Any

import pytest

from evals.bench.limiter import over_admitted

pytestmark = pytest.mark.timeout(300)


async def bench(*arguments: str) -> dict[str, Any]:
    """The figures that `python -m evals.bench` prints last."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "evals.bench", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-4000:]
    figures: dict[str, Any] = json.loads(output.decode().strip().splitlines()[-1])
    return figures


@pytest.mark.cluster
async def test_journal_has_every_side_of_each_round() -> None:
    figures = await bench("journal", "--rounds", "2", "--calls", "100", "--commands", "800", "--callers", "16")
    for key in ("ratio_to_undurable", "ratio_to_undurable_batched", "ratio_to_commit_per_call_batched"):
        assert 0 < figures[key]["min"] <= figures[key]["median"] <= figures[key]["max"]
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert figures["commands_per_s_batched"]["median"] > 0


@pytest.mark.cluster
async def test_limiter_has_every_side_and_a_limit_that_bites() -> None:
    figures = await bench("limiter", "--rounds", "1", "--seconds", "0.3", "--bite-seconds", "2", "--processes", "2")
    for key in ("ratio_to_redis_limits", "ratio_unleased", "ratio_unleased_single"):
        assert 0 < figures[key]["min"] <= figures[key]["median"] <= figures[key]["max"]
    assert figures["over_admitted"] == 0
    assert figures["admitted_share"] > 0.2


@pytest.mark.cluster
async def test_entities_has_a_line_for_each_size() -> None:
    figures = await bench("entities", "--smallest", "20", "--largest", "200", "--cold", "3", "--idle-s", "3")
    assert set(figures["by_n"]) == {"20", "200"}
    for line in (figures, *figures["by_n"].values()):
        assert line["recovery_s"] > 0
        assert line["cold_first_call_ms"] > 0
        assert {"bytes_per_tenant", "idle_bytes_per_tenant"} < set(line)


@pytest.mark.parametrize(
    ("taken", "over"),
    [
        ([], 0),
        ([0.0] * 5, 0),
        ([0.0] * 6, 1),
        ([0.0] * 5 + [0.1], 0),
        ([0.0] * 5 + [0.05], 1),
        ([0.1, *[0.0] * 5], 0),
        ([float(number) for number in range(50)] + [60.0] * 7, 2),
    ],
)
def test_what_is_taken_beyond_burst_and_rate_is_found(taken: list[float], over: int) -> None:
    assert over_admitted(taken, per_s=10.0, burst=5.0) == over
