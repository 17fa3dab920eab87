"""The benchmark of ingest: a short run of each of its parts, and the site of talks that it is made on."""

import json
from itertools import chain
from pathlib import Path

import pytest

from core.captions import parse
from core.errors import Unavailable
from demo.site import served
from deployments.cluster import Running
from evals.bench import ingest
from evals.measure.polls import poll_cost
from evals.measure.process_peak import peak_mb
from evals.measure.talk_site import pieces, write_site

pytestmark = pytest.mark.timeout(300)


@pytest.mark.cluster
@pytest.mark.asyncio(loop_scope="session")
async def test_ingest_has_every_side_of_each_round_and_a_peak_for_each_size(
    bot: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = await ingest.throughput(bot.assistant, talks=4, length_s=40.0, rounds=1, delay_s=0.02, near_s=0.01)
    memory = await ingest.peak_memory(bot.assistant, 2, 4)
    assert json.loads(json.dumps(figures)) == figures
    for key in ("ratio_to_sequential", "ratio_to_embedder", "talk_hours_per_min", "videos_per_min"):
        spread = figures[key]
        assert isinstance(spread, dict)
        assert 0 < spread["min"] <= spread["median"] <= spread["max"]
    nearer = figures["by_smaller_delay_ms"]
    assert isinstance(nearer, dict)
    assert set(nearer) == {"10", "0"}
    assert set(memory) == {"2", "4"}
    assert all(20 < size_mb < 4_000 for size_mb in memory.values())
    assert "round 0: 4 talks" in capsys.readouterr().out


@pytest.mark.cluster
@pytest.mark.asyncio(loop_scope="session")
async def test_a_talk_that_did_not_come_in_ends_the_measurement(bot: Running, tmp_path: Path) -> None:
    (talk,) = pieces(1, 40.0)
    write_site(tmp_path, [talk])
    (tmp_path / f"{talk.name}.vtt").unlink()
    with served(tmp_path, 0) as feed, pytest.raises(Unavailable, match="brought in 0 talks"):
        await ingest.bring_in(bot.assistant, feed, 1)


async def test_looks_at_feeds_without_news_cost_one_small_request_each() -> None:
    figures = await poll_cost(12)
    assert set(figures) == {"poll_12_channels_s", "poll_cpu_s", "poll_bytes_a_channel"}
    assert figures["poll_12_channels_s"] > 0  # type: ignore[operator]
    assert 100 < figures["poll_bytes_a_channel"] < 2_000  # type: ignore[operator]


def test_talks_are_distinct_pieces_of_real_speech_that_can_be_read_back(tmp_path: Path) -> None:
    talks = list(chain(pieces(70, 240.0, 1), pieces(70, 240.0, 40)))
    assert len({talk.name for talk in talks}) == len(talks)
    write_site(tmp_path, talks[:3])
    for talk in talks[:3]:
        read = parse((tmp_path / f"{talk.name}.vtt").read_bytes()).cues
        assert read[0].start_s == 0.0
        assert read[-1].end_s == pytest.approx(talk.length_s, abs=0.002)
        assert 120.0 < talk.length_s <= 245.0
    feed = (tmp_path / "feed.xml").read_text()
    assert all(f'href="{talk.name}.html"' in feed for talk in talks[:3])


def test_a_process_that_is_not_there_has_no_peak() -> None:
    with pytest.raises(Unavailable, match="No process has that name"), peak_mb("nobody of that name"):
        pass
