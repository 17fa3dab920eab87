"""Streaming sums against the formulas over all values at once."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.entity_codec import to_json
from core.errors import BadInput
from core.metric_sums import MetricSums, running_moments
from tests.core.metric_streams import Pairs, pairs, sums_of


def near(expected: Any) -> Any:
    return pytest.approx(expected, rel=1e-9, abs=1e-6)


@given(pairs())
def test_adding_one_by_one_gives_what_all_at_once_gives(found: Pairs) -> None:
    sums, (y, x) = sums_of(found), np.array(found, dtype=float).reshape(-1, 2).T
    assert sums.n == len(found)
    assert sums.total == near(y.sum())
    if len(found) > 1:
        assert sums.variance == near(y.var(ddof=1))
        assert sums.xy / (sums.n - 1) == near(np.cov(x, y)[0, 1])
        assert sums.x_m2 / (sums.n - 1) == near(x.var(ddof=1))


@given(pairs(), pairs(), pairs())
def test_merging_is_adding_in_whatever_order(one: Pairs, two: Pairs, three: Pairs) -> None:
    whole = sums_of([*one, *two, *three])
    for merged in (
        sums_of(one).merge(sums_of(two)).merge(sums_of(three)),
        sums_of(three).merge(sums_of(two).merge(sums_of(one))),
    ):
        assert merged.n == whole.n
        assert merged.moments == near(whole.moments)


@given(pairs(min_size=1), st.data())
def test_the_array_form_holds_the_sums_after_each_observation(found: Pairs, data: st.DataObject) -> None:
    taken = data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found)))
    y, x = np.array(found, dtype=float).T
    moments = running_moments(y, np.array(taken), x)
    sums = MetricSums()
    for number, ((value, covariate), mine) in enumerate(zip(found, taken, strict=True)):
        sums = sums.add(value, covariate) if mine else sums
        assert [np.asarray(column)[number] for column in moments] == pytest.approx(sums.moments, rel=1e-7, abs=1e-3)


def test_many_values_far_from_zero_keep_their_variance() -> None:
    values = 1e9 + np.random.default_rng(0).normal(size=5_000)
    sums = sums_of([(value, 0.0) for value in values])
    assert sums.variance == pytest.approx(values.var(ddof=1), rel=1e-6)


def test_no_values_and_one_have_no_variance() -> None:
    assert MetricSums().variance == 0.0
    assert MetricSums().add(3.0).variance == 0.0
    assert MetricSums().merge(MetricSums()) == MetricSums()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e200])
def test_what_is_no_number_is_refused_and_says_so(value: float) -> None:
    sums = MetricSums().add(1.0)
    with pytest.raises(BadInput, match="The value of the metric is"):
        sums.add(value)
    with pytest.raises(BadInput, match="The covariate of the metric is"):
        sums.add(1.0, value)


def test_the_greatest_numbers_are_written_down_and_read_again() -> None:
    sums = MetricSums().add(1e100, -1e100).add(-1e100, 1e100).add(0.1, 1 / 3)
    assert msgspec.json.decode(to_json(sums), type=MetricSums) == sums
