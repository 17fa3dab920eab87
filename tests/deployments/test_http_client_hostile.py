"""The one HTTP client and sites that mean harm: whatever they send, time and memory are bounded."""

import tracemalloc
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import repeat

import pytest

from core.errors import BadInput, BotError, DeadlineExceeded, RefusedUrl, Unavailable
from deployments.http_client import HttpClient
from tests.fakes.names import client
from tests.fakes.rude import OK, rude_site, zeros
from tests.fakes.site import Reply, Site

MAX_BYTES = 1_000_000
# A connection's buffers and one piece unpacked, beside what may be read.
ALLOWED_BYTES = MAX_BYTES + 4_000_000


@asynccontextmanager
async def measured(timeout_s: float = 20.0) -> AsyncIterator[HttpClient]:
    """A client whose memory, and that of whoever it talks to, stays bounded."""
    async with client(max_bytes=MAX_BYTES, attempts=1, timeout_s=timeout_s) as http:
        async with Site() as site:
            await http.fetch(site.put("/a", Reply(b"x")))  # what is made once is made
        tracemalloc.start()
        try:
            yield http
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < ALLOWED_BYTES


# ---------------------------------------------------------------- too much
@pytest.mark.parametrize(("encoding", "wbits"), [("gzip", 31), ("deflate", 15)])
async def test_ten_gigabytes_that_were_packed_into_ten_megabytes_are_given_up_early(encoding: str, wbits: int) -> None:
    packed = list(zeros(10, wbits))
    assert 9_000_000 < sum(map(len, packed)) < 11_000_000
    head = OK + f"Content-Encoding: {encoding}\r\n\r\n".encode()
    async with measured() as http, rude_site([head, *packed]) as url:
        with pytest.raises(BadInput, match="larger than"):
            await http.fetch(url)


async def test_a_bomb_that_comes_at_once_does_not_go_off() -> None:
    """All of it in the first bytes that are read, with an honest length."""
    packed = b"".join(zeros(1, 31))
    head = OK + f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with measured() as http, rude_site([head + packed]) as url:
        with pytest.raises(BadInput, match="larger than"):
            await http.fetch(url)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_what_cannot_be_unpacked_is_never_taken_for_a_page(encoding: str) -> None:
    head = OK + f"Content-Encoding: {encoding}\r\nContent-Length: 4\r\n\r\n".encode()
    async with measured() as http, rude_site([head + b"\xff\xfe\xfd\xfc"]) as url:
        with pytest.raises(Unavailable):
            await http.fetch(url)


@pytest.mark.parametrize("head", [b"\r\n", b"Content-Length: 50000000\r\n\r\n"])
async def test_fifty_megabytes_and_more_are_given_up_early(head: bytes) -> None:
    async with measured() as http, rude_site([OK + head, *repeat(bytes(100_000), 500)]) as url:
        with pytest.raises(BadInput, match="larger than"):
            await http.fetch(url)


async def test_chunks_without_end_are_given_up() -> None:
    chunks = repeat(b"1000\r\n" + bytes(4_096) + b"\r\n")
    async with measured() as http, rude_site(_after(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunks)) as url:
        with pytest.raises(BadInput, match="larger than"):
            await http.fetch(url)


# ---------------------------------------------------------------- too slow
@pytest.mark.parametrize(
    ("begin", "drip"),
    [
        (OK + b"\r\n", b"x"),
        (OK, b"X-More: x\r\n"),
        (b"HTTP/1.1 200 O", b"K"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
async def test_what_drips_is_given_up_in_time(begin: bytes, drip: bytes) -> None:
    async with measured(timeout_s=0.5) as http, rude_site(_after(begin, repeat(drip)), pause_s=0.02) as url:
        with pytest.raises(DeadlineExceeded):
            await http.fetch(url)


# ---------------------------------------------------------------- no HTTP
@pytest.mark.parametrize(
    "flood",
    [
        repeat(b"X-More: " + b"x" * 1_000 + b"\r\n", 50_000),
        repeat(b"x" * 10_000, 5_000),
        [b"Set-Cookie: ", *repeat(b"x" * 100_000, 200)],
        repeat(b"HTTP/1.1 100 Continue\r\n\r\n", 200_000),
    ],
)
async def test_a_flood_of_headers_is_no_answer(flood: Iterable[bytes]) -> None:
    async with measured(timeout_s=3.0) as http, rude_site(_after(OK, flood)) as url:
        with pytest.raises(Unavailable):
            await http.fetch(url)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\x01\x02\x03",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 999999 Odd\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: https://[\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: https://a.example/" + b"x" * 5_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_an_error_of_ours(answer: bytes) -> None:
    async with measured() as http, rude_site([answer]) as url:
        with pytest.raises(BotError):
            await http.fetch(url)


async def test_a_length_that_is_too_long_is_a_transfer_that_broke_off() -> None:
    async with measured() as http, rude_site([OK + b"Content-Length: 500\r\n\r\nshort"]) as url:
        with pytest.raises(Unavailable, match="broke off"):
            await http.fetch(url)
        page = await http.fetch(url, keep_partial=True)
    assert (page.body, page.complete) == (b"short", False)


async def test_a_length_that_is_too_short_smuggles_nothing_into_the_next_answer() -> None:
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    async with measured() as http, rude_site([OK + b"Content-Length: 4\r\n\r\nreal" + forged]) as url:
        assert [(await http.fetch(url)).body for _ in range(2)] == [b"real"] * 2


# ---------------------------------------------------------------- led astray
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["https://169.254.169.254/latest/meta-data", "https://[::ffff:10.0.0.1]/", "//192.168.0.1/", "ftp://a/"]
)
async def test_no_redirect_leads_inside(status: int, target: str) -> None:
    async with Site() as site, client() as http:
        url = site.redirect("/a", target, status)
        with pytest.raises(RefusedUrl):
            await http.fetch(url)
        assert site.paths() == ["/a"]


async def test_redirects_that_never_come_to_an_end_do() -> None:
    async with Site() as site, client() as http:
        for number in range(20):
            site.redirect(f"/{number}", f"/{number + 1}")
        with pytest.raises(BadInput, match="redirects more than"):
            await http.fetch(site.url("/0"))
        assert len(site.seen) == 6


def _after(begin: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield begin
    yield from pieces
