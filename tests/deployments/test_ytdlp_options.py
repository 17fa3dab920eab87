"""What an operator sets for yt-dlp: cookies, JavaScript, arguments; and the links of YouTube's mirrors."""

import importlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployments.http_client import HttpClient
from deployments.ytdlp import YtDlpOptions
from tests.deployments.test_ytdlp import extractor
from tests.fakes.site import Reply, Site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(timeout_s=20.0, max_bytes=1_000_000, allow_loopback=True, attempts=1) as client:
        yield client


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


@pytest.mark.parametrize(
    "script", ['await fetch("http://127.0.0.1:8080/")', 'Deno.readTextFileSync("/etc/hosts")', "Deno.env.get('HOME')"]
)
def test_a_script_that_yt_dlp_runs_has_no_network_no_files_and_no_environment(script: str) -> None:
    deno = importlib.import_module("yt_dlp.extractor.youtube.jsc._builtin.deno").DenoJCP
    path = YtDlpOptions(javascript=True).params(1.0)["js_runtimes"]["deno"]["path"]
    command = [path, "run", *deno._DENO_BASE_OPTIONS, "--no-npm", "--cached-only", "-"]
    assert not any(option.startswith("--allow") or option == "-A" for option in command)
    ran = subprocess.run(command, input=script, text=True, capture_output=True, timeout=60, check=False)
    assert ran.returncode != 0
    assert "NotCapable" in ran.stderr
