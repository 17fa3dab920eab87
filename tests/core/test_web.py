"""The rules for redirects, statuses and validators."""

import pytest

from core.errors import BadInput, Busy, Unavailable
from core.host_pace_messages import Outcome
from core.uploads import Validator
from core.web import WebRequest, conditions, error_of_status, outcome_of_status, redirected, validator_of

SECRETS = {"Cookie": "a=1", "Authorization": "x", "Accept": "*/*"}


def test_secrets_go_to_no_other_host() -> None:
    request = WebRequest("https://shore.example/a", headers=SECRETS)
    assert redirected(request, 302, "https://other.example/a").headers == {"Accept": "*/*"}
    assert redirected(request, 302, "https://shore.example:8443/a").headers == {"Accept": "*/*"}
    assert redirected(request, 302, "https://SHORE.example/b").headers == SECRETS


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("HEAD", 303, "HEAD"),
        ("GET", 302, "GET"),
    ],
)
def test_a_redirect_keeps_or_changes_the_method(method: str, status: int, expected: str) -> None:
    request = WebRequest("https://shore.example/a", method, {"Content-Type": "text/plain"}, b"body")
    followed = redirected(request, status, "https://shore.example/b")
    assert followed.method == expected
    if expected != method:
        assert followed.body is None
        assert "Content-Type" not in followed.headers


@pytest.mark.parametrize("status", [401, 403, 404, 407, 410, 451])
def test_a_page_that_is_not_for_us_is_bad_input(status: int) -> None:
    error = error_of_status("shore.example", status)
    assert isinstance(error, BadInput)
    assert str(status) in error.problem


@pytest.mark.parametrize("status", [400, 429, 500, 503, 302])
def test_a_site_that_is_in_trouble_is_unavailable(status: int) -> None:
    error = error_of_status("shore.example", status)
    assert isinstance(error, Unavailable)
    assert str(status) in str(error)
    assert "Try again later" in str(error)


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_a_site_that_says_when_to_come_back_is_busy_until_then(status: int) -> None:
    error = error_of_status("shore.example", status, 30.0)
    assert isinstance(error, Busy)
    assert (error.part, error.retry_after_s) == ("shore.example", 30.0)


@pytest.mark.parametrize("status", [404, 410, 451])
def test_a_wait_brings_no_page_back_that_is_not_there(status: int) -> None:
    assert isinstance(error_of_status("shore.example", status, 30.0), BadInput)


@pytest.mark.parametrize("status", [200, 204, 206, 299])
def test_success_is_no_error(status: int) -> None:
    assert error_of_status("shore.example", status) is None


@pytest.mark.parametrize("status", [200, 206, 301, 304, 400, 401, 404, 410, 451])
def test_an_answer_in_order_is_a_success_whatever_it_says(status: int) -> None:
    assert outcome_of_status(status, asks_to_wait=True) is outcome_of_status(status, asks_to_wait=False)
    assert outcome_of_status(status, asks_to_wait=False) is Outcome.SUCCESS


@pytest.mark.parametrize("status", [403, 500, 502, 503, 504])
def test_trouble_is_a_failure_or_with_a_wait_a_complaint(status: int) -> None:
    assert outcome_of_status(status, asks_to_wait=False) is Outcome.FAILED
    assert outcome_of_status(status, asks_to_wait=True) is Outcome.THROTTLED
    assert outcome_of_status(429, asks_to_wait=False) is Outcome.THROTTLED


# ---------------------------------------------------------------- validators
def test_a_validator_asks_with_what_the_server_gave() -> None:
    given = {"ETag": 'W/"a-1"', "Last-Modified": "Tue, 16 Sep 2008 10:00:00 GMT"}
    validator = validator_of(given)
    assert validator == Validator('W/"a-1"', "Tue, 16 Sep 2008 10:00:00 GMT")
    asked = {"If-None-Match": validator.etag, "If-Modified-Since": validator.last_modified}
    assert conditions(validator) == asked
    assert conditions(Validator()) == conditions(None) == {}
    assert WebRequest("https://shore.example/", headers=asked).is_conditional
    assert not WebRequest("https://shore.example/", headers={"Accept": "*/*"}).is_conditional


@pytest.mark.parametrize("value", ["x" * 301, "a\nb", "a\x00b", "é"])
def test_a_validator_that_could_do_harm_is_none(value: str) -> None:
    assert validator_of({"ETag": value, "Last-Modified": value}) == Validator()


def test_a_condition_stays_with_the_host_that_it_was_made_for() -> None:
    request = WebRequest("https://shore.example/feed", headers={**conditions(Validator("1", "2")), "Accept": "*/*"})
    assert redirected(request, 302, "https://consent.example/").headers == {"Accept": "*/*"}
    assert redirected(request, 302, "https://shore.example/new").is_conditional
