"""Waiting for one's turn at a host: together by the shared pace, and alone while that does not answer."""

import asyncio
import pickle
from itertools import pairwise

import pytest

from core.errors import Busy, Unavailable
from core.host_pace_messages import Outcome, PaceRules, Slot, Told, TooLong
from deployments.host_gate import GateConfig, HostGate
from tests.core.one_host import AT, Host
from tests.fakes.names import client

RULES = PaceRules(interval_s=1.0, burst=2, jitter=0.0, max_wait_s=20.0, max_interval_s=8.0, successes=2, recovery=0.5)
ALONE = PaceRules(interval_s=5.0, burst=1, jitter=0.0, max_interval_s=40.0)


class Time:
    """A clock that sleepers move: whoever sleeps wakes in order, and no time passes otherwise."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.asleep: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        waking = asyncio.get_running_loop().create_future()
        self.asleep.append((self.now_s + seconds, waking))
        await waking

    async def pass_by(self) -> None:
        """Let everybody run who can, and wake who sleeps, until nobody does."""
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            if not self.asleep:
                return
            first = min(self.asleep, key=lambda sleeper: sleeper[0])
            self.asleep.remove(first)
            if not first[1].done():
                self.now_s = max(self.now_s, first[0])
                first[1].set_result(None)


class SharedPace:
    """The real machine of each host, by the test's time; with `error`, it does not answer."""

    def __init__(self, time: Time) -> None:
        self.time, self.error, self.hangs = time, False, False
        self.hosts: dict[str, Host] = {}
        self.heard: list[tuple[str, Outcome, float]] = []
        self.taken = 0

    async def take(self, key: str, patience_s: float, epoch: int = 0) -> Slot | TooLong:
        self.taken += 1
        reply: Slot | TooLong = (await self._host(key)).take(patience_s, epoch)
        return reply

    async def told(self, key: str, outcome: Outcome, retry_after_s: float = 0.0) -> Told:
        host = await self._host(key)
        self.heard.append((key, outcome, retry_after_s))
        return Told(host.tell(outcome, retry_after_s))

    async def _host(self, key: str) -> Host:
        await asyncio.sleep(0)
        if self.error:
            raise Unavailable(key, "Its shard is gone.")
        if self.hangs:
            await asyncio.Event().wait()
        host = self.hosts.setdefault(key, Host(RULES, key))
        host.now = AT + self.time.now_s
        return host


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def pace(time: Time) -> SharedPace:
    return SharedPace(time)


def gate(pace: SharedPace, time: Time, patience_s: float = 20.0, attempt_s: float = 5.0) -> HostGate:
    config = GateConfig(patience_s, attempt_s, ALONE)
    return HostGate(pace, config, clock=lambda: time.now_s, sleep=time.sleep)


async def goes(gate: HostGate, time: Time, host: str = "shore.example") -> float | Busy:
    """When it was let through, or why not."""
    try:
        await gate.admit(host)
    except Busy as busy:
        return busy
    return time.now_s


async def times(time: Time, *callers: asyncio.Task[float | Busy]) -> list[float | Busy]:
    await time.pass_by()
    return await asyncio.gather(*callers)


# ---------------------------------------------------------------- together
async def test_callers_of_two_processes_stand_in_one_line(pace: SharedPace, time: Time) -> None:
    one, other = gate(pace, time), gate(pace, time)
    gone = await times(time, *(asyncio.create_task(goes(each, time)) for each in (one, other) * 3))
    assert gone == [0.0, 0.0, 1.0, 2.0, 3.0, 4.0]
    assert one.counts().admitted == other.counts().admitted == 3
    assert one.counts().waited_s == 1.0 + 3.0


async def test_one_host_does_not_wait_for_another(pace: SharedPace, time: Time) -> None:
    one = gate(pace, time)
    hosts = ["www.youtube.com", "m.youtube.com", "youtu.be", "a.example", "b.example"]
    gone = await times(time, *(asyncio.create_task(goes(one, time, host)) for host in hosts))
    assert gone == [0.0, 0.0, 1.0, 0.0, 0.0]


async def test_a_line_that_is_too_long_is_refused_with_when_to_come_back(pace: SharedPace, time: Time) -> None:
    one = gate(pace, time, patience_s=2.0)
    gone = await times(time, *(asyncio.create_task(goes(one, time)) for _ in range(6)))
    assert gone[:4] == [0.0, 0.0, 1.0, 2.0]
    refused = gone[4]
    assert isinstance(refused, Busy)
    assert refused.part == "shore.example"
    assert 1.0 <= refused.retry_after_s < 1.1
    assert one.counts().refused == 2


async def test_a_complaint_holds_back_those_who_wait_in_other_processes(pace: SharedPace, time: Time) -> None:
    one, other = gate(pace, time), gate(pace, time)
    callers = [asyncio.create_task(goes(one, time)) for _ in range(4)]
    for _ in range(20):
        await asyncio.sleep(0)
    other.told("shore.example", Outcome.THROTTLED, 10.0)
    gone = await times(time, *callers)
    assert gone == [0.0, 0.0, 10.0, 12.0]


async def test_what_this_process_was_told_counts_for_its_next_request(pace: SharedPace, time: Time) -> None:
    one = gate(pace, time)
    await one.admit("shore.example")
    one.told("shore.example", Outcome.THROTTLED, 7.0)
    assert await times(time, asyncio.create_task(goes(one, time))) == [7.0]


async def test_successes_are_told_only_where_they_matter(pace: SharedPace, time: Time) -> None:
    one = gate(pace, time)
    await one.admit("shore.example")
    one.told("shore.example", Outcome.SUCCESS)
    await one.close()
    assert pace.heard == []
    one.told("shore.example", Outcome.BOT_CHECK)
    await times(time, asyncio.create_task(goes(one, time)))
    for _ in range(4):
        one.told("shore.example", Outcome.SUCCESS)
    await one.close()
    assert [outcome for _, outcome, _ in pace.heard] == [Outcome.BOT_CHECK, *[Outcome.SUCCESS] * 4]
    assert not pace.hosts["host:shore.example"].report().slowed


async def test_a_caller_that_goes_away_while_it_waits_holds_nobody_up(pace: SharedPace, time: Time) -> None:
    one = gate(pace, time)
    callers = [asyncio.create_task(goes(one, time)) for _ in range(4)]
    for _ in range(20):
        await asyncio.sleep(0)
    callers[2].cancel()
    await time.pass_by()
    assert callers[3].result() == 2.0


# ---------------------------------------------------------------- alone
async def test_while_the_pace_does_not_answer_each_process_keeps_a_slower_one(pace: SharedPace, time: Time) -> None:
    pace.error = True
    one = gate(pace, time)
    gone = await times(time, *(asyncio.create_task(goes(one, time)) for _ in range(4)))
    assert gone == [0.0, 5.0, 10.0, 15.0]
    assert (one.counts().alone, one.counts().admitted) == (4, 4)


async def test_alone_too_a_complaint_is_heard(pace: SharedPace, time: Time) -> None:
    pace.error = True
    one = gate(pace, time)
    assert await times(time, asyncio.create_task(goes(one, time))) == [0.0]
    one.told("shore.example", Outcome.THROTTLED, 12.0)
    gone = await times(time, *(asyncio.create_task(goes(one, time)) for _ in range(2)))
    assert gone[0] == 12.0
    assert isinstance(gone[1], Busy)
    assert one.counts().untold == 1


async def test_a_complaint_from_before_the_outage_is_remembered_in_it(pace: SharedPace, time: Time) -> None:
    one = gate(pace, time)
    one.told("shore.example", Outcome.THROTTLED, 12.0)
    await one.close()
    pace.error = True
    assert await times(time, asyncio.create_task(goes(one, time))) == [12.0]


async def test_a_complaint_that_the_pace_cannot_be_told_of_still_holds_here(pace: SharedPace, time: Time) -> None:
    one = gate(pace, time)
    await one.admit("shore.example")
    pace.error = True
    one.told("shore.example", Outcome.BOT_CHECK)
    assert await times(time, asyncio.create_task(goes(one, time))) == [10.0]
    assert (one.counts().untold, pace.heard) == (1, [])


async def test_a_pace_that_hangs_is_waited_for_once_and_not_by_everyone(pace: SharedPace, time: Time) -> None:
    pace.hangs = True
    one = gate(pace, time, attempt_s=0.02)
    await one.admit("shore.example")
    assert pace.taken == 1
    refused = await times(time, *(asyncio.create_task(goes(one, time)) for _ in range(9)))
    assert pace.taken < 9
    assert sum(isinstance(each, Busy) for each in refused) == 5
    assert all(later - earlier == 5.0 for earlier, later in pairwise(refused[:4]))  # type: ignore[operator]


async def test_when_the_pace_answers_again_all_go_by_it(pace: SharedPace, time: Time) -> None:
    pace.error = True
    one = gate(pace, time)
    await one.admit("shore.example")
    pace.error = False
    time.now_s = 100.0
    await one.admit("shore.example")
    gone = await times(time, *(asyncio.create_task(goes(one, time)) for _ in range(3)))
    assert gone == [100.0, 101.0, 102.0]
    assert one.counts().alone == 1


async def test_what_is_kept_of_hosts_is_bounded(pace: SharedPace, time: Time) -> None:
    pace.error = True
    one = gate(pace, time)
    for number in range(1_200):
        await one.admit(f"h{number}.example")
        one.told(f"h{number}.example", Outcome.FAILED)
    await one.close()
    assert len(one._alone._lines) == len(one._alone._outages) == 1_000
    assert not one._telling


def test_it_can_travel_to_the_process_that_uses_it() -> None:
    travelled = pickle.loads(pickle.dumps(client(gate=HostGate(FakePaces()))))
    assert travelled._gate.counts().admitted == 0


class FakePaces(SharedPace):
    """One that can be pickled, as a reference can."""

    def __init__(self) -> None:
        super().__init__(Time())
