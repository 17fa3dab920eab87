"""The sketch against the sorted values."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.entity_codec import to_json
from core.errors import BadInput
from core.quantile_sketch import GREATEST, RELATIVE_ERROR, SMALLEST, QuantileSketch
from tests.core.metric_streams import sketch_of

VALUES = st.lists(st.floats(SMALLEST, GREATEST), min_size=1, max_size=60)
SHARES = st.sampled_from([0.0, 0.05, 0.5, 0.9, 0.95, 0.99, 1.0])


@given(VALUES, SHARES)
def test_every_quantile_is_within_one_percent(values: list[float], share: float) -> None:
    exact = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    assert sketch_of(values).quantile(share) == pytest.approx(exact, rel=RELATIVE_ERROR * (1 + 1e-9))


@given(VALUES, VALUES)
def test_two_sketches_add_up_without_loss(one: list[float], two: list[float]) -> None:
    merged = sketch_of(one).merge(sketch_of(two))
    assert merged == sketch_of([*one, *two]) == sketch_of(two).merge(sketch_of(one))
    assert merged.merge(QuantileSketch()) == merged


def test_adding_leaves_the_sketch_before_as_it_was() -> None:
    before = sketch_of([1.0, 2.0])
    counts = dict(before.counts)
    before.add(1.0)
    before.merge(before)
    assert before.counts == counts


def test_a_sketch_is_written_down_and_read_again() -> None:
    sketch = sketch_of([0.0, 1e-12, 0.3, 7.0, 1e15])
    assert msgspec.json.decode(to_json(sketch), type=QuantileSketch) == sketch


def test_a_day_of_latencies_takes_a_few_hundred_counts() -> None:
    assert len(sketch_of(np.random.default_rng(0).lognormal(0, 1.5, 20_000)).counts) < 700


def test_what_is_too_small_or_too_great_is_counted_at_the_end() -> None:
    sketch = sketch_of([0.0, 0.0, 5e15])
    assert sketch.quantile(0.5) == pytest.approx(SMALLEST, rel=0.02)
    assert sketch.quantile(1.0) == pytest.approx(GREATEST, rel=0.02)


def test_no_values_have_no_quantile() -> None:
    assert QuantileSketch().quantile(0.95) is None


@pytest.mark.parametrize("value", [-1.0, -1e-12, float("nan"), float("inf")])
def test_a_value_that_is_no_time_or_size_is_refused(value: float) -> None:
    with pytest.raises(BadInput, match="value"):
        QuantileSketch().add(value)


@pytest.mark.parametrize("share", [-0.1, 1.1, 95.0, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(BadInput, match="quantile"):
        sketch_of([1.0]).quantile(share)


@given(VALUES)
def test_counts_above_each_bucket_fall_to_none(values: list[float]) -> None:
    sketch = sketch_of(values)
    above = sketch.above(min(sketch.counts) - 1, max(sketch.counts) + 1)
    assert above[0] == len(values)
    assert above[-1] == 0
    assert (np.diff(above) <= 0).all()
