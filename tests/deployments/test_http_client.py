"""The one HTTP client: what it fetches, within which bounds, and how it tries again."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator

import pytest

from core.errors import BadInput, DeadlineExceeded, Unavailable
from core.web import WebRequest
from tests.fakes.names import Names, Waits, client
from tests.fakes.site import Reply, Site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


# ---------------------------------------------------------------- what is fetched
async def test_a_page_comes_back_whole(site: Site) -> None:
    url = site.put("/a", Reply(b"x" * 300_000, "text/plain; charset=utf-8"))
    async with client() as http:
        page = await http.fetch(url)
    assert (page.url, page.complete, len(page.body)) == (url, True, 300_000)
    assert page.content_type.startswith("text/plain")


async def test_what_is_sent_arrives(site: Site) -> None:
    url = site.put("/form", Reply(b"ok"))
    async with client() as http:
        reply = await http.open(WebRequest(url, "POST", {"X-Tide": "high"}, b"a=1"))
        assert await reply.read() == b"ok"
        assert await reply.read() == b""
        reply.close()
    seen = site.seen[0]
    assert (seen.method, seen.body, seen.headers["X-Tide"]) == ("POST", b"a=1", "high")
    assert "bot" in seen.headers["User-Agent"]


async def test_any_status_can_be_opened_but_only_success_is_fetched(site: Site) -> None:
    url = site.put("/gone", Reply(b"gone", status=410))
    async with client() as http:
        assert (await http.open(WebRequest(url))).status == 410
        with pytest.raises(BadInput, match="no such page"):
            await http.fetch(url)


# ---------------------------------------------------------------- bounds
async def test_more_than_the_limit_is_refused(site: Site) -> None:
    url = site.put("/big", Reply(b"x" * 1001))
    async with client(max_bytes=1000) as http:
        with pytest.raises(BadInput, match="larger than"):
            await http.fetch(url)
        assert len((await http.fetch(url, max_bytes=1001)).body) == 1001


async def test_a_small_file_that_grows_on_unpacking_is_refused(site: Site) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 60_000
    url = site.put("/bomb", Reply(bomb, headers={"Content-Encoding": "gzip"}))
    async with client(max_bytes=1_000_000) as http:
        with pytest.raises(BadInput, match="larger than"):
            await http.fetch(url)


async def test_a_large_file_can_be_opened_for_its_first_bytes(site: Site) -> None:
    url = site.put("/movie", Reply(b"x" * 5_000_000, "video/mp4"))
    async with client(max_bytes=100_000) as http:
        reply = await http.open(WebRequest(url))
        assert await reply.read(512) == b"x" * 512
        reply.close()


async def test_of_some_types_only_the_beginning_is_fetched(site: Site) -> None:
    url = site.put("/movie", Reply(b"x" * 5_000_000, "video/mp4"))
    async with client(max_bytes=100_000) as http:
        page = await http.fetch(url, head_only=("audio/", "video/"))
    assert 0 < len(page.body) <= 100_000


async def test_a_site_that_never_answers_is_given_up_in_time(site: Site) -> None:
    url = site.put("/slow", Reply(hangs=True))
    async with client(timeout_s=0.2) as http:
        with pytest.raises(DeadlineExceeded, match=r"127\.0\.0\.1 did not answer in time"):
            await http.fetch(url)


async def test_a_body_that_never_ends_is_given_up_in_time() -> None:
    server = await asyncio.start_server(_headers_only, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with client(timeout_s=0.3) as http:
        with pytest.raises(DeadlineExceeded):
            await http.fetch(f"http://127.0.0.1:{port}/")
    server.close()


async def _headers_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")
    await reader.read()
    writer.close()


async def test_a_transfer_that_breaks_off_is_named_or_kept_in_part(site: Site) -> None:
    url = site.put("/cut", Reply(b"x" * 1000, cut_after=400))
    async with client() as http:
        with pytest.raises(Unavailable, match="broke off"):
            await http.fetch(url)
        page = await http.fetch(url, keep_partial=True)
    assert (page.body, page.complete) == (b"x" * 400, False)


async def test_nothing_at_all_is_not_a_part(site: Site) -> None:
    url = site.put("/cut", Reply(b"x" * 1000, cut_after=0))
    async with client() as http:
        with pytest.raises(Unavailable):
            await http.fetch(url, keep_partial=True)


async def test_bytes_that_do_not_unpack_are_a_broken_transfer(site: Site) -> None:
    url = site.put("/odd", Reply(b"this is not gzip at all", headers={"Content-Encoding": "gzip"}))
    async with client() as http:
        with pytest.raises(Unavailable, match="broke off"):
            await http.fetch(url)


# ---------------------------------------------------------------- trying again
async def test_trouble_that_passes_is_waited_out(site: Site) -> None:
    url = site.put("/a", Reply(status=503), Reply(status=429), Reply(b"well"))
    waits = Waits()
    async with client(sleep=waits) as http:
        assert (await http.fetch(url)).body == b"well"
    assert len(waits.waited) == 2
    assert 0 <= waits.waited[0] <= 0.5
    assert 0 <= waits.waited[1] <= 1.0


async def test_retry_after_is_obeyed(site: Site) -> None:
    url = site.put("/a", Reply(status=429, headers={"retry-after": "7"}), Reply(b"well"))
    waits = Waits()
    async with client(sleep=waits) as http:
        await http.fetch(url)
    assert waits.waited == [7.0]


async def test_a_wait_beyond_the_deadline_is_told_at_once(site: Site) -> None:
    url = site.put("/a", Reply(status=429, headers={"Retry-After": "3600"}))
    waits = Waits()
    async with client(sleep=waits) as http:
        with pytest.raises(Unavailable, match="Try again in 3600 s"):
            await http.fetch(url)
    assert waits.waited == []
    assert len(site.seen) == 1


async def test_trouble_that_stays_ends_after_the_attempts(site: Site) -> None:
    url = site.put("/a", Reply(status=503))
    async with client(attempts=4) as http:
        with pytest.raises(Unavailable, match="status 503"):
            await http.fetch(url)
    assert len(site.seen) == 4


async def test_what_may_have_had_an_effect_is_not_sent_twice(site: Site) -> None:
    url = site.put("/a", Reply(status=503))
    async with client() as http:
        assert (await http.open(WebRequest(url, "POST", body=b"x"))).status == 503
    assert len(site.seen) == 1


async def test_a_port_that_takes_no_connection_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    waits = Waits()
    async with client(sleep=waits) as http:
        with pytest.raises(Unavailable, match="takes no connection"):
            await http.fetch(f"http://127.0.0.1:{port}/")
    assert len(waits.waited) == 2


async def test_a_name_that_is_not_known_is_unavailable() -> None:
    async with client(resolver=Names()) as http:
        with pytest.raises(Unavailable, match=r"shore\.example is not available\. Its name is not known"):
            await http.fetch("https://shore.example/")


async def test_a_site_that_does_not_speak_tls_or_http_is_unavailable(site: Site) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with client() as http:
        with pytest.raises(Unavailable, match="broke off the connection"):
            await http.fetch(f"http://127.0.0.1:{port}/")
        with pytest.raises(Unavailable, match="does not speak https"):
            await http.fetch(f"https://127.0.0.1:{site.port}/")
    server.close()


async def test_no_proxy_of_the_environment_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    url = site.put("/a", Reply(b"direct"))
    async with client() as http:
        assert (await http.fetch(url)).body == b"direct"
