"""The supervisor keeps every shard running, whatever one of them does to it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from actors.supervisor import Supervisor
from core.errors import StartupFailed, Unavailable
from core.supervision import Rules, Watch
from tests.actors.shards import until
from tests.fakes.shards import WELL, FakeKind, FakeShard

GONE = Unavailable("Counter-1")
RULES = Rules(silent_probes=3, wait_s=10.0)

Supervise = Callable[..., Supervisor]


@pytest.fixture
async def supervise() -> AsyncIterator[Supervise]:
    made = []

    def make(*kinds: FakeKind, **options: object) -> Supervisor:
        made.append(Supervisor(kinds, rules=RULES, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        await each.close()


def of(*fakes: FakeShard, name: str = "Counter") -> FakeKind:
    return FakeKind(name, fakes)


async def test_it_watches_from_the_beginning_without_being_told_to(supervise: Supervise) -> None:
    kind = of(FakeShard(), FakeShard())
    supervise(kind)
    await until(lambda: all(fake.probed for fake in kind.fakes))


async def test_what_is_well_is_left_alone_and_shown(supervise: Supervise) -> None:
    one, two = of(FakeShard(), FakeShard()), of(FakeShard(), FakeShard(), name="Ledger")
    supervisor = supervise(one, two)
    assert not any(part.healthy for part in await supervisor.health()), "it has not looked yet"
    await supervisor.start()
    health = await supervisor.health()
    assert [part.part for part in health] == ["Counter-0", "Counter-1", "Ledger-0", "Ledger-1"]
    assert all(part.healthy for part in health)
    assert "3 in memory" in health[0].detail
    assert not any(fake.done for fake in (*one.fakes, *two.fakes))


async def test_what_is_dead_is_started_then_replaced_and_the_reason_is_shown(supervise: Supervise) -> None:
    dead = FakeShard(GONE)
    supervisor = supervise(of(FakeShard(), dead))
    for _ in range(4):
        await supervisor.look()
    assert dead.done == ["start", "start", "replace", "start"]
    _, part = await supervisor.health()
    assert not part.healthy
    assert part.detail == str(GONE)
    dead.pulses = [WELL]
    await supervisor.look()
    assert (await supervisor.health())[1].healthy


async def test_a_frozen_process_is_replaced_though_it_never_answers_to_being_started(supervise: Supervise) -> None:
    frozen = FakeShard(GONE)
    frozen.hangs = {"start"}
    supervisor = supervise(of(frozen))
    for _ in range(3):
        await asyncio.wait_for(supervisor.look(), 30)
    assert frozen.done == ["start", "start", "replace"]


@pytest.mark.parametrize(
    ("pulse", "action"),
    [
        (WELL._replace(stalled_s=60.0), "replace"),
        (WELL._replace(fenced=True), "adopt"),
    ],
)
async def test_what_hangs_is_replaced_and_what_was_fenced_is_told_to_go_on(
    supervise: Supervise, pulse: object, action: str
) -> None:
    shard = FakeShard(pulse, WELL)  # type: ignore[arg-type]
    supervisor = supervise(of(shard, FakeShard()))
    await supervisor.look()
    await supervisor.look()
    assert shard.done == [action]
    assert (await supervisor.health())[0].healthy


async def test_a_drain_that_nobody_ends_is_ended(supervise: Supervise) -> None:
    now = 1.0
    shard = FakeShard(WELL._replace(draining=True))
    supervisor = supervise(of(shard, FakeShard()), clock=lambda: now)
    await supervisor.look()
    now += RULES.drained_s
    await supervisor.look()
    assert not shard.done
    now += 1.0
    await supervisor.look()
    assert shard.done == ["adopt"]


@pytest.mark.parametrize("hangs", ["pulse", "start"])
async def test_a_shard_on_which_it_waits_holds_up_no_other(supervise: Supervise, hangs: str) -> None:
    slow, quick = FakeShard(GONE), FakeShard()
    slow.hangs.add(hangs)
    supervisor = supervise(of(slow, quick))
    for _ in range(3):
        look = asyncio.ensure_future(supervisor.look())
        probed = quick.probed
        await until(lambda probed=probed: quick.probed > probed)  # type: ignore[misc]
        look.cancel()
    assert slow.probed == 1, "it was asked again while it still had to answer"


@pytest.mark.parametrize("error", [StartupFailed("No disk.", "Buy one."), Unavailable("Ray"), ZeroDivisionError()])
@pytest.mark.parametrize("when", ["pulse", "start"])
async def test_whatever_one_shard_raises_the_others_are_watched(
    supervise: Supervise, error: Exception, when: str
) -> None:
    bad, good = FakeShard(GONE), FakeShard(WELL, GONE)
    bad.errors[when] = error
    supervisor = supervise(of(bad, good))
    for _ in range(2):
        await supervisor.look()
    assert good.done == ["start"]
    assert bad.done == ["start", "start"]
    assert not (await supervisor.health())[0].healthy


async def test_it_follows_a_kind_to_more_shards_and_to_fewer(supervise: Supervise) -> None:
    fakes = [FakeShard(WELL._replace(shards=1)) for _ in range(4)]
    kind = FakeKind("Counter", fakes, shards=1)
    supervisor = supervise(kind)
    await supervisor.look()
    for fake in fakes:
        fake.pulses = [WELL._replace(shards=4)]
    await supervisor.look()
    await supervisor.look()
    assert len(await supervisor.health()) == kind.shards == 4
    assert all(fake.probed for fake in fakes)
    for fake in fakes:
        fake.pulses = [WELL._replace(shards=2)]
    fakes[3].pulses = [GONE]
    await supervisor.look()
    done = len(fakes[3].done)
    await supervisor.look()
    assert [part.part for part in await supervisor.health()] == ["Counter-0", "Counter-1"]
    assert fakes[3].done[done:] == ["retire"], "what is not there any more was not ended, or was started"
    assert "retire" not in fakes[0].done + fakes[1].done


async def test_a_shard_that_drains_or_was_fenced_is_not_believed_about_how_many_there_are(supervise: Supervise) -> None:
    stale = FakeShard(WELL._replace(shards=9, draining=True))
    fenced = FakeShard(WELL._replace(shards=9, fenced=True))
    kind = of(stale, fenced)
    supervisor = supervise(kind)
    await supervisor.look()
    assert kind.shards == 2


async def test_gauges_are_told_of_every_look(supervise: Supervise) -> None:
    told: list[tuple[str, bool]] = []

    def gauges() -> Callable[[str, Watch], None]:
        return lambda shard, watch: told.append((shard, watch.well))

    supervisor = supervise(of(FakeShard(), FakeShard(GONE)), gauges=gauges)
    await supervisor.look()
    assert sorted(told) == [("Counter-0", True), ("Counter-1", False)]
