"""What `python -m actors.inspect` refuses: with one line that says what, where and what to do, and exit code 2."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.actors.journals import SHARD, append, file_of, opened
from tests.actors.ledgers import RESERVE, Inspect, inspecting, ledger, spawned, spend


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A journal in which two tenants have spent something; nothing in here changes it."""
    made = f"sqlite:///{tmp_path_factory.mktemp('kept')}/journal.db"

    async def make() -> None:
        async with ledger(made) as budgets:
            await spend(budgets, "guild-7")
            await spend(budgets, "guild-71")

    asyncio.run(make())
    return made


@pytest.fixture
def inspect(url: str, capsys: pytest.CaptureFixture[str]) -> Inspect:
    return inspecting(capsys, url)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the following arguments are required: KIND, KEY. --help tells"),
        (["BudgetLedger"], "the following arguments are required: KEY"),
        (["BudgetLedger", "guild-7", "guild-71"], "too many words"),
        (["Budget", "guild-7"], "There is no kind of entity 'Budget'. Kinds: ActivityLog, AnswerCache, BudgetLedger"),
        (["x" * 5_000, "guild-7"], "There is no kind of entity 'xxx"),
        (["\x1b[2J", "guild-7"], "There is no kind of entity '\\x1b[2J'"),
        (["BudgetLedger", ""], "its key is empty"),
        (["BudgetLedger", "  "], "its key is empty"),
        (["BudgetLedger", "k" * 5_000], "The key has 5,000 characters; at most 200 are taken"),
        (["BudgetLedger", "guild\n7"], "holds characters that cannot be shown"),
        (["BudgetLedger", "guild\udcff"], "holds characters that cannot be shown"),
        (["BudgetLedger", "guild-7", "--at", "4"], "BudgetLedger/guild-7 has no entry 4 yet: its last one is 3"),
        (["BudgetLedger", "guild-7", "--at", "2999-01-01"], "2999-01-01T00:00:00Z is in the future. It is 20"),
        (["BudgetLedger", "guild-7", "--at", "9" * 400], "is in the future"),
        (["BudgetLedger", "guild-7", "--at", "at noon"], "'at noon' is neither an entry nor a time. Give an entry's"),
        (["BudgetLedger", "guild-7", "--at", "-1"], "'-1' is neither an entry nor a time"),
        (["BudgetLedger", "guild-7", "--at", ""], "'' is neither an entry nor a time"),
        (["BudgetLedger", "guild-7", "--since", "soon"], "'soon' is neither an entry nor a time"),
        (["BudgetLedger", "guild-7", "--at", "1", "--since", "2"], "--since 2 is after the moment that is asked for"),
        (["BudgetLedger", "guild-7", "--ask", "{"], "has no such command"),
        (["BudgetLedger", "guild-7", "--ask", ""], "has no such command"),
        (["BudgetLedger", "guild-7", "--ask", '{"type":"Take"}'], "Invalid value 'Take'"),
        (["BudgetLedger", "guild-7", "--ask", RESERVE.replace("ttl_s", "ttl")], "has no such command"),
        (["BudgetLedger", "guild-7", "--ask", '{"a":' * 100_000], "has no such command"),
        (["BudgetLedger", "guild-7", "--verify", "--at", "1"], "no moment and no command go with it"),
        (["BudgetLedger", "guild-7", "--last", "0"], "give a whole number from 1 on"),
        (["BudgetLedger", "guild-7", "--last", "9" * 5_000], "give a whole number from 1 on"),
    ],
)
def test_a_call_that_cannot_be_answered_is_refused(inspect: Inspect, arguments: Sequence[str], told: str) -> None:
    assert told in inspect(*arguments).refusal()


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("guild-7x", "guild-7, guild-71"),
        ("guild-71/2", "guild-71"),
        ("guild-8", "guild-7, guild-71"),
        ("tenant:guild-7", "guild-7, guild-71"),
        ("guild-", "guild-7, guild-71"),
    ],
)
def test_for_a_key_that_nothing_ever_changed_near_ones_are_named(inspect: Inspect, key: str, near: str) -> None:
    refusal = inspect("BudgetLedger", key).refusal()
    assert refusal == f"BudgetLedger/{key} has no entries: nothing ever changed it. Keys like it: {near}.\n"
    assert "No ActivityLog has any" in inspect("ActivityLog", key).refusal()


# ---------------------------------------------------------------- journals that cannot be read
def test_a_journal_that_is_not_there_is_refused_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = inspecting(capsys, f"sqlite:///{tmp_path}/journal/journal.db")("BudgetLedger", "guild-7")
    assert f"There is no journal at {tmp_path}/journal/journal.db. Start the bot once" in told.refusal()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.db").write_text("not a database at all, " * 100, encoding="utf-8")
    refusal = inspecting(capsys, f"sqlite:///{tmp_path}/text.db")("BudgetLedger", "guild-7").refusal()
    assert "is damaged, or is no journal at all" in refusal
    sqlite3.connect(tmp_path / "empty.db").execute("CREATE TABLE entries (stream)").connection.close()
    refusal = inspecting(capsys, f"sqlite:///{tmp_path}/empty.db")("BudgetLedger", "guild-7").refusal()
    assert "holds no journal" in refusal


def test_a_journal_of_a_newer_release_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newer = f"sqlite:///{tmp_path}/journal.db"
    with opened(newer):
        pass
    connection = sqlite3.connect(file_of(newer))
    connection.execute("UPDATE journal_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    refusal = inspecting(capsys, newer)("BudgetLedger", "guild-7").refusal()
    assert "made by a newer release" in refusal
    assert "Run that release or a newer one" in refusal


def test_events_of_a_newer_release_are_refused(journal_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(journal_url, "one") as journal:
        write = append("BudgetLedger/a", 1)
        assert write.entry
        journal.commit(SHARD, "one", [replace(write, entry=replace(write.entry, version=99))])
    refusal = inspecting(capsys, journal_url)("BudgetLedger", "a").refusal()
    assert "BudgetLedger/a at entry 1 was written by a newer release (form 99" in refusal


def test_a_stream_with_a_gap_is_refused(journal_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(journal_url, "one") as journal:
        journal.commit(SHARD, "one", [append("BudgetLedger/a", 1), append("BudgetLedger/a", 3)])
    for arguments in ([], ["--at", "1"], ["--verify"], ["--json"], ["--ask", RESERVE]):
        refusal = inspecting(capsys, journal_url)("BudgetLedger", "a", *arguments).refusal()
        assert "BudgetLedger/a has a gap: entry 2 is missing (the next that is there is 3)." in refusal
        assert "Restore the journal from a backup" in refusal


# ---------------------------------------------------------------- secrets
SECRET = "made-up-password"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--journal", f"postgresql://bot:{SECRET}@127.0.0.1:1/bot"],
        ["--journal", f"mysql://bot:{SECRET}@127.0.0.1:1/bot"],
        ["--journal", f"postgresql://bot:{SECRET}@127.0.0.1:port/bot"],
        [f"--journl=postgresql://bot:{SECRET}@127.0.0.1:1/bot"],
        ["--journl", f"postgresql://bot:{SECRET}@127.0.0.1:1/bot"],
    ],
)
def test_a_password_is_never_repeated(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert SECRET not in inspecting(capsys)("BudgetLedger", "guild-7", *arguments).refusal()


def test_a_password_of_the_settings_is_never_repeated() -> None:
    told = spawned("BudgetLedger", "guild-7", JOURNAL_URL=f"postgresql://bot:{SECRET}@127.0.0.1:1/bot")
    assert SECRET not in told.refusal()
    assert "127.0.0.1:1" in told.refusal()
