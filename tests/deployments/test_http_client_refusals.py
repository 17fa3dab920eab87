"""The one HTTP client: links, names and redirects that lead where nobody outside may look."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.errors import BadInput, RefusedUrl
from deployments.http_client import MAX_REDIRECTS
from tests.fakes.names import Names, client
from tests.fakes.site import Reply, Site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    "url",
    ["https://10.0.0.1/", "http://shore.example/", "https://a:b@shore.example/", f"https://é{'b' * 70}/", "talk", ""],
)
async def test_a_link_that_may_not_be_fetched_is_refused_before_anything_is_sent(url: str) -> None:
    names = Names()
    async with client(resolver=names) as http:
        with pytest.raises(RefusedUrl):
            await http.fetch(url)
    assert names.asked == []


async def test_loopback_is_refused_without_leave(site: Site) -> None:
    url = site.put("/a", Reply(b"secret"))
    async with client(loopback=False) as http:
        for link in (url, url.replace("http:", "https:"), url.replace("127.0.0.1", "localhost")):
            with pytest.raises(RefusedUrl):
                await http.fetch(link)
    assert site.seen == []


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "169.254.169.254", "127.0.0.1", "::1", "::ffff:127.0.0.1", "fd00::1", "224.0.0.1"]
)
async def test_a_name_that_leads_to_a_private_address_is_refused(address: str) -> None:
    names = Names(shore=[address])
    async with client(loopback=False, resolver=names) as http:
        with pytest.raises(RefusedUrl, match=r"shore\.example is not a public address"):
            await http.fetch("https://shore.example/")
    assert names.asked == ["shore.example"]


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    async with client(loopback=False, resolver=Names(shore=["8.8.8.8", "10.0.0.1"])) as http:
        with pytest.raises(RefusedUrl):
            await http.fetch("https://shore.example/")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1"])
async def test_an_address_in_disguise_is_refused(host: str) -> None:
    async with client(loopback=False, timeout_s=5.0, attempts=1) as http:
        with pytest.raises(RefusedUrl):
            await http.fetch(f"https://{host}/")


async def test_the_connection_goes_to_the_address_that_was_checked(site: Site) -> None:
    site.put("/a", Reply(b"pinned"))
    names = Names(localhost=["127.0.0.1"])
    async with client(resolver=names) as http:
        assert (await http.fetch(f"http://localhost:{site.port}/a")).body == b"pinned"
        await http.fetch(f"http://localhost:{site.port}/a")
    assert names.asked == ["localhost"]  # the second fetch used the first one's connection


async def test_the_last_line_refuses_whatever_way_an_address_got_there() -> None:
    http = client(loopback=False)
    info: aiohttp.AddrInfoType = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))
    with pytest.raises(RefusedUrl):
        http._checked_socket(info)
    http._checked_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443))).close()


# ---------------------------------------------------------------- redirects
async def test_redirects_are_followed_and_the_last_link_is_told(site: Site) -> None:
    site.put("/c", Reply(b"here"))
    site.redirect("/b", "c", 307)
    url = site.redirect("/a", site.url("/b"))
    async with client() as http:
        page = await http.fetch(url)
    assert (page.url, page.body) == (site.url("/c"), b"here")


@pytest.mark.parametrize(
    "target", ["https://10.0.0.1/", "http://shore.example/", "file:///etc/passwd", "https://[oops/"]
)
async def test_a_redirect_to_what_may_not_be_fetched_is_refused(site: Site, target: str) -> None:
    url = site.redirect("/a", target)
    async with client() as http:
        with pytest.raises(RefusedUrl):
            await http.fetch(url)


async def test_a_redirect_to_a_name_that_leads_to_a_private_address_is_refused(site: Site) -> None:
    url = site.redirect("/a", "https://inside.example/")
    async with client(resolver=Names(inside=["192.168.0.1"])) as http:
        with pytest.raises(RefusedUrl):
            await http.fetch(url)


async def test_a_circle_of_redirects_ends(site: Site) -> None:
    url = site.redirect("/a", "/a")
    async with client() as http:
        with pytest.raises(BadInput, match="redirects more than"):
            await http.fetch(url)
    assert len(site.seen) == MAX_REDIRECTS + 1
