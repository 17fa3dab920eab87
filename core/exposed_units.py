"""Which units were exposed: the first `MOST` of a phase, because a sample-ratio check has to count people, not calls.

A unit that comes a hundred times is one unit: counts of calls would raise alarms that are none. What has to be
remembered for that is bounded, and the check is as good as its size: with halves, 2,048 units show a share of 0.46.
Losing outcomes later on is another check. The units are bytes, 8 for each in ascending order: 7 of a hash, 1 of the
variant's index.
"""

MOST = 2_048
_HASH_BYTES, _ROW = 7, 8
_HASHES = 2**56


def row(place: float, variant: int) -> bytes:
    """A unit's bytes: its hash as a place in [0, 1), and its variant's index, 0 to 255."""
    return int(place * _HASHES).to_bytes(_HASH_BYTES, "big") + bytes((variant,))


def is_new(units: bytes, unit: bytes) -> bool:
    """Whether `unit` is to be added: it is not there, and there is room."""
    at = _index(units, unit)
    return len(units) < MOST * _ROW and units[at : at + _ROW] != unit


def with_unit(units: bytes, unit: bytes) -> bytes:
    """The units and one more, which `is_new`."""
    at = _index(units, unit)
    return units[:at] + unit + units[at:]


def counts(units: bytes, variants: int) -> tuple[int, ...]:
    """How many units each variant has."""
    indices = units[_HASH_BYTES::_ROW]
    return tuple(indices.count(index) for index in range(variants))


def _index(units: bytes, unit: bytes) -> int:
    """Where `unit` stands or would stand."""
    low, high = 0, len(units) // _ROW
    while low < high:
        middle = (low + high) // 2
        if units[middle * _ROW : (middle + 1) * _ROW] < unit:
            low = middle + 1
        else:
            high = middle
    return low * _ROW
