"""Who gets which variant of an experiment: the same for a unit in every process, on every machine, for ever.

A unit (a user, a channel, a question) has a position in [0, 1), from SHA-256 of the experiment, tenant and unit; the
variants share that line by their fractions. Experiments that must not meet share a layer: the unit's position in
the layer says which of them it is in, if any, and its position in the experiment, which is another hash, says the
variant. So the units of a variant are spread anew over the next experiment that gets the same slice
("Overlapping experiment infrastructure", Tang, Agarwal, O'Brien and Meyer, KDD 2010).
"""

import math
from collections.abc import Mapping
from hashlib import sha256

from core.entities import State
from core.errors import BadInput

_SUM_TOLERANCE = 1e-9
_POSITIONS = 2**53
_LAYER = "layer"


class Slice(State, frozen=True):
    """The part [`start`, `stop`) of the `layer` that an experiment has; the whole line by default."""

    layer: str
    start: float = 0.0
    stop: float = 1.0

    def check(self) -> "Slice":
        """This slice. Raises BadInput where it has no layer or is no part of [0, 1)."""
        if not self.layer.strip():
            raise BadInput("A slice names no layer.", "Name the layer that the experiments share.")
        if not 0.0 <= self.start < self.stop <= 1.0:
            problem = f"The slice from {self.start:g} to {self.stop:g} of layer {self.layer!r} is no part of 0 to 1."
            raise BadInput(problem, "Give a start below the stop, both within 0 and 1.")
        return self

    def holds(self, tenant: str, unit: str) -> bool:
        """Whether `unit` of `tenant` is in the experiment that has this slice."""
        return self.start <= bucket(f"{_LAYER}\0{self.layer}", tenant, unit) < self.stop


def bucket(experiment: str, tenant: str, unit: str) -> float:
    """The position of `unit` of `tenant` in `experiment`, in [0, 1), uniform over units.

    Each part goes into the hash with its length, so that no two triples are the same text. Raises BadInput where one
    is empty: everybody would have the same position.
    """
    digest = sha256()
    for name, part in (("experiment", experiment), ("tenant", tenant), ("unit", unit)):
        if not part:
            raise BadInput(f"The assignment names no {name}.", f"Pass the {name}.")
        text = part.encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "big") + text)
    return (int.from_bytes(digest.digest()[:8], "big") >> 11) / _POSITIONS


def checked_fractions(fractions: Mapping[str, float]) -> dict[str, float]:
    """The fractions of an experiment's variants, by name in order. Raises BadInput where they are no shares of 1."""
    if not fractions:
        raise BadInput("The experiment has no variants.", "Give each variant a fraction; together they make 1.")
    for name, fraction in fractions.items():
        if not name.strip():
            raise BadInput("A variant has no name.", "Name every variant.")
        # Not the other way round: NaN is neither above nor below anything.
        if not 0.0 <= fraction <= 1.0:
            problem = f"The fraction of {name!r} is {fraction:g}; it may be 0 to 1."
            raise BadInput(problem, "Give every variant a share of 1.")
    total = math.fsum(fractions.values())
    if abs(total - 1.0) > _SUM_TOLERANCE:
        listed = ", ".join(f"{name} {fraction:g}" for name, fraction in fractions.items())
        problem = f"The fractions of the variants make {total:.10g}, not 1 ({listed})."
        raise BadInput(problem, "Change them so that they make 1.")
    return dict(sorted(fractions.items()))


def variant_at(fractions: Mapping[str, float], position: float) -> str:
    """The variant that has `position` (in [0, 1)), whatever the order of the mapping; a fraction of 0 gets nobody.

    The variants lie on the line by name. Raises BadInput for fractions that `checked_fractions` refuses, or a position
    that is not on the line.
    """
    if not 0.0 <= position < 1.0:
        raise BadInput(f"The position {position:g} is not in 0 to 1.", "Pass what `bucket` gives.")
    shares = [(name, share) for name, share in checked_fractions(fractions).items() if share > 0.0]
    end = 0.0
    for name, share in shares:
        end += share
        if position < end:
            return name
    # The fractions make a little less than 1 by rounding: what is left over belongs to the last.
    return shares[-1][0]
