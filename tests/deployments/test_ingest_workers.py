"""Workers: whose job is next, how many at once, leases that are kept or lost, and work that goes wrong."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from core.errors import Unavailable
from core.ingest_messages import Done, Fail, Finish, Job, Leased, LeaseLost, NothingToDo, Urgency
from deployments.ingest_workers import Work, Workers

PERSON, NEWS, BACKFILL = Urgency.PERSON, Urgency.NEWS, Urgency.BACKFILL


class Board:
    """The jobs of several tenants: the part of an ingest queue that workers see."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Job]] = defaultdict(list)
        self.ended: list[tuple[str, Finish | Fail]] = []
        self.renewed: list[str] = []
        self.lost: set[str] = set()
        self.down: set[str] = set()
        self.error: Exception | None = None
        self.leased = 0

    def put(self, tenant: str, *names: str, urgency: Urgency = NEWS) -> None:
        self.waiting[tenant] += [Job(name, 1, f"https://shore.example/{name}", name, urgency) for name in names]
        self.waiting[tenant].sort(key=lambda job: job.urgency)

    async def lease(self, key: str, lease_s: float) -> Leased | NothingToDo:  # noqa: ARG002
        if key in self.down:
            raise Unavailable("IngestQueue", "Try again.")
        if not self.waiting[key]:
            return NothingToDo(None)
        self.leased += 1
        return Leased(0.0, self.waiting[key].pop(0))

    async def renew(self, key: str, job_id: str, lease: int, lease_s: float) -> Done | LeaseLost:  # noqa: ARG002
        self.renewed.append(job_id)
        if self.error is not None:
            raise self.error
        return LeaseLost(job_id) if job_id in self.lost else Done()

    async def finish(self, key: str, finish: Finish) -> Done | LeaseLost:
        return self._end(key, finish)

    async def fail(self, key: str, fail: Fail) -> Done | LeaseLost:
        return self._end(key, fail)

    def _end(self, key: str, ended: Finish | Fail) -> Done | LeaseLost:
        if key in self.down:
            raise Unavailable("IngestQueue", "Try again.")
        self.ended.append((key, ended))
        return LeaseLost(ended.job_id) if ended.job_id in self.lost else Done()

    def names(self) -> list[str]:
        return [ended.job_id for _, ended in self.ended]


class Bench:
    """Work that is held up until `go`, and says what is under way."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.now: set[str] = set()
        self.most = 0
        self.cancelled: list[str] = []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, key: str, job: Job) -> Finish | Fail:  # noqa: ARG002
        self.begun.append(job.job_id)
        self.now.add(job.job_id)
        self.most = max(self.most, len(self.now))
        try:
            await self.go.wait()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled.append(job.job_id)
            raise
        finally:
            self.now.discard(job.job_id)
        return Finish(job.job_id, job.lease)


@asynccontextmanager
async def working(board: Board, work: Work, at_once: int = 1, lease_s: float = 30.0) -> AsyncIterator[Workers]:
    workers = Workers(board, work, at_once=at_once, lease_s=lease_s)  # type: ignore[arg-type]
    try:
        yield workers
    finally:
        await workers.stop()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - several states are waited for
            await asyncio.sleep(0.005)


async def test_one_ring_is_enough_for_all_jobs_and_then_nobody_is_busy() -> None:
    board, bench = Board(), Bench()
    board.put("a", *(f"a{number}" for number in range(20)))
    async with working(board, bench, at_once=3) as workers:
        workers.ring("a", NEWS)
        await until(lambda: len(board.ended) == 20 and not workers.busy)
        assert sorted(board.names()) == sorted(f"a{number}" for number in range(20))


async def test_no_more_jobs_than_allowed_are_worked_on_however_often_it_rings() -> None:
    board, bench = Board(), Bench()
    board.put("a", *(f"a{number}" for number in range(12)))
    bench.go.clear()
    async with working(board, bench, at_once=4) as workers:
        for _ in range(50):
            workers.ring("a", NEWS)
        await until(lambda: len(bench.now) == 4)
        for _ in range(50):
            workers.ring("a", NEWS)
        await asyncio.sleep(0.02)
        assert (board.leased, workers.busy) == (4, 4)
        bench.go.set()
        await until(lambda: len(board.ended) == 12)
    assert bench.most == 4


async def test_a_tenant_with_many_jobs_leaves_every_second_turn_to_one_with_few() -> None:
    board, bench = Board(), Bench()
    board.put("many", *(f"m{number}" for number in range(10)), urgency=BACKFILL)
    board.put("few", "f0", "f1", urgency=BACKFILL)
    async with working(board, bench) as workers:
        workers.ring("many", BACKFILL)
        workers.ring("few", BACKFILL)
        await until(lambda: len(board.ended) == 12)
    assert {"f0", "f1"} <= set(board.names()[:5])


async def test_a_persons_job_of_one_tenant_goes_before_the_backfill_of_another() -> None:
    board, bench = Board(), Bench()
    board.put("many", *(f"m{number}" for number in range(10)), urgency=BACKFILL)
    bench.go.clear()
    async with working(board, bench) as workers:
        workers.ring("many", BACKFILL)
        await until(lambda: len(bench.begun) == 1)
        board.put("one", "p", urgency=PERSON)
        workers.ring("one", PERSON)
        bench.go.set()
        await until(lambda: len(board.ended) == 11)
    assert board.names()[1] == "p"


async def test_what_rings_between_the_look_and_its_answer_is_not_forgotten() -> None:
    bench = Bench()

    class Late(Board):
        async def lease(self, key: str, lease_s: float) -> Leased | NothingToDo:
            found = await super().lease(key, lease_s)
            if isinstance(found, NothingToDo) and not self.ended:
                self.put(key, "late")
                workers.ring(key, NEWS)
            return found

    board = Late()
    async with working(board, bench) as workers:
        workers.ring("a", NEWS)
        await until(lambda: board.names() == ["late"])


async def test_a_lease_is_kept_while_the_work_goes_on() -> None:
    board, bench = Board(), Bench()
    board.put("a", "slow")
    bench.go.clear()
    async with working(board, bench, lease_s=0.03) as workers:
        workers.ring("a", NEWS)
        await until(lambda: len(board.renewed) >= 3)
        bench.go.set()
        await until(lambda: board.names() == ["slow"])
        renewed = len(board.renewed)
        await asyncio.sleep(0.05)
    assert len(board.renewed) == renewed


async def test_work_whose_lease_is_lost_is_cancelled_and_tells_nothing() -> None:
    board, bench = Board(), Bench()
    board.put("a", "slow", "next")
    bench.go.clear()
    async with working(board, bench, lease_s=0.03) as workers:
        workers.ring("a", NEWS)
        await until(lambda: "slow" in bench.now)
        board.lost.add("slow")
        await until(lambda: "slow" in bench.cancelled)
        bench.go.set()
        await until(lambda: board.names() == ["next"])


async def test_a_queue_that_is_away_for_a_moment_costs_no_lease() -> None:
    board, bench = Board(), Bench()
    board.put("a", "slow")
    bench.go.clear()
    async with working(board, bench, lease_s=0.03) as workers:
        workers.ring("a", NEWS)
        board.error = Unavailable("IngestQueue", "Try again.")
        await until(lambda: len(board.renewed) >= 2)
        board.error = None
        bench.go.set()
        await until(lambda: board.names() == ["slow"])
    assert bench.cancelled == []


async def test_an_end_that_came_too_late_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    board, bench = Board(), Bench()
    board.put("a", "late")
    board.lost.add("late")
    with caplog.at_level(logging.WARNING):
        async with working(board, bench) as workers:
            workers.ring("a", NEWS)
            await until(lambda: board.names() == ["late"] and not workers.busy)
    assert "late ended after its lease was lost" in caplog.text


async def test_a_tenant_whose_queue_is_down_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    board, bench = Board(), Bench()
    board.put("down", "d")
    board.put("up", "u")
    board.down.add("down")
    async with working(board, bench, at_once=2) as workers:
        workers.ring("down", PERSON)
        workers.ring("up", BACKFILL)
        await until(lambda: board.names() == ["u"])
        await until(lambda: not workers.busy)
        assert "The queue of down gives no job" in caplog.text
        board.down.clear()
        workers.ring("down", PERSON)
        await until(lambda: board.names() == ["u", "d"])


async def test_an_end_that_cannot_be_told_ends_no_worker(caplog: pytest.LogCaptureFixture) -> None:
    board, bench = Board(), Bench()
    board.put("a", "untold")
    board.put("b", "told")
    bench.go.clear()
    async with working(board, bench) as workers:
        workers.ring("a", PERSON)
        await until(lambda: "untold" in bench.now)
        board.down.add("a")
        workers.ring("b", NEWS)
        bench.go.set()
        await until(lambda: board.names() == ["told"])
    assert "How untold ended could not be told" in caplog.text


async def test_a_work_that_raises_is_logged_and_ends_no_worker(caplog: pytest.LogCaptureFixture) -> None:
    board = Board()
    board.put("a", "odd", "fine")

    async def work(key: str, job: Job) -> Finish | Fail:  # noqa: ARG001
        if job.job_id == "odd":
            raise ValueError("a defect")
        return Finish(job.job_id, job.lease)

    async with working(board, work) as workers:
        workers.ring("a", NEWS)
        await until(lambda: board.names() == ["fine"])
        await until(lambda: not workers.busy)
    assert "The work on odd ended with a defect" in caplog.text


async def test_stopping_takes_no_more_jobs_and_leaves_what_is_not_done_to_others() -> None:
    board, bench = Board(), Bench()
    board.put("a", "first", "second")
    bench.go.clear()
    workers = Workers(board, bench, at_once=1)  # type: ignore[arg-type]
    workers.ring("a", NEWS)
    await until(lambda: "first" in bench.now)
    await workers.stop(0.01)
    assert (bench.cancelled, board.ended, [job.job_id for job in board.waiting["a"]]) == (["first"], [], ["second"])


async def test_stopping_waits_for_what_is_nearly_done_and_hears_no_ring() -> None:
    board, bench = Board(), Bench()
    board.put("a", "first", "second")
    bench.go.clear()
    workers = Workers(board, bench, at_once=1)  # type: ignore[arg-type]
    workers.ring("a", NEWS)
    await until(lambda: "first" in bench.now)
    loop = asyncio.get_running_loop()
    loop.call_later(0.01, workers.ring, "a", NEWS)
    loop.call_later(0.02, bench.go.set)
    await workers.stop(5.0)
    workers.ring("a", NEWS)
    assert (board.names(), bench.cancelled, workers.busy) == (["first"], [], 0)
