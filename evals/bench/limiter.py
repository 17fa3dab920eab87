"""Rate limit decisions a second from `processes` processes at once, ours beside `limits` on a Redis server.

Each side decides for the same `keys` tenants, in turn in each round of one run, each process for `seconds`:

- leased: a `LeasedLimiter` in each process over one durable RateLimiter (an actor, SQLite journal); limits that allow
  nearly everything, so that what is counted are decisions and not waits;
- unleased: each decision asks the durable RateLimiter, `at_once` decisions of a process as one message;
- unleased_single: the same, each decision a message of its own, `at_once` of them under way;
- limits: the `limits` package, fixed windows (its cheapest strategy: one atomic Redis command), on a local Redis server
  over a Unix socket; a connection and a decision at a time, as its synchronous client works, and `threads` of those.

`over_admitted` is from runs in which the limit bites: all processes take as fast as they can from one tenant, each
keeps the time of every token that it was granted (CLOCK_MONOTONIC is one clock for all processes), and afterwards no
window of time may hold more than `burst + rate * length` of them. `admitted_share` says how much of that was used.
"""

import multiprocessing
import tempfile
from collections.abc import Mapping
from pathlib import Path

from evals.measure.limiter_sides import admissions, redis_server, serving, side_rate
from evals.measure.spread import spread

RATE_PER_S, BURST = 200.0, 50.0


def run(
    *,
    processes: int = 4,
    seconds: float = 2.0,
    rounds: int = 5,
    keys: int = 16,
    at_once: int = 100,
    threads: int = 4,
    bite_seconds: float = 5.0,
) -> Mapping[str, object]:
    """Start Ray and Redis, measure, stop both."""
    rates: dict[str, list[float]] = {"leased": [], "unleased": [], "unleased_single": [], "limits": []}
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        redis_server(Path(folder)) as socket,
        serving(Path(folder), RATE_PER_S, BURST) as place,
        multiprocessing.get_context("spawn").Pool(processes) as pool,
    ):
        for number in range(-1, rounds):  # the first round warms up
            for side, of_side in rates.items():
                size = threads if side == "limits" else at_once
                jobs = [(side, place, socket, keys, seconds if number >= 0 else 0.5, size)] * processes
                of_side.append(sum(pool.starmap(side_rate, jobs, chunksize=1)))
                if number < 0:
                    of_side.clear()
            if number >= 0:
                print(", ".join(f"{side} {of_side[-1]:,.0f}/s" for side, of_side in rates.items()))
        granted = pool.starmap(admissions, [(place, bite_seconds)] * processes, chunksize=1)
    taken = [at for times in granted for at in times]
    return {
        "ratio_to_redis_limits": spread(_ratios(rates["leased"], rates["limits"]), 1),
        "ratio_unleased": spread(_ratios(rates["unleased"], rates["limits"])),
        "ratio_unleased_single": spread(_ratios(rates["unleased_single"], rates["limits"])),
        "over_admitted": over_admitted(taken, RATE_PER_S, BURST),
        "admitted_share": round(len(taken) / (BURST + RATE_PER_S * bite_seconds), 3),
        **{f"{side}_per_s": spread(of_side, 0) for side, of_side in rates.items()},
        "processes": processes,
    }


def over_admitted(taken: list[float], per_s: float, burst: float) -> int:
    """How many tokens too many the worst window holds: over all pairs of times, count - (burst + rate * length).

    One pass: a bucket that is filled by `per_s` and emptied by each token may never be short of one (a token bucket
    admits exactly the sequences that keep within burst + rate * length in every window).
    """
    times = sorted(taken)
    level, last, worst = burst, times[0] if times else 0.0, 0.0
    for at in times:
        level = min(burst, level + per_s * (at - last)) - 1.0
        last = at
        worst = min(worst, level)
    return -int(worst // 1) if worst < -1e-6 else 0


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]
