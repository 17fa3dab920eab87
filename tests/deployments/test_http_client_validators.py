"""The one HTTP client: a page that has not changed costs next to nothing."""

from collections.abc import AsyncIterator

import pytest

from core.errors import Unavailable
from core.uploads import Validator
from tests.fakes.names import Names, client
from tests.fakes.site import Reply, Site

FEED = b"<rss>" + b"x" * 400_000 + b"</rss>"
DATE = "Tue, 16 Sep 2008 10:00:00 GMT"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.mark.parametrize("given", [Validator('"1"'), Validator("", DATE), Validator('W/"1"', DATE)])
async def test_a_page_that_has_not_changed_comes_without_its_body(given: Validator, site: Site) -> None:
    url = site.put("/feed", Reply(FEED, etag=given.etag, last_modified=given.last_modified))
    async with client() as http:
        first = await http.fetch(url)
        again = await http.fetch(url, validator=first.validator)
    assert (first.body, first.validator, first.not_modified) == (FEED, given, False)
    assert (again.body, again.validator, again.not_modified, again.complete) == (b"", given, True, True)


async def test_a_page_that_has_changed_comes_whole_with_a_new_validator(site: Site) -> None:
    url = site.put("/feed", Reply(b"old", etag='"1"'), Reply(b"new", etag='"2"'))
    async with client() as http:
        first = await http.fetch(url)
        again = await http.fetch(url, validator=first.validator)
    assert (again.body, again.validator, again.not_modified) == (b"new", Validator('"2"'), False)


async def test_a_site_that_repeats_no_validator_is_asked_with_the_old_one(site: Site) -> None:
    url = site.put("/feed", Reply(status=304))
    async with client() as http:
        page = await http.fetch(url, validator=Validator('"1"'))
    assert (page.not_modified, page.validator) == (True, Validator('"1"'))


@pytest.mark.parametrize("validator", [None, Validator()])
async def test_not_modified_without_having_asked_is_an_error_and_no_empty_page(
    validator: Validator | None, site: Site
) -> None:
    url = site.put("/feed", Reply(status=304))
    async with client() as http:
        with pytest.raises(Unavailable, match="304"):
            await http.fetch(url, validator=validator)


async def test_a_page_that_came_in_part_has_no_validator_or_its_rest_would_be_missed(site: Site) -> None:
    cut = site.put("/cut", Reply(FEED, cut_after=1_000, etag='"1"'))
    movie = site.put("/movie", Reply(FEED, "video/mp4", etag='"1"'))
    async with client() as http:
        part = await http.fetch(cut, keep_partial=True)
        head = await http.fetch(movie, head_only=("video/",))
    assert (part.complete, part.validator, head.validator) == (False, Validator(), Validator())


async def test_a_feed_that_leads_to_a_consent_page_is_not_read_as_no_news(site: Site) -> None:
    """The other host would say "not modified", of its own page."""
    site.put("/consent", Reply(b"Before you continue", etag='"1"', last_modified=DATE))
    url = site.redirect("/feed", site.url("/consent").replace("127.0.0.1", "localhost"))
    async with client(resolver=Names(localhost=["127.0.0.1"])) as http:
        page = await http.fetch(url, validator=Validator('"1"', DATE))
    assert (page.not_modified, page.body) == (False, b"Before you continue")


async def test_polls_without_news_share_one_connection(site: Site) -> None:
    url = site.put("/feed", Reply(FEED, etag='"1"'))
    names = Names(localhost=["127.0.0.1"])
    async with client(resolver=names) as http:
        for _ in range(20):
            page = await http.fetch(url.replace("127.0.0.1", "localhost"), validator=Validator('"1"'))
            assert page.not_modified
    assert names.asked == ["localhost"]
