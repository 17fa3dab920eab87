"""Resharding while the bot does not run; tests/cluster/test_reshard.py does it while it runs."""

from pathlib import Path

import pytest

from actors.runtime_journal import SqlJournal
from config.configuration import Configuration, load_configuration
from core.errors import BadInput
from deployments.reshard import main


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return load_configuration({}, None, DATA_DIR=str(tmp_path))


def shards_of(configuration: Configuration, kind: str) -> int | None:
    journal = SqlJournal(configuration.settings.journal_url)
    try:
        placement = journal.placement(kind)
        return placement.shards if placement else None
    finally:
        journal.close()


async def test_the_placement_is_written_down_and_changed_again(configuration: Configuration) -> None:
    assert await main(configuration, "BudgetLedger", 4) == "BudgetLedger: from 1 to 4 shards (the bot does not run)."
    assert shards_of(configuration, "BudgetLedger") == 4
    assert shards_of(configuration, "RateLimiter") is None
    assert await main(configuration, "BudgetLedger", 2) == "BudgetLedger: from 4 to 2 shards (the bot does not run)."
    assert shards_of(configuration, "BudgetLedger") == 2


async def test_an_unknown_kind_is_refused_with_those_that_there_are(configuration: Configuration) -> None:
    with pytest.raises(BadInput, match=r"no kind 'Budget'.*RateLimiter, BudgetLedger, ActivityLog"):
        await main(configuration, "Budget", 2)


@pytest.mark.parametrize("shards", [0, -1, 1_025])
async def test_a_number_of_shards_that_is_none_is_refused(configuration: Configuration, shards: int) -> None:
    with pytest.raises(BadInput, match=r"Take 1 to 1,024"):
        await main(configuration, "BudgetLedger", shards)
    assert not Path(configuration.settings.data.dir).joinpath("journal").exists()
