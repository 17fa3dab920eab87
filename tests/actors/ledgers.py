"""Journals that a budget ledger in process wrote, and the inspection of them."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors import inspect
from actors.budget_ledger import BudgetLedger
from actors.runtime_host import ShardConfig
from core.budget_messages import BudgetLimits
from core.spending import Limit
from tests.actors.journals import ROOT

LIMITS = BudgetLimits(day=Limit(Decimal("1.2"), 5_000))
RESERVE = (
    '{"type":"Reserve","reservation_id":"asked","asked":{"cost_usd":"0.7"},"ttl_s":60,'
    '"limits":{"day":{"cost_usd":"1.2","tokens":5000}}}'
)


@asynccontextmanager
async def ledger(url: str) -> AsyncIterator[BudgetLedger]:
    """A ledger in process, on a journal that is made if it is not there."""
    opened = BudgetLedger(ShardConfig(url), LIMITS)
    try:
        yield opened
    finally:
        await opened.close()


async def spend(budgets: BudgetLedger, key: str) -> None:
    """Three entries: reserve 0.5, settle it for 0.41, reserve 0.7; then a refusal, which leaves none."""
    await budgets.reserve(key, "r-1", Decimal("0.50"), 1_000, 300.0)
    await budgets.settle(key, "r-1", Decimal("0.41"), 812)
    await budgets.reserve(key, "r-2", Decimal("0.7"), 1_000, 300.0)
    await budgets.reserve(key, "r-3", Decimal("0.7"), 1_000, 300.0)


async def fill(budgets: BudgetLedger, key: str, entries: int) -> None:
    """So many entries, an even number: reservations that are released."""
    for number in range(entries // 2):
        await budgets.reserve(key, f"r-{number}", Decimal("0.1"), number, 300.0)
        await budgets.release(key, f"r-{number}")


@dataclass(frozen=True, slots=True)
class Told:
    """What the command printed and returned."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def document(self) -> Any:
        """The one JSON object that was printed."""
        (line,) = self.lines
        return msgspec.json.decode(line)

    def refusal(self) -> str:
        """Why it could not be told: one line, and nothing else."""
        assert (self.code, self.out) == (2, "")
        assert self.err.count("\n") == 1
        return self.err


Inspect = Callable[..., Told]


def inspecting(capsys: pytest.CaptureFixture[str], url: str = "") -> Inspect:
    """The command in this process, on one journal; without a `url` on the one that is named in the call."""

    def run(*arguments: object) -> Told:
        code = inspect.main([*map(str, arguments), *(["--journal", url] if url else [])])
        printed = capsys.readouterr()
        return Told(code, printed.out, printed.err)

    return run


def spawned(*arguments: object, **variables: str) -> Told:
    """The command as a process of its own, with `variables` in its environment."""
    command = [sys.executable, "-m", "actors.inspect", *map(str, arguments)]
    env = {**os.environ, **variables}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    return Told(done.returncode, done.stdout, done.stderr)
