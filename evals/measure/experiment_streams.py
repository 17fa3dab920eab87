"""Simulated experiments for `python -m evals experiments`: who comes when, into which variant, with which value.

Every stream is judged by the functions that the ExperimentRegistry uses, in their array form. The runs go in blocks, so
that memory stays small; whoever comes is put into a variant by chance, as a hash does.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.confidence_sequences import balanced_n, difference
from core.metric_sums import Moments, running_moments

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
# Values with a covariate or denominator, for an effect (in standard deviations) for each observation.
Draw: TypeAlias = Callable[[np.random.Generator, Floats], tuple[Floats, Floats | float]]

SINGLE_LOOK_Z = 1.959964
_BLOCK = 50


@dataclass(frozen=True, slots=True)
class Shape:
    """How a metric is distributed; `ratio` is whether it is one of two sums."""

    name: str
    draw: Draw
    ratio: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Some runs of one shape: the sums of both variants after each observation."""

    control: Moments
    treatment: Moments
    ratio: bool

    def sequence(self, alpha: float, burn_in: float) -> tuple[Floats, Floats]:
        """The effect and the half width of the confidence sequence, after each observation."""
        effect, half = difference(self.control, self.treatment, alpha, burn_in=burn_in, ratio=self.ratio)
        return np.asarray(effect), np.asarray(half)

    def single_look(self, burn_in: float) -> tuple[Floats, Floats]:
        """The effect and the half width of the interval that is meant for one look, by Welch's variance."""
        effect = np.asarray(self.treatment.mean - self.control.mean)
        variants = (self.control, self.treatment)
        each = (np.asarray(it.m2) / np.maximum(it.n - 1, 1) / np.maximum(it.n, 1) for it in variants)
        half = SINGLE_LOOK_Z * np.sqrt(sum(each, start=np.zeros_like(effect)))
        early = (half <= 0.0) | (np.asarray(balanced_n(self.control.n, self.treatment.n)) < burn_in)
        return effect, np.where(early, math.inf, half)


def blocks(
    shape: Shape, runs: int, units: int, share: float, rng: np.random.Generator, effect: float = 0.0
) -> Iterator[Block]:
    """`runs` experiments of `units` observations; treatment gets `share` of them, and `effect` standard deviations."""
    for start in range(0, runs, _BLOCK):
        taken = rng.random((min(_BLOCK, runs - start), units)) < share
        values, x = shape.draw(rng, taken.astype(np.float64) * effect)
        yield Block(running_moments(values, ~taken, x), running_moments(values, taken, x), shape.ratio)


@dataclass(frozen=True, slots=True)
class Looks:
    """When each run first excludes 0, in observations (0: never): by its confidence sequence, and for who peeks at the
    interval of a single look; and whether that interval excludes 0 at the one look that it is meant for."""

    sequence: Integers
    peeking: Integers
    planned: Bools

    @property
    def found(self) -> float:
        """The share of the runs whose confidence sequence ever excludes 0."""
        return float(np.mean(self.sequence > 0))

    @property
    def stops(self) -> Integers:
        """The observation at which each run stops that does."""
        return self.sequence[self.sequence > 0]


def watch(found: Iterable[Block], alpha: float, burn_in: float, planned: int) -> Looks:
    """Look at each block after every observation; the single look is after `planned` observations."""
    looks = []
    for block in found:
        gap, half = block.sequence(alpha, burn_in)
        sequence = first(np.abs(gap) > half)
        gap, half = block.single_look(burn_in)
        beyond = np.abs(gap) > half
        looks.append(Looks(sequence, first(beyond), beyond[:, planned - 1]))
    return together(looks)


def together(looks: Iterable[Looks]) -> Looks:
    """The runs of all of them."""
    columns = zip(*((each.sequence, each.peeking, each.planned) for each in looks), strict=True)
    sequence, peeking, planned = (np.concatenate(column) for column in columns)
    return Looks(sequence, peeking, planned)


def first(found: Bools) -> Integers:
    """The number of the observation at which each run is first `found`; 0 where it never is."""
    return np.where(found.any(axis=-1), found.argmax(axis=-1) + 1, 0)


def bernoulli(share: float) -> Draw:
    deviation = math.sqrt(share * (1 - share))

    def draw(rng: np.random.Generator, effect: Floats) -> tuple[Floats, float]:
        return (rng.random(effect.shape) < share + effect * deviation).astype(np.float64), 0.0

    return draw


def normal(rng: np.random.Generator, effect: Floats) -> tuple[Floats, float]:
    return rng.normal(1.0 + effect), 0.0


def lognormal(sigma: float) -> Draw:
    deviation = math.exp(sigma**2 / 2) * math.sqrt(math.expm1(sigma**2))

    def draw(rng: np.random.Generator, effect: Floats) -> tuple[Floats, float]:
        return rng.lognormal(0.0, sigma, effect.shape) + effect * deviation, 0.0

    return draw


def normal_with_past(rng: np.random.Generator, effect: Floats) -> tuple[Floats, Floats]:
    """A score of standard deviation 1 whose unit had a score before that correlates with it by 0.6."""
    past = rng.normal(size=effect.shape)
    return 0.6 * past + 0.8 * rng.normal(size=effect.shape) + effect, past


def cost_for_each_answer(rng: np.random.Generator, effect: Floats) -> tuple[Floats, Floats]:
    """What a user costs over how many answers he gets: users differ in both."""
    answers = 1.0 + rng.poisson(2.0, effect.shape).astype(np.float64)
    costs = answers * (rng.lognormal(0.0, 0.5, effect.shape) + effect) + rng.normal(0.0, 0.3, effect.shape)
    return costs, answers


def other_shape(rng: np.random.Generator, effect: Floats) -> tuple[Floats, float]:
    """The same mean in both variants, but treatment, where there is an effect, is far more skewed and spread."""
    return np.where(effect > 0, rng.lognormal(-0.5, 1.0, effect.shape), rng.normal(1.0, 0.5, effect.shape)), 0.0


SHAPES = (
    Shape("normal score", normal),
    Shape("latency, lognormal 0.6", lognormal(0.6)),
    Shape("cost, lognormal 1.0", lognormal(1.0)),
    Shape("rate of 0.02", bernoulli(0.02)),
    Shape("rate of 0.1", bernoulli(0.1)),
    Shape("rate of 0.5", bernoulli(0.5)),
    Shape("score with a covariate", normal_with_past),
    Shape("ratio of two sums", cost_for_each_answer, ratio=True),
)
POWER_SHAPES = (SHAPES[0], SHAPES[1], SHAPES[4], SHAPES[5])
WITH_COVARIATE = SHAPES[6]
OTHER_SHAPE = Shape("same mean, other shape", other_shape)
