"""What a rate limiter does not take: keys, users, amounts and limits that are none."""

import math
from typing import Any

import pytest

from core.errors import BadInput
from core.rate_limit_messages import Command, Lease, SetLimits, Settle, Take
from core.rate_limits import KIND, MAX_TTL_S
from core.token_buckets import Limits, Rate
from tests.core.rate_limiters import LIMITS, Limiter


@pytest.mark.parametrize(
    "key", ["", "tenant:", "tenant: ", "tenant", "user:1", "123", "Tenant:1", "tenant:\n1", "x" * 300]
)
def test_what_is_no_tenants_or_hosts_key_is_refused(key: str) -> None:
    with pytest.raises(BadInput):
        KIND.initial(key)


NUMBERS = [math.nan, math.inf, -math.inf, -1.0, 1e300, True, "1", None]


@pytest.mark.parametrize("bad", [0.0, *NUMBERS])
def test_a_cost_that_is_no_number_above_0_is_refused(bad: Any) -> None:
    with pytest.raises(BadInput, match="cost"):
        Limiter().take("ada", bad)


@pytest.mark.parametrize("bad", NUMBERS)
@pytest.mark.parametrize("name", ["tokens", "at_least", "ttl_s", "used", "renews"])
def test_a_lease_of_no_numbers_is_refused_and_changes_nothing(name: str, bad: Any) -> None:
    limiter = Limiter()
    good = {"tokens": 2.0, "at_least": 1.0, "ttl_s": 1.0, "used": 0.0, "renews": 0}
    with pytest.raises(BadInput):
        limiter.do(Lease(LIMITS, "ada", **{**good, name: bad}))
    assert limiter.state == KIND.initial("tenant:1")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (Lease(LIMITS, "", 1.0, 2.0, 1.0), "cannot hold at least 2"),
        (Lease(LIMITS, "", 1.0, 1.0, MAX_TTL_S + 1), "ttl_s"),
        (Settle(LIMITS, 1, 0.0), "never granted"),
        (Settle(LIMITS, -1, 0.0), "no lease"),
        (SetLimits(Limits(Rate(-1.0, 5.0))), "rate"),
        (SetLimits(Limits(Rate(math.nan, 5.0))), "rate"),
        (SetLimits(Limits(Rate(1e-12, 5.0))), "rate"),
        (SetLimits(Limits(Rate(1.0, 0.5))), "burst"),
        (SetLimits(Limits(None, Rate(1.0, math.inf))), "burst"),
        (Take(Limits(Rate(math.inf, 5.0))), "rate"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_name(command: Command, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        Limiter().do(command)


@pytest.mark.parametrize("user", ["x" * 201, "a\nb", "\ud800", None, 7])
def test_a_user_that_is_no_id_is_refused(user: Any) -> None:
    limiter = Limiter()
    for ask in (limiter.take, limiter.quota):
        with pytest.raises(BadInput, match="user's id"):
            ask(user)
    with pytest.raises(BadInput, match="user's id"):
        limiter.lease(1.0, user)
