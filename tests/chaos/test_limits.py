"""Limits are judged to the token and to the cent, and what can be explained by the time of a call is no proof."""

from typing import Any

from core.budget_messages import BudgetLimits
from core.entity_codec import to_json
from core.spending import Limit, usd
from core.token_buckets import Limits, Rate
from tests.chaos.limits import over_admitted, overspent
from tests.chaos.notes import Note


def take(began_s: float, ended_s: float, cost: float = 1.0) -> Note:
    return Note("RateLimiter", "tenant:a", "take", ["", cost], "", began_s, ended_s, '{"type":"Granted","burst":5.0}')


FIVE = Limits(total=Rate(per_s=2.0, burst=5.0))


def test_a_bucket_may_be_emptied_at_once_and_refilled_and_not_one_token_more() -> None:
    fair = [take(10.0, 10.0) for _ in range(5)] + [take(10.0 + n / 2, 10.0 + n / 2) for n in range(1, 9)]
    assert not list(over_admitted(fair, FIVE))
    for at_s in (10.0, 12.0, 14.0):
        assert list(over_admitted([*fair, take(at_s, at_s)], FIVE))


def test_a_take_that_may_have_come_at_another_time_is_no_proof() -> None:
    fair = [take(10.0, 10.0) for _ in range(5)]
    assert not list(over_admitted([*fair, take(10.0, 10.6)], FIVE))
    assert not list(over_admitted([*fair, take(9.4, 10.0)], FIVE))
    assert list(over_admitted([*fair, take(10.0, 10.1)], FIVE))


def spend(method: str, began_s: float, ended_s: float, *args: Any) -> Note:
    reply = {"type": "Reserved", "at": 0.0} if method == "reserve" else {"type": f"{method.title()}d"}
    return Note("BudgetLedger", "a", method, list(args), "", began_s, ended_s, to_json(reply))


ONE = BudgetLimits(day=Limit(usd("1"), 100))


def test_what_is_reserved_counts_from_the_reply_to_the_request_that_ends_it() -> None:
    first = spend("reserve", 1.0, 2.0, "first", "0.6", 10)
    settled = spend("settle", 5.0, 6.0, "first", "0.5", 10)
    assert list(overspent([first, spend("reserve", 3.0, 4.0, "second", "0.41", 1)], ONE))
    assert not list(overspent([first, settled, spend("reserve", 4.0, 5.0, "second", "0.50", 1)], ONE))
    assert list(overspent([first, settled, spend("reserve", 4.0, 4.9, "second", "0.41", 1)], ONE))
    assert list(overspent([first, settled, spend("reserve", 7.0, 8.0, "second", "0.51", 1)], ONE))
    released = spend("release", 5.0, 6.0, "first")
    assert not list(overspent([first, released, spend("reserve", 4.0, 5.0, "second", "1.00", 100)], ONE))
    assert list(overspent([first, released, spend("reserve", 4.0, 5.0, "second", "1.00", 101)], ONE))
