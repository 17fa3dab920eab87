"""What yt-dlp makes of pages, and its requests through the one client."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from core.errors import BadInput
from deployments.http_client import HttpClient
from deployments.ytdlp import YtDlp
from deployments.ytdlp_network import Bridge, request_handler
from tests.fakes.site import Reply, Site, page


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(timeout_s=20.0, max_bytes=1_000_000, allow_loopback=True, attempts=1) as client:
        yield client


def extractor(http: HttpClient, **options: Any) -> YtDlp:
    return YtDlp(http, **({"timeout_s": 20.0, "max_page_bytes": 1_000_000, "max_entries": 10} | options))


async def test_which_sites_it_knows(http: HttpClient) -> None:
    known = extractor(http)
    assert await known.knows_site("https://www.youtube.com/watch?v=dQw4w9WgXcQ")
    assert not await known.knows_site("https://shore.example/talks/1")


async def test_the_head_of_the_first_page_is_kept(site: Site, http: HttpClient) -> None:
    url = site.talk("Tides", Reply(b"WEBVTT"))
    extraction = await extractor(http).extract(url)
    assert extraction.head == site.replies["/Tides.html"][0].body
    assert extraction.info["title"].startswith("Tides")


async def test_a_page_over_the_limit_is_refused(site: Site, http: HttpClient) -> None:
    url = site.put("/long", Reply(page("Long", "<p>x</p>" * 10_000)))
    with pytest.raises(BadInput, match="larger than"):
        await extractor(http, max_page_bytes=20_000).extract(url)


# ---------------------------------------------------------------- the network that yt-dlp is given
async def in_thread(http: HttpClient, work: Callable[[Any, Bridge], Any]) -> Any:
    """Run `work` in a thread with a YoutubeDL whose only network is the bridge."""
    yt_dlp = importlib.import_module("yt_dlp")
    bridge = Bridge(http, asyncio.get_running_loop(), 100_000)
    handler = request_handler(bridge)

    def run() -> Any:
        with yt_dlp.YoutubeDL({"quiet": True, "cachedir": False, "proxy": ""}) as ydl:
            director = ydl.build_request_director([handler])
            return work(director, bridge)

    return await asyncio.to_thread(run)


def request(url: str, **options: Any) -> Any:
    return importlib.import_module("yt_dlp.networking").Request(url, **options)


def error_class(name: str) -> Any:
    return getattr(importlib.import_module("yt_dlp.networking.exceptions"), name)


async def test_requests_arrive_as_they_were_sent(site: Site, http: HttpClient) -> None:
    url = site.put("/api", Reply(b"answer", "application/json", headers={"X-Tide": "low"}))

    def work(director: Any, _: Bridge) -> Any:
        response = director.send(request(url, data=b"question", headers={"X-Ask": "1"}))
        return response.status, response.headers["X-Tide"], response.read(3), response.read()

    assert await in_thread(http, work) == (200, "low", b"ans", b"wer")
    seen = site.seen[0]
    assert (seen.method, seen.body, seen.headers["X-Ask"]) == ("POST", b"question", "1")


@pytest.mark.parametrize("data", [b"abc", [b"a", b"bc"]])
async def test_a_body_may_come_in_pieces(site: Site, http: HttpClient, data: Any) -> None:
    url = site.put("/api", Reply(b"ok"))
    await in_thread(http, lambda director, _: director.send(request(url, data=data)).close())
    assert site.seen[0].body == b"abc"


async def test_a_body_may_be_a_file(site: Site, http: HttpClient, tmp_path: Any) -> None:
    url = site.put("/api", Reply(b"ok"))
    (tmp_path / "body").write_bytes(b"abc")

    def work(director: Any, _: Bridge) -> None:
        with (tmp_path / "body").open("rb") as file:
            director.send(request(url, data=file)).close()

    await in_thread(http, work)
    assert site.seen[0].body == b"abc"


async def test_cookies_are_kept_and_sent_back_to_their_site_alone(site: Site, http: HttpClient) -> None:
    first = site.put("/set", Reply(b"ok", headers={"Set-Cookie": "tide=high; Path=/; Port"}))
    second = site.put("/get", Reply(b"ok"))
    elsewhere = site.url("/get").replace("127.0.0.1", "localhost")

    def work(director: Any, _: Bridge) -> None:
        for url in (first, second, elsewhere):
            director.send(request(url)).close()

    await in_thread(http, work)
    assert [seen.headers.get("Cookie") for seen in site.seen] == [None, "tide=high", None]


async def test_a_status_is_an_error_with_its_page(site: Site, http: HttpClient) -> None:

    url = site.put("/gone", Reply(b"gone for good", status=410))

    def work(director: Any, _: Bridge) -> Any:
        with pytest.raises(error_class("HTTPError")) as raised:
            director.send(request(url))
        return raised.value.status, raised.value.response.read()

    assert await in_thread(http, work) == (410, b"gone for good")


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "http://shore.example/", "https://[::1]:9/"])
async def test_our_own_network_is_refused_to_it(url: str) -> None:

    def work(director: Any, _: Bridge) -> None:
        with pytest.raises(error_class("TransportError"), match=r"address|http"):
            director.send(request(url))

    async with HttpClient(timeout_s=5.0, max_bytes=1000) as strict:
        await in_thread(strict, work)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://shore.example/", "ws://127.0.0.1/", "data:,x"])
async def test_no_other_way_out_is_open_to_it(http: HttpClient, url: str) -> None:

    def work(director: Any, _: Bridge) -> None:
        with pytest.raises(error_class("NoSupportingHandlers")):
            director.send(request(url))

    await in_thread(http, work)


async def test_a_transfer_that_breaks_off_is_an_error_while_reading(site: Site, http: HttpClient) -> None:

    url = site.put("/cut", Reply(b"x" * 1000, cut_after=10))

    def work(director: Any, _: Bridge) -> None:
        response = director.send(request(url))
        with pytest.raises(error_class("TransportError"), match="broke off"):
            response.read()

    await in_thread(http, work)


async def test_after_it_was_given_up_nothing_is_sent(site: Site, http: HttpClient) -> None:

    url = site.put("/a", Reply(b"ok"))

    def work(director: Any, bridge: Bridge) -> None:
        bridge.stop()
        with pytest.raises(error_class("TransportError"), match="given up"):
            director.send(request(url))

    await in_thread(http, work)
    assert site.seen == []


async def test_giving_up_ends_what_is_under_way(site: Site, http: HttpClient) -> None:

    url = site.put("/slow", Reply(hangs=True))
    loop = asyncio.get_running_loop()

    def work(director: Any, bridge: Bridge) -> None:
        loop.call_soon_threadsafe(loop.call_later, 0.1, bridge.stop)
        with pytest.raises(error_class("TransportError"), match="given up"):
            director.send(request(url))

    await in_thread(http, work)


async def test_an_answer_may_be_closed_after_the_loop_has_ended(http: HttpClient) -> None:
    ended = asyncio.new_event_loop()
    ended.close()
    reply: Any = object()
    Bridge(http, ended, 10).close_later(reply)
