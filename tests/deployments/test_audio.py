"""Fetching the sound of a recording: what is fetched, what is refused, and that nothing is left behind."""

import asyncio
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, BotError, DeadlineExceeded, NotReadable, RefusedUrl, WriteFailed
from core.source_states import SourceState
from core.speech import Transcript
from deployments import audio
from deployments.audio import AudioSource
from deployments.http_client import HttpClient
from deployments.transcriber import SpeechConfig, Transcriber
from deployments.whisper import WhisperConfig
from tests.fakes.site import Reply, Site, page
from tests.fakes.speech import FakeRecogniser, tone

SOUND = tone(4.0, (1.0, 2.5))
WAV = "audio/wav"
HLS = "application/vnd.apple.mpegurl"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(timeout_s=20.0, max_bytes=1_000_000, allow_loopback=True, attempts=1) as client:
        yield client


def source(http: HttpClient, folder: Path, **options: Any) -> AudioSource:
    bounds: dict[str, Any] = {"timeout_s": 20.0, "max_bytes": 1_000_000, "allow_loopback": True, "folder": folder}
    return AudioSource(http, **(bounds | options))


async def fetched(parts: AudioSource, url: str, **options: Any) -> bytes:
    async with parts.fetched(url, **options) as path:
        return path.read_bytes()


def files(folder: Path) -> list[str]:
    """What there is in `folder`, files and folders."""
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))


def playlist(site: Site, path: str, parts: list[str], end: str = "#EXT-X-ENDLIST") -> str:
    """An HLS playlist of these links, 4 s each; gives its link."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:4", "#EXT-X-PLAYLIST-TYPE:VOD"]
    lines += [f"#EXTINF:4.0,\n{part}" for part in parts]
    return site.put(path, Reply("\n".join([*lines, end, ""]).encode(), HLS))


# ---------------------------------------------------------------- what is fetched
async def test_a_direct_link_gives_its_file_for_as_long_as_it_is_needed(
    site: Site, http: HttpClient, tmp_path: Path
) -> None:
    url = site.put("/episode.wav", Reply(SOUND, WAV))
    async with source(http, tmp_path).fetched(url) as path:
        assert path.read_bytes() == SOUND
        assert path.is_relative_to(tmp_path)
    assert files(tmp_path) == []


async def test_the_sound_of_a_page_is_found(site: Site, http: HttpClient, tmp_path: Path) -> None:
    url = site.talk("Tides")
    site.put("/Tides.mp4", Reply(SOUND, "video/mp4"))
    assert await fetched(source(http, tmp_path), url) == SOUND


async def test_parts_of_a_stream_are_put_together(site: Site, http: HttpClient, tmp_path: Path) -> None:
    third = len(SOUND) // 3 + 1
    for number in range(3):
        site.put(f"/part{number}.ts", Reply(SOUND[number * third : (number + 1) * third], "video/mp2t"))
    url = playlist(site, "/talk.m3u8", [f"part{number}.ts" for number in range(3)])
    assert await fetched(source(http, tmp_path), url) == SOUND


async def test_a_title_with_slashes_leads_nowhere(site: Site, http: HttpClient, tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    site.put("/x.mp4", Reply(SOUND, "video/mp4"))
    url = site.put("/x.html", Reply(page("../../../escaped/%(id)s", "<video src='/x.mp4'></video>")))
    async with source(http, folder).fetched(url) as path:
        assert path.name == "sound"
        assert files(tmp_path) == ["sounds", f"sounds/{path.parent.name}", f"sounds/{path.parent.name}/sound"]
    assert files(tmp_path) == ["sounds"]


async def test_of_several_recordings_on_a_page_the_one_that_is_meant(
    site: Site, http: HttpClient, tmp_path: Path
) -> None:
    other = tone(2.0, (0.5,))
    site.put("/a.mp4", Reply(SOUND, "video/mp4"))
    site.put("/b.mp4", Reply(other, "video/mp4"))
    url = site.put("/two.html", Reply(page("Two", "<video src='/a.mp4'></video><video src='/b.mp4'></video>")))
    parts = source(http, tmp_path)
    assert await fetched(parts, url) == SOUND
    assert await fetched(parts, url, item="two-2") == other
    with pytest.raises(BadInput, match="no such recording"):
        await fetched(parts, url, item="two-3")


async def test_a_recording_is_transcribed_from_its_link(site: Site, http: HttpClient, tmp_path: Path) -> None:
    url = site.put("/episode.wav", Reply(SOUND, WAV))
    config = SpeechConfig(WhisperConfig(tmp_path), max_length_s=60.0)
    events = [event async for event in Transcriber(config, source(http, tmp_path), FakeRecogniser()).transcribe(url)]
    assert isinstance(events[-1], Transcript)
    assert [cue.start_s for cue in events[-1].cues] == pytest.approx([1.0, 2.5], abs=0.03)


# ---------------------------------------------------------------- what is refused
async def refusal(parts: AudioSource, url: str, **options: Any) -> BotError:
    """The error that fetching `url` raises."""
    with pytest.raises(BotError) as caught:
        await fetched(parts, url, **options)
    return caught.value


@pytest.mark.parametrize("target", ["https://10.0.0.1/secret", "https://169.254.169.254/latest"])
async def test_private_addresses_are_refused_wherever_they_hide(
    site: Site, http: HttpClient, tmp_path: Path, target: str
) -> None:
    parts = source(http, tmp_path)
    site.redirect("/Moved.mp4", target)
    site.put("/first.ts", Reply(SOUND[:1000]))
    links = (
        target,
        site.redirect("/moved", target),
        site.talk("Moved"),
        playlist(site, "/list.m3u8", ["first.ts", target]),
        site.put("/master.m3u8", Reply(f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=64000\n{target}\n".encode(), HLS)),
    )
    assert [type(await refusal(parts, link)) for link in links] == [RefusedUrl] * len(links)
    assert files(tmp_path) == []


async def test_a_stream_cannot_name_a_file_of_this_machine(site: Site, http: HttpClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(SOUND)
    parts = source(http, tmp_path / "sounds")
    assert isinstance(await refusal(parts, secret.as_uri()), RefusedUrl)
    assert isinstance(await refusal(parts, playlist(site, "/list.m3u8", [secret.as_uri()])), NotReadable)
    assert files(tmp_path) == ["secret", "sounds"]


async def test_this_machine_is_refused_without_the_flag(site: Site, tmp_path: Path) -> None:
    async with HttpClient(timeout_s=5.0, max_bytes=1_000_000) as http:
        url = site.put("/episode.wav", Reply(SOUND, WAV))
        assert isinstance(await refusal(source(http, tmp_path, allow_loopback=False), url), RefusedUrl)
    assert site.seen == []


async def test_a_file_over_the_limit_is_refused(site: Site, http: HttpClient, tmp_path: Path) -> None:
    url = site.put("/episode.wav", Reply(SOUND, WAV))
    with pytest.raises(BadInput, match="larger than"):
        await fetched(source(http, tmp_path, max_bytes=50_000), url)
    assert files(tmp_path) == []


async def test_a_stream_of_endless_parts_ends_at_the_limit(site: Site, http: HttpClient, tmp_path: Path) -> None:
    for number in range(100):
        site.put(f"/part{number}.ts", Reply(SOUND[:20_000], "video/mp2t"))
    url = playlist(site, "/talk.m3u8", [f"part{number}.ts" for number in range(100)])
    with pytest.raises(BadInput, match="larger than"):
        await fetched(source(http, tmp_path, max_bytes=100_000), url)
    assert files(tmp_path) == []
    assert len([path for path in site.paths() if path.startswith("/part")]) <= 8


async def test_a_page_over_the_limit_is_refused_before_it_fills_memory(
    site: Site, http: HttpClient, tmp_path: Path
) -> None:
    url = site.put("/long.html", Reply(page("Long", "<p>x</p>" * 10_000)))
    with pytest.raises(BadInput, match="larger than"):
        await fetched(source(http, tmp_path, max_page_bytes=20_000), url)
    assert files(tmp_path) == []


async def test_a_recording_that_its_page_says_is_too_long_is_not_fetched(
    site: Site, http: HttpClient, tmp_path: Path
) -> None:
    about = (
        '{"@context":"https://schema.org","@type":"VideoObject","name":"Long","duration":"PT12H5M","contentUrl":"%s"}'
    )
    head = f'<script type="application/ld+json">{about % site.url("/long.mp4")}</script>'
    site.put("/long.mp4", Reply(SOUND, "video/mp4"))
    url = site.put("/long.html", Reply(page("Long", "", head=head)))
    parts = source(http, tmp_path)
    with pytest.raises(BadInput, match=r"It lasts 12 h 5 min; at most 12 h can be transcribed"):
        await fetched(parts, url, most_s=43_200.0)
    assert files(tmp_path) == []
    asked = [path for path in site.paths() if path == "/long.mp4"]
    assert await fetched(parts, url, most_s=50_000.0) == SOUND
    assert len(asked) <= 1  # yt-dlp asks once what it is


async def test_a_stream_that_goes_on_is_told_as_such(site: Site, http: HttpClient, tmp_path: Path) -> None:
    site.put("/part.ts", Reply(SOUND))
    url = playlist(site, "/live.m3u8", ["part.ts"], end="")
    with pytest.raises(NotReadable) as caught:
        await fetched(source(http, tmp_path), url)
    assert caught.value.state is SourceState.LIVE


@pytest.mark.parametrize(
    "reply",
    [Reply(b"gone", status=404), Reply(SOUND, WAV, cut_after=1000), Reply(b"<html><p>Log in</p></html>")],
)
async def test_what_breaks_off_or_is_missing_is_no_shorter_recording(
    site: Site, http: HttpClient, tmp_path: Path, reply: Reply
) -> None:
    parts = source(http, tmp_path)
    url = site.put("/episode.wav", reply)
    with pytest.raises(BotError):
        await fetched(parts, url)
    site.put("/first.ts", Reply(SOUND[:1000]))
    site.put("/second.ts", reply)
    if reply.status == 404 or reply.cut_after:
        with pytest.raises(BotError):
            await fetched(parts, playlist(site, "/list.m3u8", ["first.ts", "second.ts", "first.ts"]))
    assert files(tmp_path) == []


async def test_a_site_that_hangs_is_given_up_in_time(site: Site, http: HttpClient, tmp_path: Path) -> None:
    url = site.put("/episode.wav", Reply(hangs=True))
    with pytest.raises(DeadlineExceeded, match=r"127\.0\.0\.1 did not answer in time"):
        await fetched(source(http, tmp_path, timeout_s=0.3), url)
    assert files(tmp_path) == []


async def test_whoever_leaves_leaves_no_file(site: Site, http: HttpClient, tmp_path: Path) -> None:
    url = site.put("/episode.wav", Reply(hangs=True))
    task = asyncio.ensure_future(fetched(source(http, tmp_path), url))
    while not site.seen:  # noqa: ASYNC110 - the site is no part that tells
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(tmp_path) == []


# ---------------------------------------------------------------- the folder
async def test_what_a_killed_process_left_is_swept_away_and_nothing_else(
    site: Site, http: HttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "speech-left").mkdir()
    (tmp_path / "speech-left" / "sound").write_bytes(SOUND)
    (tmp_path / "other").mkdir()
    url = site.put("/episode.wav", Reply(SOUND, WAV))
    await fetched(source(http, tmp_path), url)
    assert (tmp_path / "speech-left").exists()
    monkeypatch.setattr(audio, "_LEFT_BEHIND_S", -1.0)
    await fetched(source(http, tmp_path), url)
    assert files(tmp_path) == ["other"]


async def test_a_folder_that_cannot_be_written_is_told(http: HttpClient, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteFailed, match="Set SPEECH_FOLDER"):
        await fetched(source(http, tmp_path / "file" / "sounds"), "https://shore.example/episode.mp3")


async def test_a_full_disk_is_no_fault_of_the_site(site: Site, http: HttpClient, tmp_path: Path) -> None:
    url = site.put("/episode.wav", Reply(SOUND, WAV))
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        found = await refusal(source(http, tmp_path), url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(found, WriteFailed)
    assert "with room" in str(found)
    assert files(tmp_path) == []


async def test_an_extractor_that_stumbles_is_named(
    http: HttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise KeyError("playerConfig")

    monkeypatch.setattr(audio, "downloader", stumble)
    with pytest.raises(NotReadable, match=r"shore\.example"):
        await fetched(source(http, tmp_path), "https://shore.example/episode")
    assert files(tmp_path) == []
