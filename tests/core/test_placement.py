"""Which shard a key lives in: the same everywhere and forever, evenly, and with as little moving as can be."""

import subprocess
import sys
from collections import Counter
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.placement import shard_of

KEYS = st.text(max_size=50).filter(lambda key: key.isprintable())
SHARDS = st.integers(1, 40)

# Written down once. A change here would move entities away from the shards that callers look for them in.
COUNTS = (1, 2, 3, 4, 16, 64)
FROZEN = {
    "guild-1": (0, 1, 1, 1, 1, 17),
    "guild-2": (0, 0, 2, 2, 9, 20),
    "tenant:184405311681986560": (0, 1, 1, 3, 3, 27),
    "host:example.org": (0, 1, 1, 1, 11, 53),
    "a": (0, 1, 1, 3, 12, 54),
    "naïve": (0, 1, 2, 2, 4, 4),
    "鍵 🔑": (0, 0, 2, 2, 6, 16),
}


def naively(key: str, shards: int) -> int:
    """Rendezvous hashing as its paper has it: weigh every shard for the key, take the heaviest."""
    best, heaviest = -1, -1
    for shard in range(shards):
        weight = int.from_bytes(blake2b(f"{shard}|{key}".encode(), digest_size=8).digest(), "big")
        if weight > heaviest:
            best, heaviest = shard, weight
    return best


@pytest.mark.parametrize("key", FROZEN)
def test_a_key_lives_where_it_always_lived(key: str) -> None:
    assert tuple(shard_of(key, shards) for shards in COUNTS) == FROZEN[key]


@given(KEYS, SHARDS)
def test_the_heaviest_shard_has_the_key(key: str, shards: int) -> None:
    assert shard_of(key, shards) == naively(key, shards)


def test_every_process_finds_the_same_shards() -> None:
    program = "from core.placement import shard_of; print([shard_of(f'key {n}', 7) for n in range(100)])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str([shard_of(f"key {n}", 7) for n in range(100)])


@given(KEYS, SHARDS, SHARDS)
def test_a_key_moves_only_to_a_new_shard_or_from_one_that_goes(key: str, before: int, after: int) -> None:
    old, new = shard_of(key, before), shard_of(key, after)
    if old != new:
        assert new >= before if after > before else old >= after


@pytest.mark.parametrize("shards", [2, 3, 4, 8, 16])
def test_keys_are_spread_evenly(shards: int) -> None:
    keys = 4_000 * shards
    load = Counter(shard_of(f"guild-{n}", shards) for n in range(keys))
    assert load.keys() == set(range(shards))
    # Each count is binomial with mean 4,000 and a deviation of at most 63: these are more than 5 of them.
    assert min(load.values()) > 3_650
    assert max(load.values()) < 4_350


@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 5), (4, 2), (7, 8)])
def test_no_more_keys_move_than_must(before: int, after: int) -> None:
    keys = [f"guild-{n}" for n in range(8_000)]
    moved = sum(shard_of(key, before) != shard_of(key, after) for key in keys)
    share = abs(after - before) / max(after, before)
    assert abs(moved / len(keys) - share) < 0.03
