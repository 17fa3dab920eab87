"""The rules for redirects and statuses."""

import pytest

from core.errors import BadInput, Unavailable
from core.web import WebRequest, error_of_status, redirected

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
    error = error_of_status("shore.example", status, "30")
    assert isinstance(error, Unavailable)
    assert "wait 30 s" in str(error)
    assert "Try again later" in str(error_of_status("shore.example", status))


@pytest.mark.parametrize("status", [200, 204, 206, 299])
def test_success_is_no_error(status: int) -> None:
    assert error_of_status("shore.example", status) is None
