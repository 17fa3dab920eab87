"""The benchmarks measure both sides and print figures that can be read: a short run of each."""

import json

import pytest

from core.errors import StartupFailed
from demo.site import served
from deployments.cluster import Running
from evals.bench import answers, embeddings, memory

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]

SLEEPER = "print('starting', flush=True); print('Dashboard', flush=True); input()"


async def test_embeddings_has_both_sides_of_each_round(bot: Running, capsys: pytest.CaptureFixture[str]) -> None:
    figures = await embeddings.measure(bot.addresses.api, clients=2, inputs=3, rounds=2, singles=3, seed=1)
    assert json.loads(json.dumps(figures)) == figures
    rounds = [line for line in capsys.readouterr().out.splitlines() if "ratio" in line]
    assert len(rounds) == 2
    for key in ("ratio_to_raw", "sentences_per_s", "raw_sentences_per_s"):
        spread = figures[key]
        assert isinstance(spread, dict)
        assert 0 < spread["min"] <= spread["median"] <= spread["max"]
    assert all(isinstance(figures[key], float) for key in ("single_p50_ms", "raw_single_p50_ms"))


async def test_answers_shares_add_up_to_the_whole(bot: Running) -> None:
    with served() as feed:
        await answers.ingest(bot.assistant, feed.replace("feed.xml", "talks/what-is-perplexity.html"))
    figures = await answers.measure(bot.assistant, questions=4, seed=1)
    assert figures["questions"] == 4
    shares = figures["stage_share"]
    assert isinstance(shares, dict)
    assert set(shares) == {"check", "limit", "embed", "search", "trim", "generate", "verify", "between"}
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    assert all(share >= 0 for share in shares.values())


def test_memory_counts_a_process_at_rest_and_ends_it() -> None:
    parts = memory.at_rest(["-c", SLEEPER], rest_s=0.0)
    assert 1 < sum(parts.values()) < 500


def test_a_process_that_does_not_start_is_told() -> None:
    with pytest.raises(StartupFailed, match="no such thing"):
        memory.at_rest(["-c", "raise SystemExit('no such thing')"], rest_s=0.0)
