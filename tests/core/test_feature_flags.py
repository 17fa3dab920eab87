"""A tenant's own switches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.feature_flags import SetFlag, flags_key
from tests.core.one_experiment import Registry

KNOWN = ("cache", "routing", "trimming")


@given(st.lists(st.tuples(st.sampled_from(KNOWN), st.sampled_from([True, False, None]))))
def test_the_last_word_on_a_feature_holds(steps: list[tuple[str, bool | None]]) -> None:
    flags, last = Registry(flags_key("t-1")), dict[str, bool | None]()
    for feature, value in steps:
        flags.do(SetFlag(feature, value, "u-1", KNOWN))
        last[feature] = value
    held = flags.state.flags.of_feature
    assert held == {name: value for name, value in last.items() if value is not None}
    assert list(held) == sorted(held)


def test_setting_what_is_set_writes_nothing() -> None:
    flags = Registry(flags_key("t-1"))
    for value, written in ((None, 0), (False, 1), (False, 1), (None, 2), (None, 2)):
        flags.do(SetFlag("cache", value, "u-1", KNOWN))
        assert len(flags.entries) == written


def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(BadInput, match="Choose from: cache, routing, trimming"):
        Registry(flags_key("t-1")).do(SetFlag("cahce", True, "u-1", KNOWN))
