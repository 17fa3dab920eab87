"""The one HTTP client behind a proxy that the operator gave."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.errors import BadInput, RefusedUrl, Unavailable
from tests.fakes.names import Names, client
from tests.fakes.site import Reply, Site


class Proxy:
    """A proxy that writes down what it is asked for, and connects to nothing. `status` is its answer to CONNECT."""

    def __init__(self, status: str = "502 Bad Gateway") -> None:
        self.status, self.heads = status, list[str]()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    def first_lines(self) -> list[str]:
        return [head.splitlines()[0] for head in self.heads]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
def proxy() -> Proxy:
    return Proxy()


@pytest.fixture
async def address(proxy: Proxy) -> AsyncIterator[str]:
    server = await asyncio.start_server(proxy.answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_every_request_goes_to_the_proxy_those_of_redirects_too(site: Site) -> None:
    """A site is proxy enough for plain http: it is asked for the whole link."""
    site.put("/b", Reply(b"by proxy"))
    site.redirect("/a", "http://localhost:9/b")
    async with client(proxy=f"http://me:secret@127.0.0.1:{site.port}") as http:
        assert (await http.fetch("http://localhost:9/a")).body == b"by proxy"
    assert [seen.headers["Host"] for seen in site.seen] == ["localhost:9"] * 2
    assert all(seen.headers["Proxy-Authorization"] == "Basic bWU6c2VjcmV0" for seen in site.seen)


async def test_a_name_that_is_not_known_here_is_left_to_the_proxy(proxy: Proxy, address: str) -> None:
    async with client(loopback=False, proxy=address, resolver=Names(), attempts=1) as http:
        with pytest.raises(Unavailable, match="The proxy has not reached it"):
            await http.fetch("https://shore.example/talk")
    assert proxy.first_lines() == ["CONNECT shore.example:443 HTTP/1.1"]


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "https://127.0.0.1/", "https://[::1]/", "http://shore.example/"])
async def test_what_may_not_be_fetched_is_refused_behind_a_proxy_too(url: str, proxy: Proxy, address: str) -> None:
    async with client(loopback=False, proxy=address) as http:
        with pytest.raises(RefusedUrl):
            await http.fetch(url)
    assert proxy.heads == []


async def test_a_name_that_leads_to_a_private_address_here_is_refused(proxy: Proxy, address: str) -> None:
    async with client(loopback=False, proxy=address, resolver=Names(inside=["10.0.0.1"])) as http:
        with pytest.raises(RefusedUrl, match=r"inside\.example is not a public address"):
            await http.fetch("https://inside.example/")
    assert proxy.heads == []


async def test_a_proxy_that_is_not_there_is_named_and_its_password_is_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with client(proxy="http://me:secret@127.0.0.1:1", attempts=1) as http:
        with pytest.raises(Unavailable, match="The proxy takes no connection") as failed:
            await http.fetch("http://localhost:9/a")
    assert "secret" not in str(failed.value) + caplog.text


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "127.0.0.1:8080", "http://", "me:secret@[", "nonsense"])
def test_what_is_no_proxy_is_refused_without_quoting_it(proxy: str) -> None:
    with pytest.raises(BadInput, match="http://name:port") as refused:
        client(proxy=proxy)
    assert "secret" not in str(refused.value)
