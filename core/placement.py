"""Which shard an entity lives in: rendezvous hashing, so that going from N to M shards moves as few as possible."""

from functools import lru_cache
from hashlib import blake2b


@lru_cache(maxsize=65_536)
def shard_of(key: str, shards: int) -> int:
    """The shard, 0 to `shards` - 1, of the entity `key`: the same in every process, on every machine, forever.

    "Highest random weight", D. Thaler and C. Ravishankar, IEEE/ACM Transactions on Networking 6(1), 1998: each shard
    gets a weight for the key and the highest wins, so a new shard only takes keys, a removed one only gives its own.
    """
    return max(range(shards), key=lambda shard: blake2b(f"{shard}|{key}".encode(), digest_size=8).digest())
