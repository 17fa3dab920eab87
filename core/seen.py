"""Which of many ids were seen: eight bytes for each, so that tens of thousands fit into an entity's state.

An id is known by its 64-bit BLAKE2b digest. Among 100,000 ids, two share one with a chance of 3e-10 (n^2 / 2^65); then
one of them would be taken for seen.
"""

from collections.abc import Iterable
from hashlib import blake2b

from core.entities import State

_BYTES = 8
_PARTS = 64


class Seen(State, frozen=True):
    """A set of ids. `parts` are their digests by the first digest byte modulo 64, so that a change copies little."""

    parts: tuple[bytes, ...] = (b"",) * _PARTS

    def __contains__(self, name: object) -> bool:
        digest = _digest(str(name))
        return _place(self.parts[digest[0] % _PARTS], digest) >= 0

    def __len__(self) -> int:
        return sum(map(len, self.parts)) // _BYTES

    def adding(self, names: Iterable[str]) -> "Seen":
        """The set with these ids."""
        parts = list(self.parts)
        for name in names:
            digest = _digest(name)
            index = digest[0] % _PARTS
            if _place(parts[index], digest) < 0:
                parts[index] += digest
        return Seen(tuple(parts))

    def without(self, names: Iterable[str]) -> "Seen":
        """The set without these ids."""
        parts = list(self.parts)
        for name in names:
            digest = _digest(name)
            index = digest[0] % _PARTS
            at = _place(parts[index], digest)
            if at >= 0:
                parts[index] = parts[index][:at] + parts[index][at + _BYTES :]
        return Seen(tuple(parts))


def _digest(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()


def _place(part: bytes, digest: bytes) -> int:
    """Where `digest` stands in `part`, -1 if nowhere: a find that lies across two digests is none."""
    at = part.find(digest)
    while at >= 0 and at % _BYTES:
        at = part.find(digest, at + 1)
    return at
