"""What goes wrong inside yt-dlp, in our own words."""

import importlib

import pytest

from core.errors import BadInput, NotReadable
from core.source_states import SourceState
from deployments.ytdlp_errors import named_error


class Odd(Exception):
    """An error in yt-dlp's manner."""

    def __init__(self, message: str, **fields: object) -> None:
        super().__init__(message)
        self.__dict__.update(fields)


class Refusal(Odd):
    """An answer with a status, and how long it asks to wait."""

    def __init__(self, status: int, retry_after: str = "") -> None:
        super().__init__("HTTP Error", status=status)
        self.response = self
        self.headers = {"Retry-After": retry_after} if retry_after else {}


CONSENT = b"<html><form action='https://consent.youtube.com/s'>"


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (
            Odd("ERROR: [youtube] abc: Private video. Sign in", expected=True),
            SourceState.PRIVATE,
            "Private video. Sign in.",
        ),
        (Odd("x", cause=Refusal(404)), SourceState.UNKNOWN, "status 404"),
        (Odd("x", cause=Refusal(410)), SourceState.DELETED, "status 410"),
        (Odd("x", cause=Refusal(503)), SourceState.SITE_DOWN, "status 503"),
        (Odd("x", cause=Odd("y", status=200)), SourceState.UNKNOWN, "x."),
        (
            Odd("\x1b[0;31mERROR:\x1b[0m It broke; please report this issue on https://x"),
            SourceState.UNKNOWN,
            "It says: It broke. Try again later, or update yt-dlp.",
        ),
        (Odd(""), SourceState.UNKNOWN, "It says: nothing."),
        (Odd("e" * 5000), SourceState.UNKNOWN, "e" * 200 + "."),
    ],
)
def test_errors_are_named(error: Exception, state: SourceState, text: str) -> None:
    named = named_error(error, "shore.example")
    assert isinstance(named, NotReadable)
    assert named.state is state
    assert text in str(named)


def test_an_error_of_ours_behind_theirs_is_the_one() -> None:
    ours = BadInput("the reason")
    assert named_error(Odd("x", exc_info=(Odd, Odd("y", cause=ours), None)), "shore.example") is ours


def test_the_classes_of_yt_dlp_are_known() -> None:
    utils = importlib.import_module("yt_dlp.utils")
    region = named_error(utils.GeoRestrictedError("Not here"), "shore.example")
    nobody = named_error(utils.UserNotLive(), "shore.example")
    assert isinstance(region, NotReadable)
    assert isinstance(nobody, NotReadable)
    assert (region.state, nobody.state) == (SourceState.REGION_LOCKED, SourceState.PREMIERE)


def test_how_long_a_site_asks_to_wait_is_kept() -> None:
    named = named_error(Odd("x", cause=Refusal(429, "77")), "shore.example")
    assert isinstance(named, NotReadable)
    assert (named.state, named.retry_after_s) == (SourceState.RATE_LIMITED, 77.0)


def test_a_consent_page_is_known_whatever_yt_dlp_says_of_it() -> None:
    for error in (Odd("Unable to extract yt initial data"), Odd("x", cause=Refusal(404))):
        named = named_error(error, "shore.example", CONSENT)
        assert isinstance(named, NotReadable)
        assert named.state is SourceState.CONSENT_PAGE
    private = named_error(Odd("Private video"), "shore.example", CONSENT)
    assert isinstance(private, NotReadable)
    assert private.state is SourceState.PRIVATE


def test_an_error_that_causes_itself_is_named_too() -> None:
    error = Odd("round")
    error.__dict__["cause"] = error
    assert isinstance(named_error(error, "shore.example"), NotReadable)


def test_a_page_that_took_all_the_memory_is_bad_input() -> None:
    named = named_error(Odd("x", exc_info=(MemoryError, MemoryError(), None)), "shore.example")
    assert isinstance(named, BadInput)
    assert str(named) == "Reading shore.example took more memory than is given to it. Link to a smaller page."
