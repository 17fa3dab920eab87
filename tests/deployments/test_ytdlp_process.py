"""What a page can do to yt-dlp's process: the call ends with a name, nothing is left of it, and the next one works."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.errors import BadInput, DeadlineExceeded, NotReadable, RefusedUrl, Unavailable
from deployments.http_client import HttpClient
from deployments.ytdlp import YtDlp, YtDlpOptions
from deployments.ytdlp_calls import extract
from deployments.ytdlp_network import Bridge
from tests.actors.shards import until
from tests.deployments.shore import PLUGINS, ended, group, link, process_of, shore_is_known, yt_dlp
from tests.fakes.site import Reply, Site, page

SMALL = 250_000_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _extractor_of_the_shore() -> Iterator[None]:
    with shore_is_known():
        yield


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(timeout_s=60.0, max_bytes=1_000_000, allow_loopback=True, attempts=1) as client:
        yield client


@pytest.fixture(scope="module")
def small() -> YtDlp:
    """One that may take little memory and sends nothing; its process serves many tests, each in its own event loop."""
    return yt_dlp(HttpClient(timeout_s=5.0, max_bytes=1000), memory_bytes=SMALL)


# ---------------------------------------------------------------- memory and size
async def test_a_page_that_fills_the_memory_is_a_named_failure_and_the_next_one_is_read(small: YtDlp) -> None:
    with pytest.raises(BadInput, match=r"shore\.example took more memory than is given"):
        await small.extract(link("fill", 10_000_000))
    assert (await small.extract(link("large", 5))).info["description"] == "xxxxx"


async def test_a_page_of_the_web_with_endless_data_is_a_named_failure(site: Site, http: HttpClient) -> None:
    data = "[" + "[]," * 2_000_000 + "0]"
    video = "<video src='/a.mp4'></video>"
    url = site.put("/bomb", Reply(page("Bomb", video, head=f'<script type="application/ld+json">{data}</script>')))
    with pytest.raises(BadInput, match="more memory"):
        await yt_dlp(http, memory_bytes=150_000_000).extract(url)


async def test_a_process_that_has_taken_much_is_replaced(small: YtDlp) -> None:
    before = await process_of(small)
    await small.extract(link("fill", 2_000_000))
    assert await process_of(small) != before
    await ended(before)


async def test_more_than_is_taken_is_a_named_failure(http: HttpClient) -> None:
    with pytest.raises(BadInput, match=r"What shore\.example lists is larger"):
        await yt_dlp(http).extract(link("large", 64_000_000))


async def test_whatever_json_can_hold_arrives(small: YtDlp) -> None:
    info = (await small.extract(link("odd"))).info
    assert (info["description"], info["view_count"], info["rating"]) == ("half \ud800", 10**30, float("inf"))


# ---------------------------------------------------------------- time
async def test_a_regular_expression_that_never_ends_is_ended_with_its_process(http: HttpClient) -> None:
    extractor = yt_dlp(http, timeout_s=2.0)
    before = await process_of(extractor)
    with pytest.raises(DeadlineExceeded, match=r"shore\.example did not answer in time"):
        await extractor.extract(link("hang"))
    await ended(before)
    assert group(before) == []
    assert await process_of(extractor) != before


async def test_of_a_listing_that_hangs_what_came_is_kept(http: HttpClient) -> None:
    listing = await yt_dlp(http, listing_timeout_s=3.0).list_flat(link("list", "hang"), 10)
    assert [entry["id"] for entry in listing.entries] == ["0", "1", "2"]
    assert listing.info["title"] == "All talks"
    assert isinstance(listing.error, DeadlineExceeded)


async def test_a_script_that_never_ends_is_ended_with_its_process(http: HttpClient) -> None:
    extractor = yt_dlp(http, timeout_s=3.0, options=YtDlpOptions(javascript=True))
    before = await process_of(extractor)
    reading = asyncio.ensure_future(extractor.extract(link("script", "for (;;);")))
    await until(lambda: len(group(before)) > 1)
    script = next(pid for pid in group(before) if pid != before)
    with pytest.raises(DeadlineExceeded):
        await reading
    await ended(before)
    await ended(script)


async def test_who_leaves_takes_the_process_along(site: Site, http: HttpClient) -> None:
    extractor = yt_dlp(http)
    before = await process_of(extractor)
    reading = asyncio.ensure_future(extractor.extract(site.put("/slow", Reply(hangs=True))))
    await until(lambda: bool(site.seen))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await ended(before)


# ---------------------------------------------------------------- ends
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV"])
async def test_a_crash_is_a_named_failure_and_the_next_page_is_read(small: YtDlp, name: str) -> None:
    with pytest.raises(Unavailable, match="ended early"):
        await small.extract(link("crash", name))
    assert (await small.extract(link("large", 5))).info["description"] == "xxxxx"


async def test_a_process_that_ends_in_the_middle_of_a_request_is_a_named_failure(site: Site, http: HttpClient) -> None:
    extractor = yt_dlp(http)
    before = await process_of(extractor)
    reading = asyncio.ensure_future(extractor.extract(site.put("/slow", Reply(page("Slow", ""), hangs=True))))
    await until(lambda: bool(site.seen))
    os.kill(before, signal.SIGKILL)
    site.release()
    with pytest.raises(Unavailable, match="ended early"):
        await reading
    assert await process_of(extractor) != before


async def test_a_process_that_died_while_nobody_asked_is_replaced_unnoticed(small: YtDlp) -> None:
    before = await process_of(small)
    os.kill(before, signal.SIGKILL)
    await ended(before)
    assert await process_of(small) != before


async def test_one_that_cannot_start_says_so(http: HttpClient) -> None:
    with pytest.raises(Unavailable, match="does not start"):
        await yt_dlp(http, memory_bytes=1_000_000).knows_site("https://shore.example/")


@pytest.mark.parametrize("deed", ["hang/", "slow/0"])
async def test_when_our_process_is_killed_those_of_yt_dlp_end(deed: str) -> None:
    script = f"""
import asyncio, sys
sys.path[:0] = [{str(ROOT)!r}, {str(PLUGINS)!r}]
from deployments.http_client import HttpClient
from tests.deployments.shore import process_of, yt_dlp

async def main():
    extractor = yt_dlp(HttpClient(timeout_s=5.0, max_bytes=1000))
    print(await process_of(extractor), flush=True)
    await extractor.extract("https://shore.example/{deed}")
    print("idle", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    ours = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=subprocess.PIPE)
    assert ours.stdout is not None
    theirs = int(await ours.stdout.readline())
    if deed == "slow/0":
        assert await ours.stdout.readline() == b"idle\n"
    ours.kill()
    await ours.wait()
    await ended(theirs)


def test_when_our_process_ends_well_those_of_yt_dlp_have_ended_too() -> None:
    script = f"""
import asyncio, sys
sys.path[:0] = [{str(ROOT)!r}, {str(PLUGINS)!r}]
from deployments.http_client import HttpClient
from tests.deployments.shore import process_of, yt_dlp

extractor = yt_dlp(HttpClient(timeout_s=5.0, max_bytes=1000))
print(asyncio.run(process_of(extractor)))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert group(int(ran.stdout)) == []


# ---------------------------------------------------------------- several at once
async def test_what_a_call_costs_over_one_in_a_thread(
    site: Site, http: HttpClient, capsys: pytest.CaptureFixture[str]
) -> None:
    url = site.put("/page", Reply(page("Tides", "<video src='/a.mp4'></video>" + " " * 900_000)))
    extractor = yt_dlp(http)
    loop, params = asyncio.get_running_loop(), YtDlpOptions().params(60.0)
    in_process, in_thread = [], []
    for _ in range(4):
        began = loop.time()
        found = await extractor.extract(url)
        in_process.append(loop.time() - began)
        began = loop.time()
        same = await asyncio.to_thread(extract, url, Bridge(http, loop, 1_000_000), params)
        in_thread.append(loop.time() - began)
        assert (found.info["title"], found.head) == (same.info["title"], same.head)
    with capsys.disabled():
        sys.stdout.write(f"\n0.9 MB: {min(in_process):.3f} s in a process, {min(in_thread):.3f} s in a thread\n")


async def test_a_process_is_not_taken_for_worn_because_its_parent_is_large(http: HttpClient) -> None:
    ballast = b"x" * 900_000_000
    extractor = yt_dlp(http)
    assert len({await process_of(extractor) for _ in range(3)}) == 1
    del ballast


async def test_processes_are_reused_one_call_at_a_time_and_only_as_many_as_are_needed(http: HttpClient) -> None:
    extractor = yt_dlp(http)
    one_by_one = {await process_of(extractor) for _ in range(3)}
    assert len(one_by_one) == 1
    together = await asyncio.gather(*(extractor.extract(link("slow", 0.3)) for _ in range(7)))
    pids = [extraction.info["process"] for extraction in together]
    assert len(set(pids)) == 4
    assert one_by_one < set(pids)


# ---------------------------------------------------------------- what it is not given
@pytest.mark.parametrize("deed", ["connect", "lookup"])
async def test_it_has_no_network_of_its_own(site: Site, small: YtDlp, deed: str) -> None:
    with pytest.raises(NotReadable, match="is not allowed to yt-dlp"):
        await small.extract(link(deed, site.port if deed == "connect" else "localhost"))
    assert site.seen == []


async def test_our_own_network_is_refused_to_its_requests(small: YtDlp) -> None:
    with pytest.raises(RefusedUrl, match=r"10\.0\.0\.1"):
        await small.extract(link("fetch", "https://10.0.0.1/"))


async def test_it_starts_no_program_but_the_runtime_of_scripts(small: YtDlp, http: HttpClient) -> None:
    with pytest.raises(NotReadable, match=r"subprocess\.Popen is not allowed"):
        await small.extract(link("start", "/bin/true"))
    with_scripts = yt_dlp(http, options=YtDlpOptions(javascript=True))
    info = (await with_scripts.extract(link("script", "console.log(6 * 7)"))).info
    assert (info["description"], info["view_count"]) == ("42\n", 0), info["uploader"]


async def test_a_script_may_take_no_more_memory_than_its_process(http: HttpClient) -> None:
    greedy = "const all = []; for (;;) all.push(new Array(1_000_000).fill(1.5));"
    extractor = yt_dlp(http, memory_bytes=800_000_000, options=YtDlpOptions(javascript=True))
    info = (await extractor.extract(link("script", greedy))).info
    assert info["view_count"] < 0
    assert "out of memory" in info["uploader"]


async def test_it_inherits_nothing_of_ours(monkeypatch: pytest.MonkeyPatch, http: HttpClient) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    info = (await yt_dlp(http).extract(link("environment"))).info
    assert set(info["environment"]) <= {"PATH", "LANG", "LC_CTYPE", "HOME", "PYTHONPATH"}
    assert info["cwd"] == "/"
