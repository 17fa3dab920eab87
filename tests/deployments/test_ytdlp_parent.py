"""What yt-dlp's parent makes of a process that says anything at all: the test plays the process."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from core.errors import BadInput, RefusedUrl, Unavailable
from deployments.http_client import HttpClient
from deployments.ytdlp_process import Answers, YtDlpProcess
from deployments.ytdlp_wire import (
    FOR_CHILD,
    MAX_FRAME_BYTES,
    PREFIX_BYTES,
    Call,
    Done,
    Failure,
    Found,
    Open,
    Opened,
    Piece,
    Read,
    Ready,
    ToParent,
    error_of,
    framed,
)
from tests.fakes.site import Reply, Site

CALL = Call("extract", "https://shore.example/", 1.0)


class Liar:
    """A process that sleeps, and an end of its pair of sockets for the test."""

    def __init__(self) -> None:
        ours, self.connection = socket.socketpair()
        sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
        self.process = YtDlpProcess(subprocess.Popen(sleeping, start_new_session=True), ours)
        self.found: list[Mapping[str, Any]] = []
        self.usable = True

    async def call(self, *said: ToParent | bytes) -> Done:
        """Say all of that, and end unless it is `Done`; gives what the call of the parent came to."""
        data = b"".join(part if isinstance(part, bytes) else framed(part) for part in said)
        saying = asyncio.ensure_future(asyncio.to_thread(self._say, data, isinstance(said[-1], Done)))
        answers = Answers(HttpClient(timeout_s=1.0, max_bytes=1000), 1000)
        try:
            async with asyncio.timeout(30):
                return await self.process.call(CALL, answers, self.found.append)
        finally:
            self.usable = self.process.usable
            self.process.connection.close()
            await asyncio.wait((saying,))

    def _say(self, data: bytes, stays: bool) -> None:
        with suppress(OSError):  # the parent does not listen to the end
            self.connection.sendall(data)
            if not stays:
                self.connection.shutdown(socket.SHUT_WR)


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    playing = Liar()
    yield playing
    playing.process.end()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(timeout_s=20.0, max_bytes=1_000_000, allow_loopback=True, attempts=1) as client:
        yield client


# ---------------------------------------------------------------- nonsense
@pytest.mark.parametrize(
    "said",
    [
        (b"",),
        (b"GET / HTTP/1.1\r\n\r\n",),
        ((MAX_FRAME_BYTES + 1).to_bytes(PREFIX_BYTES, "big"),),
        ((1000).to_bytes(PREFIX_BYTES, "big"), b"less"),
        (Ready(),),
        (Found(b"[]"), Done()),
        (Found(b"[" * 100_000), Done()),
        (framed(CALL),),
        (Found(b'{"a":1}'),),
    ],
)
async def test_nonsense_is_a_named_failure_and_the_process_is_of_no_use(
    liar: Liar, said: tuple[ToParent | bytes, ...]
) -> None:
    with pytest.raises(Unavailable, match="ended early"):
        await liar.call(*said)
    assert not liar.usable


async def test_one_that_says_something_else_than_that_it_is_ready_does_not_start(liar: Liar) -> None:
    liar.connection.sendall(framed(Done()))
    with pytest.raises(Unavailable, match="does not start"):
        await liar.process.ready()
    assert not liar.process.usable


async def test_one_that_speaks_unasked_is_not_used_again(liar: Liar) -> None:
    liar.connection.sendall(framed(Ready()))
    await liar.process.ready()
    assert liar.process.usable
    liar.connection.sendall(b"x")
    assert not liar.process.usable


async def test_many_findings_together_are_bounded_too(liar: Liar) -> None:
    much = Found(b'{"text":"' + b"x" * 20_000_000 + b'"}')
    with pytest.raises(Unavailable, match="ended early"):
        await liar.call(much, much, much, much, Done())
    assert len(liar.found) == 3


async def test_a_defect_is_raised_with_what_was_said_of_it(liar: Liar) -> None:
    with pytest.raises(RuntimeError, match="a defect"):
        await liar.call(Done(defect="a defect"))
    assert not liar.usable


async def test_what_was_found_is_there_in_order(liar: Liar) -> None:
    done = await liar.call(Found(b'{"id":1}'), Found(b'{"id":2}'), Done(text="yes"))
    assert (done.text, liar.found, liar.usable) == ("yes", [{"id": 1}, {"id": 2}], True)


async def test_one_that_says_that_it_is_worn_is_not_used_again(liar: Liar) -> None:
    assert (await liar.call(Done(worn=True))).worn
    assert not liar.usable


# ---------------------------------------------------------------- its requests
async def test_a_page_is_read_in_pieces_of_bounded_size(site: Site, http: HttpClient) -> None:
    url = site.put("/page", Reply(b"x" * 200_000, headers={"X-Tide": "low"}))
    answers = Answers(http, 1_000_000)
    opened = await answers.to(Open(url, "POST", {"X-Ask": "1"}, b"question", []))
    assert isinstance(opened, Opened)
    assert (opened.url, opened.status) == (url, 200)
    assert ("X-Tide", "low") in opened.headers
    assert (site.seen[0].method, site.seen[0].body, site.seen[0].headers["X-Ask"]) == ("POST", b"question", "1")
    body = b""
    while True:
        piece = await answers.to(Read(opened.number, 10**9 if len(body) % 2 else -1))
        assert isinstance(piece, Piece)
        if not piece.data:
            break
        assert len(piece.data) <= 65_536
        body += piece.data
    assert body == b"x" * 200_000
    answers.close()


async def test_what_is_refused_or_too_large_is_told_as_an_error(site: Site, http: HttpClient) -> None:
    answers = Answers(http, 1_000)
    refused = await answers.to(Open("https://10.0.0.1/", "GET", {}, None, []))
    assert isinstance(refused, Failure)
    assert isinstance(error_of(refused), RefusedUrl)
    opened = await answers.to(Open(site.put("/large", Reply(b"x" * 2_000)), "GET", {}, None, []))
    assert isinstance(opened, Opened)
    large = await answers.to(Read(opened.number, 65_536))
    assert isinstance(large, Failure)
    assert isinstance(error_of(large), BadInput)
    answers.close()


async def test_what_is_not_open_cannot_be_read(site: Site, http: HttpClient) -> None:
    answers = Answers(http, 1_000)
    opened = await answers.to(Open(site.put("/a", Reply(b"a")), "GET", {}, None, []))
    assert isinstance(opened, Opened)
    again = await answers.to(Open(site.url("/a"), "GET", {}, None, [opened.number, 99]))
    assert isinstance(again, Opened)
    for number in (opened.number, 99):
        assert isinstance(await answers.to(Read(number, 10)), Failure)
    assert await answers.to(Read(again.number, 10)) == Piece(b"a")
    answers.close()


async def test_of_many_open_answers_the_oldest_is_closed(site: Site, http: HttpClient) -> None:
    url = site.put("/a", Reply(b"a"))
    answers = Answers(http, 1_000)
    opened = [await answers.to(Open(url, "GET", {}, None, [])) for _ in range(33)]
    numbers = [one.number for one in opened if isinstance(one, Opened)]
    assert len(numbers) == 33
    assert isinstance(await answers.to(Read(numbers[0], 10)), Failure)
    assert await answers.to(Read(numbers[1], 10)) == Piece(b"a")
    answers.close()


async def test_a_header_that_is_no_text_arrives_as_some(site: Site, http: HttpClient) -> None:
    url = site.put("/a", Reply(b"a", headers={"X-Odd": "\udcff"}))
    answers = Answers(http, 1_000)
    opened = await answers.to(Open(url, "GET", {}, None, []))
    assert isinstance(opened, Opened)
    assert framed(opened)
    assert FOR_CHILD.decode(framed(opened)[PREFIX_BYTES:]) == opened
    answers.close()
