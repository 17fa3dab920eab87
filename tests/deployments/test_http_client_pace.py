"""The one HTTP client and the gate: it asks before each request, and tells how each went."""

import asyncio
import socket
from collections.abc import AsyncIterator
from email.utils import formatdate

import pytest

from core.errors import BadInput, Busy, DeadlineExceeded, RefusedUrl, Unavailable
from core.host_pace_messages import Outcome, PaceRules
from core.web import WebRequest
from deployments.host_gate import GateConfig, HostGate
from tests.core.one_host import Host
from tests.deployments.test_host_gate import SharedPace, Time
from tests.fakes.gate import FakeGate
from tests.fakes.names import Names, Waits, client
from tests.fakes.site import Reply, Site

HERE = "127.0.0.1"
OK, BAD, THROTTLED = Outcome.SUCCESS, Outcome.FAILED, Outcome.THROTTLED


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
def gate() -> FakeGate:
    return FakeGate()


# ---------------------------------------------------------------- asking
async def test_each_request_asks_first_those_of_redirects_and_further_attempts_too(site: Site, gate: FakeGate) -> None:
    site.put("/b", Reply(status=503), Reply(b"here"))
    url = site.redirect("/a", site.url("/b").replace(HERE, "localhost"))
    async with client(gate=gate, resolver=Names(localhost=[HERE])) as http:
        assert (await http.fetch(url)).body == b"here"
    assert site.paths() == ["/a", "/b", "/a", "/b"]
    assert gate.asked == [HERE, "localhost", HERE, "localhost"]
    assert gate.heard == [(HERE, OK, 0.0), ("localhost", BAD, 0.0), (HERE, OK, 0.0), ("localhost", OK, 0.0)]


async def test_a_large_file_takes_one_turn(site: Site, gate: FakeGate) -> None:
    url = site.put("/audio", Reply(b"x" * 10_000_000, "audio/mpeg"))
    async with client(gate=gate, max_bytes=20_000_000) as http:
        assert len((await http.fetch(url)).body) == 10_000_000
    assert gate.asked == [HERE]


async def test_a_line_that_is_too_long_is_the_callers_business_at_once(site: Site, gate: FakeGate) -> None:
    gate.busy, waits = Busy(HERE, 40.0), Waits()
    async with client(gate=gate, sleep=waits) as http:
        with pytest.raises(Busy) as refused:
            await http.fetch(site.put("/a", Reply(b"x")))
    assert refused.value.retry_after_s == 40.0
    assert (site.seen, waits.waited, len(gate.asked), gate.heard) == ([], [], 1, [])


async def test_what_may_not_be_fetched_takes_no_turn(gate: FakeGate) -> None:
    async with client(gate=gate) as http:
        for url in ("https://10.0.0.1/", "http://shore.example/", "nonsense"):
            with pytest.raises(RefusedUrl):
                await http.fetch(url)
    assert gate.asked == []


class SlowGate(FakeGate):
    """It makes everybody wait for longer than a fetch may take."""

    async def admit(self, host: str) -> None:
        await super().admit(host)
        await asyncio.sleep(0.3)


async def test_waiting_for_ones_turn_does_not_count_as_the_sites_slowness(site: Site) -> None:
    url, hung = site.put("/a", Reply(b"here")), site.put("/hung", Reply(hangs=True))
    gate = SlowGate()
    async with client(gate=gate, timeout_s=0.2) as http:
        assert (await http.fetch(url)).body == b"here"
        assert gate.outcomes() == [OK]
        with pytest.raises(DeadlineExceeded):
            await http.fetch(hung)
    assert gate.outcomes() == [OK, BAD]


# ---------------------------------------------------------------- telling
@pytest.mark.parametrize(
    ("status", "headers", "outcome", "asked_s"),
    [
        (200, {}, OK, 0.0),
        (404, {}, OK, 0.0),
        (401, {}, OK, 0.0),
        (403, {}, BAD, 0.0),
        (500, {}, BAD, 0.0),
        (503, {}, BAD, 0.0),
        (429, {}, THROTTLED, 0.0),
        (429, {"Retry-After": "120"}, THROTTLED, 120.0),
        (429, {"Retry-After": "soon"}, THROTTLED, 0.0),
        (503, {"Retry-After": "120"}, THROTTLED, 120.0),
        (403, {"Retry-After": "120"}, THROTTLED, 120.0),
        (200, {"Retry-After": "120"}, OK, 0.0),
        (404, {"Retry-After": "120"}, OK, 0.0),
    ],
)
async def test_what_a_status_says_of_our_welcome(
    status: int, headers: dict[str, str], outcome: Outcome, asked_s: float, site: Site, gate: FakeGate
) -> None:
    url = site.put("/a", Reply(status=status, headers=headers))
    async with client(gate=gate, attempts=1) as http:
        (await http.open(WebRequest(url))).close()
    assert gate.heard == [(HERE, outcome, asked_s)]


async def test_a_host_that_takes_no_connection_or_hangs_has_failed(site: Site, gate: FakeGate) -> None:
    with socket.socket() as unused:
        unused.bind((HERE, 0))
        port = unused.getsockname()[1]
    async with client(gate=gate, attempts=2, timeout_s=0.5) as http:
        with pytest.raises(Unavailable):
            await http.fetch(f"http://{HERE}:{port}/")
        assert gate.outcomes() == [BAD, BAD]
        with pytest.raises(DeadlineExceeded):
            await http.fetch(site.put("/slow", Reply(hangs=True)))
    assert gate.outcomes() == [BAD, BAD, BAD]


async def test_a_name_that_is_not_known_or_not_public_says_nothing_of_a_host(gate: FakeGate) -> None:
    async with client(gate=gate, attempts=1, resolver=Names(inside=["10.0.0.1"])) as http:
        with pytest.raises(Unavailable):
            await http.fetch("https://shore.example/")
        with pytest.raises(RefusedUrl):
            await http.fetch("https://inside.example/")
    assert gate.heard == []


async def test_what_a_page_turned_out_to_be_is_told_by_those_who_read_it(site: Site, gate: FakeGate) -> None:
    url = site.put("/a", Reply(b"Before you continue"))
    async with client(gate=gate) as http:
        http.told((await http.fetch(url)).url, Outcome.CONSENT_PAGE)
    assert gate.outcomes() == [OK, Outcome.CONSENT_PAGE]


# ---------------------------------------------------------------- Retry-After
@pytest.mark.parametrize("status", [429, 503, 403])
@pytest.mark.parametrize("dated", [False, True])
async def test_a_wait_that_a_site_asks_for_is_obeyed_whatever_its_form(status: int, dated: bool, site: Site) -> None:
    now_s = 1_790_000_000.0
    header = formatdate(now_s + 7.0, usegmt=True) if dated else "7"
    asking = Reply(status=status, headers={"Retry-After": header, "Date": formatdate(now_s, usegmt=True)})
    url, waits = site.put("/a", asking, Reply(b"well")), Waits()
    # The two clocks are five minutes apart.
    async with client(sleep=waits, now=lambda: now_s + 300.0) as http:
        assert (await http.fetch(url)).body == b"well"
    assert waits.waited == [7.0]


@pytest.mark.parametrize("status", [429, 503, 403])
async def test_a_wait_that_there_is_no_time_for_is_told_in_seconds(status: int, site: Site) -> None:
    url = site.put("/a", Reply(status=status, headers={"Retry-After": "3600"}))
    async with client() as http:
        with pytest.raises(Busy) as busy:
            await http.fetch(url)
    assert busy.value.retry_after_s == 3_600.0
    assert len(site.seen) == 1


async def test_a_page_that_is_forbidden_without_a_wait_is_not_asked_for_again(site: Site) -> None:
    url = site.put("/a", Reply(status=403))
    async with client() as http:
        with pytest.raises(BadInput, match="does not show that page"):
            await http.fetch(url)
    assert len(site.seen) == 1


# ---------------------------------------------------------------- with the real pace
async def test_three_clients_that_a_site_throttles_slow_down_together(site: Site) -> None:
    """The site takes two requests, then none for 5 s; nobody comes meanwhile, and all get their page."""
    url = site.put("/a", Reply(b"1"), Reply(b"2"), Reply(status=429, headers={"Retry-After": "5"}), Reply(b"well"))
    time = Time()
    pace = SharedPace(time)
    rules = PaceRules(interval_s=1.0, burst=3, jitter=0.0, max_wait_s=60.0)
    pace.hosts[f"host:{HERE}"] = Host(rules, f"host:{HERE}")
    gates = [HostGate(pace, GateConfig(60.0), clock=lambda: time.now_s, sleep=time.sleep) for _ in range(3)]
    clients = [client(gate=gate, timeout_s=60.0) for gate in gates]

    async def fetch(number: int) -> bytes:
        return (await clients[number % 3].fetch(url)).body

    tasks = [asyncio.create_task(fetch(number)) for number in range(6)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0.05)  # the site is a real one, and takes time
        await time.pass_by()
    assert sorted([await task for task in tasks]) == [b"1", b"2", *[b"well"] * 4]
    assert len(site.seen) == 7
    assert time.now_s == 5.0 + 2.0 * 3
    for http in clients:
        await http.close()
