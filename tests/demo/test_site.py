"""The sample channel as it is served, read by the real yt-dlp, and what its README promises."""

import socket
from pathlib import Path

import pytest

from core.captions import parse
from core.feeds import parse_feed
from core.messages import IngestReport, IngestRequest, IngestState
from core.tenancy import TenantContext
from demo.site import CHANNEL, main, served
from deployments.media_source import MediaSource
from tests.fakes.ingest import house
from tests.fakes.store import MemoryStore

TENANT = TenantContext("demo", "demo")
FEED = parse_feed((CHANNEL / "feed.xml").read_bytes(), "https://talks.example/feed.xml")
assert FEED is not None
TALKS = sorted(path.stem for path in (CHANNEL / "talks").glob("*.html"))


async def test_every_talk_is_ingested() -> None:
    source = MediaSource.of_the_web(
        language="en", max_recordings=50, max_caption_bytes=1_000_000, timeout_s=30.0, allow_loopback=True
    )
    store = MemoryStore()
    report = IngestReport("")
    with served(port=0) as feed:
        async with house(source, store=store) as made:
            async for event in made.ingest.run(IngestRequest(TENANT, feed)):
                if isinstance(event, IngestReport):
                    report = event
    await source.close()
    assert report.count(IngestState.INGESTED) == len(report.outcomes) == len(TALKS) >= 10
    library = await store.library(TENANT)
    speakers = {recording.title: recording.speaker for recording in library.recordings}
    assert speakers["JavaScript: The Good Parts"] == "Douglas Crockford"
    assert all(speakers.values())
    assert {recording.language for recording in library.recordings} == {"en"}
    assert library.passages > 100


def test_the_feed_lists_every_talk_and_each_has_its_files() -> None:
    assert FEED is not None
    assert FEED.cut == ""
    assert sorted(Path(entry.url).stem for entry in FEED.entries) == TALKS
    assert sorted(path.stem for path in (CHANNEL / "talks").glob("*.vtt")) == TALKS


@pytest.mark.parametrize("talk", TALKS)
def test_every_talk_names_its_origin_and_licence(talk: str) -> None:
    captions = (CHANNEL / "talks" / f"{talk}.vtt").read_text()
    readme = (CHANNEL / "README.md").read_text()
    licence = "CC BY 3.0" if "google-video-captions" in captions else "Apache-2.0"
    assert f"licence {licence}" in captions
    row = next(line for line in readme.splitlines() if f"talks/{talk}.html" in line)
    assert row.endswith(f"| {licence} |")
    assert licence in (CHANNEL / "talks" / f"{talk}.html").read_text()


@pytest.mark.parametrize("talk", TALKS)
def test_the_captions_parse_into_cues_in_order(talk: str) -> None:
    cues = parse((CHANNEL / "talks" / f"{talk}.vtt").read_bytes()).cues
    assert len(cues) >= 15
    assert [cue.start_s for cue in cues] == sorted(cue.start_s for cue in cues)
    assert cues[0].start_s < 60
    assert not any("-->" in cue.text or "Copyright" in cue.text for cue in cues)


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in CHANNEL.rglob("*") if path.is_file()) < 1_000_000


def test_it_takes_another_port_where_its_own_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with served(port=port) as feed:
            assert f":{port}/" not in feed
    with served(port=port) as feed:
        assert f":{port}/" in feed


def test_served_alone_until_it_is_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    main(interrupted)
    assert "/feed.xml" in capsys.readouterr().out
