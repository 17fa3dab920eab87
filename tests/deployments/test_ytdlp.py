"""yt-dlp in its thread, and its requests through the one client."""

import asyncio
import importlib
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, DeadlineExceeded, NotReadable
from core.source_states import SourceState
from deployments import ytdlp
from deployments.http_client import HttpClient
from deployments.ytdlp import YtDlp, YtDlpOptions
from deployments.ytdlp_errors import named_error
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


async def test_work_that_hangs_is_given_up_in_time(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(*_: object) -> Mapping[str, Any]:
        release.wait(30)
        raise BadInput("too late")  # nobody waits for it any more; it must disturb nobody

    monkeypatch.setattr(ytdlp, "extract", hang)
    with pytest.raises(DeadlineExceeded, match=r"shore\.example did not answer in time"):
        await extractor(http, timeout_s=0.1).extract("https://shore.example/")
    release.set()
    await asyncio.sleep(0.05)


async def test_a_defect_in_the_thread_is_raised_in_the_caller(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Mapping[str, Any]:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(ytdlp, "extract", fail)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        await extractor(http).extract("https://shore.example/")


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


# ---------------------------------------------------------------- names for what went wrong
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


# ---------------------------------------------------------------- what an operator sets
async def test_the_cookies_file_is_sent_and_never_written(site: Site, http: HttpClient, tmp_path: Path) -> None:
    url = site.talk("Tides", Reply(b"WEBVTT"))
    file = tmp_path / "cookies.txt"
    file.write_text("# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\ttide\thigh\n", encoding="utf-8")
    file.chmod(0o400)
    before = file.read_bytes()
    await extractor(http, options=YtDlpOptions(cookies_file=str(file))).extract(url)
    assert site.seen[0].headers["Cookie"] == "tide=high"
    assert file.read_bytes() == before


def test_javascript_is_off_unless_it_is_set_and_then_the_packaged_one_runs() -> None:
    assert YtDlpOptions().params(1.0)["js_runtimes"] == {}
    path = YtDlpOptions(javascript=True).params(1.0)["js_runtimes"]["deno"]["path"]
    assert Path(path).is_file()


def test_extractor_arguments_are_added_to_ours() -> None:
    args = YtDlpOptions(extractor_args={"youtube": {"lang": ["de"]}, "tube": {"key": ["x"]}}).params(1.0)[
        "extractor_args"
    ]
    assert args["youtube"] == {"raise_incomplete_data": [""], "lang": ["de"]}
    assert args["tube"] == {"key": ["x"]}
    assert args["youtubetab"] == {"approximate_date": [""]}


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("https://yewtu.be/watch?v=dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
        ("https://redirect.invidious.io/dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
        ("https://youtu.be/dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
        ("https://evil.example/watch?v=dQw4w9WgXcQ", "https://evil.example/watch?v=dQw4w9WgXcQ"),
    ],
)
async def test_a_mirror_s_link_is_the_same_recording(http: HttpClient, url: str, known: str) -> None:
    assert await extractor(http).recording_id(url) == known
