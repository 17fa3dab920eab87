"""The budget ledger as an actor on a real journal: many callers at once, repeats, and restarts."""

import asyncio
import random
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from actors.budget_ledger import BudgetLedger
from actors.runtime_host import ShardConfig
from core.budget_messages import BudgetLimits, NoReservation, OverBudget, Released, Reserved, Settled
from core.entity_codec import to_json
from core.errors import BadInput
from core.spending import NOTHING, Amount, Limit, usd
from tests.actors.journals import KINDS, fresh_url
from tests.actors.residents import Clock, running

CALLERS = 256
USD_5, TOKENS_5000 = Limit(cost_usd=Decimal(5)), Limit(tokens=5_000)
LIMITS = BudgetLimits(day=USD_5, month=Limit(Decimal(50)))
Opened: TypeAlias = Callable[..., AbstractAsyncContextManager[BudgetLedger]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Opened:
    """Opens the ledger on the test's one journal."""
    url = fresh_url(request.param, tmp_path)
    return lambda *how: running(url, clock, lambda config: BudgetLedger(config, *(how or (LIMITS,))))


class Purse:
    """What the callers of a tenant know by themselves: replies that they have, and nothing else."""

    def __init__(self, limit: Limit) -> None:
        self.limit, self.out, self.spent, self.refused = limit, NOTHING, NOTHING, 0

    def move(self, plus: Amount, minus: Amount = NOTHING) -> None:
        self.out = self.out.plus(plus).minus(minus)
        assert self.limit.cost_usd is None or self.out.cost_usd <= self.limit.cost_usd
        assert self.limit.tokens is None or self.out.tokens <= self.limit.tokens

    async def caller(self, ledger: BudgetLedger, key: str, name: str, rng: random.Random) -> None:
        """Reserve, work a little, and settle for at most as much, release, or leave it open; a few times."""
        for turn in range(4):
            asked = Amount(usd(rng.choice([0.001, 0.1, 0.37, 1.25])), rng.randrange(1_000))
            reservation = f"{name}-{turn}"
            reply = await ledger.reserve(key, reservation, asked.cost_usd, asked.tokens, 600.0)
            if isinstance(reply, OverBudget):
                self.refused += 1
                continue
            self.move(asked)
            await asyncio.sleep(0)
            end = rng.choice(["settle", "settle", "release", "leave"])
            if end == "leave":
                continue
            spent = NOTHING
            if end == "settle":
                part = rng.choice(["1", "0.3"])
                spent = Amount(usd(asked.cost_usd * Decimal(part)), int(asked.tokens * float(part)))
                assert isinstance(await ledger.settle(key, reservation, spent.cost_usd, spent.tokens), Settled)
            else:
                assert isinstance(await ledger.release(key, reservation), Released)
            self.spent = self.spent.plus(spent)
            self.move(spent, asked)


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (BudgetLimits(day=USD_5), USD_5),
        (BudgetLimits(month=USD_5), USD_5),
        (BudgetLimits(day=TOKENS_5000), TOKENS_5000),
        (BudgetLimits(month=TOKENS_5000), TOKENS_5000),
        (BudgetLimits(day=Limit(Decimal(5), 9_000), month=Limit(Decimal(9), 5_000)), Limit(Decimal(5), 5_000)),
    ],
)
async def test_256_callers_at_once_never_exceed_a_limit(limits: BudgetLimits, limit: Limit, opened: Opened) -> None:
    purse = Purse(limit)
    async with opened(limits) as ledger:
        callers = (purse.caller(ledger, "guild", f"c{n}", random.Random(n)) for n in range(CALLERS))
        await asyncio.gather(*callers)
        said = await ledger.report("guild")
    assert purse.refused > CALLERS
    for window in (said.day, said.month):
        assert window.spent == purse.spent
        assert window.spent.plus(window.reserved) == purse.out
    async with opened(limits) as ledger:
        assert to_json(await ledger.report("guild")) == to_json(said)


# ---------------------------------------------------------------- once, and for good
@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("reserve", ("new", Decimal("0.5"), 10, 60.0)),
        ("settle", ("open", Decimal("0.25"), 7)),
        ("release", ("open",)),
        ("set_limits", (BudgetLimits(day=Limit(Decimal(1))),)),
    ],
)
async def test_a_repeated_call_gets_the_first_reply_and_is_done_once(
    method: str, args: tuple[Any, ...], opened: Opened, clock: Clock
) -> None:
    async with opened() as ledger:
        await ledger.reserve("guild", "open", Decimal(1), 100, 600.0)
        asked = clock.asked(method, "guild", *args)
        outcomes = [*await ledger.perform((asked, asked)), *await ledger.perform((asked,))]
        first, said = outcomes[0].result(), await ledger.report("guild")
        assert not isinstance(first, OverBudget | NoReservation)
        assert [outcome.result() for outcome in outcomes] == [first] * 3
        assert method != "settle" or (said.day.spent, said.open_reservations) == (Amount(Decimal("0.25"), 7), 0)
    async with opened() as ledger:
        assert [outcome.result() for outcome in await ledger.perform((asked,))] == [first]
        assert await ledger.report("guild") == said


async def test_money_is_the_same_to_the_last_digit_after_a_restart(opened: Opened) -> None:
    costs = [Decimal(text) for text in ("0.000000000001", "1.10", "0.1", "2E-3")]
    async with opened() as ledger:
        for number, cost in enumerate(costs):
            await ledger.reserve("guild", f"r{number}", cost, number, 600.0)
        settled = await ledger.settle("guild", "r1", Decimal("1.10"), 1)
        said = await ledger.report("guild")
    assert isinstance(settled, Settled)
    assert (str(settled.spent.cost_usd), str(said.day.spent.cost_usd)) == ("1.10", "1.10")
    async with opened() as ledger:
        again = await ledger.report("guild")
        assert str(again) == str(said)
        assert again.day.spent.plus(again.day.reserved).cost_usd == sum(costs)


async def test_a_reservation_that_was_open_at_a_restart_can_be_settled(opened: Opened) -> None:
    async with opened() as ledger:
        first = await ledger.reserve("guild", "r", Decimal(1), 0, 600.0)
    async with opened() as ledger:
        assert await ledger.reserve("guild", "r", Decimal(1), 0, 600.0) == first
        assert isinstance(await ledger.settle("guild", "r", Decimal("0.5"), 0), Settled)


async def test_what_expired_while_nothing_ran_is_charged_and_can_be_corrected(opened: Opened, clock: Clock) -> None:
    async with opened() as ledger:
        await ledger.reserve("guild", "r", Decimal(1), 0, 60.0)
    clock.ahead_s = 61.0
    async with opened() as ledger:
        said = (await ledger.report("guild")).month
        assert (said.spent, said.reserved, said.lost) == (Amount(Decimal(1)), NOTHING, 1)
        settled = await ledger.settle("guild", "r", Decimal("0.5"), 0)
        assert isinstance(settled, Settled)
        assert settled.late
        assert (await ledger.report("guild")).month.spent == Amount(Decimal("0.5"))


# ---------------------------------------------------------------- whose limits
async def test_a_tenants_limits_are_those_it_was_given_else_those_of_the_settings(opened: Opened) -> None:
    generous, poor = BudgetLimits(day=Limit(Decimal(100))), BudgetLimits(day=Limit(Decimal("0.01")))
    async with opened(LIMITS, {"rich": generous}) as ledger:
        assert isinstance(await ledger.reserve("rich", "r", Decimal(50), 0, 60.0), Reserved)
        assert isinstance(await ledger.reserve("guild", "r", Decimal(50), 0, 60.0), OverBudget)
        assert ((await ledger.report("rich")).day.limit, (await ledger.report("rich")).own_limits) == (
            generous.day,
            False,
        )
        await ledger.set_limits("rich", poor)
    async with opened(LIMITS, {"rich": generous}) as ledger:
        assert isinstance(await ledger.reserve("rich", "s", Decimal(1), 0, 60.0), OverBudget)
        assert ((await ledger.report("rich")).day.limit, (await ledger.report("rich")).own_limits) == (poor.day, True)
        await ledger.set_limits("rich", None)
        assert isinstance(await ledger.reserve("rich", "s", Decimal(50), 0, 60.0), Reserved)


async def test_limits_that_only_watch_say_what_they_would_have_refused(opened: Opened) -> None:
    async with opened(LIMITS, {}, False) as ledger:
        reply = await ledger.reserve("guild", "r", Decimal(7), 0, 60.0)
        assert isinstance(reply, Reserved)
        assert reply.beyond == "It needs up to 7 USD; of 5 USD for this day, 0 USD are spent and 0 USD reserved."
    async with opened(LIMITS) as ledger:
        assert isinstance(await ledger.reserve("guild", "s", Decimal(1), 0, 60.0), OverBudget)
        await ledger.settle("guild", "r", Decimal(6), 0)
        assert (await ledger.report("guild")).day.spent.cost_usd == 6


async def test_one_tenants_spending_is_not_anothers(opened: Opened) -> None:
    keys = ["1", "11", "1/1", "guild", "Guild", "gui%ld"]
    async with opened() as ledger:
        await asyncio.gather(*(ledger.reserve(key, "r", Decimal(n), 0, 60.0) for n, key in enumerate(keys)))
    async with opened() as ledger:
        for number, key in enumerate(keys):
            assert (await ledger.report(key)).day.reserved.cost_usd == number
        assert isinstance(await ledger.settle("stranger", "r", Decimal(1), 0), NoReservation)


@pytest.mark.parametrize(
    ("key", "name", "cost_usd", "tokens", "ttl_s"),
    [
        ("", "r", Decimal(1), 0, 60.0),
        ("x" * 201, "r", Decimal(1), 0, 60.0),
        ("guild", "", Decimal(1), 0, 60.0),
        ("guild", "r", 0.5, 0, 60.0),
        ("guild", "r", Decimal(1), 0, 0.0),
    ],
)
async def test_bad_input_is_refused_and_leaves_nothing(
    key: str, name: str, cost_usd: Any, tokens: int, ttl_s: float, opened: Opened
) -> None:
    async with opened() as ledger:
        with pytest.raises(BadInput) as refused:
            await ledger.reserve(key, name, cost_usd, tokens, ttl_s)
        assert refused.value.advice
        assert (await ledger.report("guild")).open_reservations == 0


def test_a_limit_that_is_none_is_refused_by_name_before_anything_starts(tmp_path: Path) -> None:
    config, bad = ShardConfig(fresh_url("sqlite", tmp_path)), BudgetLimits(day=Limit(Decimal("-1")))
    with pytest.raises(BadInput, match=r"^limits\.day\.cost_usd"):
        BudgetLedger(config, bad)
    with pytest.raises(BadInput, match=r"^of_tenant\['guild'\]\.day\.cost_usd"):
        BudgetLedger(config, LIMITS, {"guild": bad})
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- what a tenant costs
async def test_a_tenant_in_memory_costs_hundreds_of_bytes() -> None:
    ledger = BudgetLedger(ShardConfig(""), LIMITS)
    tenants = [f"tenant-{number:018d}" for number in range(1_000)]
    await ledger.report("another")
    tracemalloc.start()
    try:
        empty, _ = tracemalloc.get_traced_memory()
        for tenant in tenants:
            await ledger.report(tenant)
        idle, _ = tracemalloc.get_traced_memory()
        for tenant in tenants:
            await ledger.reserve(tenant, f"r-{tenant}", Decimal("0.0123"), 1_200, 60.0)
            await ledger.settle(tenant, f"r-{tenant}", Decimal("0.0100"), 1_100)
        spent, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    await ledger.close()
    assert idle - empty < 500 * len(tenants)
    assert spent - empty < 1_550 * len(tenants)  # the last commands and replies among it, for some minutes
