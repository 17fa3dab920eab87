"""What is saved, from bills that are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInput
from evals import money
from evals.measure.money_costs import TOKENS_PER_WORD, Bill, Price, read_prices


def bill(usd: float, quality: float, count: int = 50) -> Bill:
    return Bill(np.full(count, usd), np.full(count, quality), list(map(str, range(count))))


def part(cached: float, trimmed: float, quality: float = 1.0) -> dict[str, Bill]:
    return {
        "off": bill(1.0, 1.0),
        "cache": bill(cached, 1.0),
        "trimming": bill(trimmed, quality),
        "routing": bill(1.0, 1.0),
        "all": bill(cached * trimmed, quality),
    }


def test_a_price_is_for_a_million_tokens() -> None:
    assert Price(10, 30).of(1e6 / TOKENS_PER_WORD, 0) == pytest.approx(10)
    assert Price(10, 30).of(0, 1e5 / TOKENS_PER_WORD) == pytest.approx(3)


def test_shares_of_the_traffic_weigh_cost_and_quality() -> None:
    figures = money.figures([(0.25, part(0.5, 0.5, 0.96)), (0.75, part(1.0, 1.0))], seed=1)
    assert figures["off"] == {"usd_per_1000": 1000.0, "quality": 1.0}
    assert figures["cache"] == {"usd_per_1000": 875.0, "quality": 1.0}
    assert figures["saved_share"] == pytest.approx(0.25 * 0.75)
    assert figures["quality_change"] == pytest.approx(-0.01)
    assert figures["quality_change_low95"] == pytest.approx(-0.01)


def test_the_interval_is_below_the_mean_where_answers_differ() -> None:
    mixed = part(0.5, 0.5)
    mixed["all"] = Bill(np.full(50, 0.25), np.tile([0.0, 1.0], 25), mixed["off"].unit)
    figures = money.figures([(1.0, mixed)], seed=1)
    assert float(str(figures["quality_change_low95"])) < float(str(figures["quality_change"])) == -0.5


def test_prices_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"prices\.json"):
        read_prices(tmp_path)
    (tmp_path / "prices.json").write_text(json.dumps({"one": {"input_usd_per_mtok": 1}}))
    with pytest.raises(BadInput, match=r"prices\.json"):
        read_prices(tmp_path)


def test_a_share_or_a_model_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="share"):
        money.run(grounded=1.5)
    with pytest.raises(BadInput, match="no price"):
        money.run(model="nobody")
