"""Which units were exposed, as a sample of bounded size: what a sample-ratio check needs to count people, not calls.

A unit that comes a hundred times is one unit, so counts of calls would raise alarms that are none. Every unit has a
place in [0, 1) by a hash that has nothing to do with its variant; the sample holds the units with the lowest places, at
most `SAMPLE`, and so is a fair sample of all units that ever came ("k minimum values", Bar-Yossef et al., 2002; Beyer et
al., 2007). It is bytes, 8 for each unit in ascending order: 7 of the place, 1 of the variant's index.
"""

SAMPLE = 1_024
_PLACE_BYTES, _ROW = 7, 8
_PLACES = 2**56


def row(place: float, variant: int) -> bytes:
    """A unit's bytes in a sample: its place in [0, 1) and its variant's index, 0 to 255."""
    return int(place * _PLACES).to_bytes(_PLACE_BYTES, "big") + bytes((variant,))


def is_new(sample: bytes, unit: bytes) -> bool:
    """Whether `unit` belongs into the sample and is not in it yet."""
    at = _index(sample, unit)
    known = sample[at : at + _ROW] == unit
    return not known and (len(sample) < SAMPLE * _ROW or at < len(sample))


def with_unit(sample: bytes, unit: bytes) -> bytes:
    """The sample with one more unit, and without the last one where it is full."""
    at = _index(sample, unit)
    return (sample[:at] + unit + sample[at:])[: SAMPLE * _ROW]


def counts(sample: bytes, variants: int) -> tuple[int, ...]:
    """How many units of the sample each variant has."""
    indices = sample[_PLACE_BYTES::_ROW]
    return tuple(indices.count(index) for index in range(variants))


def distinct(sample: bytes) -> int:
    """How many units came: exact up to the sample's size, from there on to about 3 %."""
    number = len(sample) // _ROW
    if number < SAMPLE:
        return number
    last = int.from_bytes(sample[-_ROW:-1], "big")
    return round((number - 1) * _PLACES / max(1, last))


def _index(sample: bytes, unit: bytes) -> int:
    """Where `unit` stands or would stand."""
    low, high = 0, len(sample) // _ROW
    while low < high:
        middle = (low + high) // 2
        if sample[middle * _ROW : (middle + 1) * _ROW] < unit:
            low = middle + 1
        else:
            high = middle
    return low * _ROW
