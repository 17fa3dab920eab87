"""`python -m actors.inspect` on journals that real actors wrote, on SQLite and on PostgreSQL."""

import asyncio
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from actors.activity_log import ActivityLog
from actors.budget_ledger import BudgetLedger
from actors.runtime_host import ShardConfig
from core.activity_documents import AnswerActivity
from core.budget_state import Budget
from core.journal import Write
from core.messages import Receipt
from tests.actors.journals import ROOT, SHARD, append, opened
from tests.actors.ledgers import RESERVE, Inspect, fill, inspecting, ledger, spawned, spend


@pytest.fixture
async def budgets(journal_url: str) -> AsyncIterator[BudgetLedger]:
    """An open ledger in which two tenants have spent something."""
    async with ledger(journal_url) as made:
        await spend(made, "guild-7")
        await spend(made, "guild-71")
        yield made


@pytest.fixture
def inspect(budgets: BudgetLedger, journal_url: str, capsys: pytest.CaptureFixture[str]) -> Inspect:
    """The command, on the journal of that ledger, which stays open."""
    del budgets
    return inspecting(capsys, journal_url)


# ---------------------------------------------------------------- the state, the entries and the reason
async def test_the_state_the_entries_and_the_reason_are_printed(inspect: Inspect) -> None:
    told = inspect("BudgetLedger", "guild-7")
    assert (told.code, told.err) == (0, "")
    assert told.lines[0].startswith("BudgetLedger/guild-7 after entry 3 of 3, at 20")
    state, history, why = told.out.split("\n\n")[1:]
    assert "  limits: none\n" in state
    assert "  day.spent.cost_usd: 0.41\n" in state
    assert "  held[r-2].amount.cost_usd: 0.7\n" in state
    assert "  lost: empty" in state
    assert "Reserve reservation_id=r-1 asked.cost_usd=0.50 asked.tokens=1000 ttl_s=300 limits.day" in history
    assert history.count("event and reply") == 3
    assert "the state before\n    limits: none\n" in why
    assert "    day.spent.cost_usd: 0.41\n" in why
    assert "\n    held: empty\n" in why
    assert why.endswith("Decided again, it comes to the same events and the same reply.\n")


async def test_the_state_of_each_entry_and_moment_is_what_the_ledger_reported_then(
    inspect: Inspect, budgets: BudgetLedger
) -> None:
    report = await budgets.report("guild-7")
    now = inspect("BudgetLedger", "guild-7", "--json").document
    state = msgspec.convert(now["state"], Budget)
    assert (state.day.spent, state.held[0].amount) == (report.day.spent, report.day.reserved)
    for entry in now["history"]:
        by_seq, by_time, by_unix = (
            inspect("BudgetLedger", "guild-7", "--at", at, "--json").document
            for at in (entry["seq"], entry["time"], repr(entry["at"]))
        )
        assert by_seq["seq"] == by_time["seq"] == by_unix["seq"] == entry["seq"]
        assert by_seq["state"] == by_time["state"] == by_unix["state"]
        assert by_seq["why"]["verdict"] == "same"
    assert by_seq["state"] == now["state"]
    assert [entry["reply"]["type"] for entry in now["history"]] == ["Reserved", "Settled", "Reserved"]


async def test_before_its_first_entry_an_entity_is_what_it_began_as(inspect: Inspect) -> None:
    for at in ("0", "2026-01-01", "7.0"):
        told = inspect("BudgetLedger", "guild-7", "--at", at)
        assert told.lines[0].startswith("BudgetLedger/guild-7 before its first entry (of 3), at ")
        assert "  held: empty" in told.lines
        assert told.lines[-1] == "  no entries"
    assert "why" not in inspect("BudgetLedger", "guild-7", "--at", 0, "--json").document


async def test_the_last_entries_are_listed_and_the_others_counted(inspect: Inspect) -> None:
    told = inspect("BudgetLedger", "guild-7", "--last", 1)
    assert "  (2 earlier ones are left out: --last 3 shows all)" in told.lines
    history = inspect("BudgetLedger", "guild-7", "--last", 2, "--json").document["history"]
    assert [entry["seq"] for entry in history] == [2, 3]


# ---------------------------------------------------------------- what changed
async def test_what_an_entry_changed_is_listed_path_by_path(inspect: Inspect) -> None:
    told = inspect("BudgetLedger", "guild-7", "--at", 2, "--diff")
    assert told.lines[2].startswith("changed since entry 1, at 20")
    assert "  - day.spent.cost_usd: 0 -> 0.41" in told.lines
    assert "  - day.spent.tokens: 0 -> 812" in told.lines
    assert "  - held[r-1].amount.cost_usd: 0.50 -> (absent)" in told.lines
    assert not any(line.startswith("  - limits") for line in told.lines)
    assert "state" not in told.lines


async def test_what_changed_between_two_moments_is_listed(inspect: Inspect) -> None:
    told = inspect("BudgetLedger", "guild-7", "--since", 0, "--at", 3, "--json").document
    changed = {change["path"]: change for change in told["diff"]["changes"]}
    assert changed["day.spent.cost_usd"] == {"path": "day.spent.cost_usd", "before": "0", "after": "0.41"}
    assert "before" not in changed["held[r-2].amount.tokens"]
    assert (told["diff"]["since_seq"], len(told["history"])) == (0, 3)
    first, second = (entry["time"] for entry in told["history"][:2])
    between = inspect("BudgetLedger", "guild-7", "--since", first, "--at", second)
    assert between.lines[3:] == inspect("BudgetLedger", "guild-7", "--at", 2, "--diff").lines[3:]
    assert "  nothing" in inspect("BudgetLedger", "guild-7", "--since", 3).lines


# ---------------------------------------------------------------- asking
async def test_why_something_was_refused_is_found_by_asking_again_and_nothing_is_written(
    inspect: Inspect, budgets: BudgetLedger
) -> None:
    before = inspect("BudgetLedger", "guild-7", "--json").document
    told = inspect("BudgetLedger", "guild-7", "--ask", RESERVE)
    asked = told.out.split("\n\n")[-1]
    assert asked.startswith("asked, and not written: Reserve reservation_id=asked asked.cost_usd=0.7 ttl_s=60")
    assert (
        'because="It needs up to 0.7 USD; of 1.2 USD for this day, 0.41 USD are spent and 0.7 USD reserved."' in asked
    )
    granted = inspect("BudgetLedger", "guild-7", "--at", 2, "--ask", RESERVE, "--json").document["asked"]
    assert (granted["reply"]["type"], len(granted["events"])) == ("Reserved", 1)
    assert granted["reply"]["at"] == before["history"][1]["at"]
    after = inspect("BudgetLedger", "guild-7", "--json").document
    assert (after["last_seq"], after["state"]) == (before["last_seq"], before["state"])
    assert (await budgets.report("guild-7")).open_reservations == 1


async def test_an_entity_that_was_refused_from_the_first_can_be_asked(inspect: Inspect) -> None:
    dear = RESERVE.replace('"0.7"', '"70"')
    told = inspect("BudgetLedger", "never seen", "--ask", dear)
    assert told.code == 0
    assert told.lines[0].startswith("BudgetLedger/never seen before its first entry (of 0), at ")
    assert "reply OverBudget window=day" in told.lines[-1]


async def test_a_command_that_the_kind_refuses_as_nonsense_is_answered_so(inspect: Inspect) -> None:
    told = inspect("BudgetLedger", "guild-7", "--ask", RESERVE.replace('"0.7"', '"-1"'))
    assert told.code == 0
    assert told.lines[-1].startswith("  refused: asked.cost_usd is -1.")
    asked = inspect("BudgetLedger", "guild-7", "--json", "--ask", RESERVE.replace('"0.7"', '"-1"')).document["asked"]
    assert asked["refused"].startswith("asked.cost_usd is -1.")


async def test_a_kind_that_keeps_no_commands_says_so_and_shows_no_words(
    journal_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = AnswerActivity(
        answer_id="1", workspace="c", user="u", supported=True, receipt=Receipt(), question="in private", answer="too"
    )
    log = ActivityLog(ShardConfig(journal_url), 30, keep_text=True)
    await log.log("guild-7", (answer,))
    told = inspecting(capsys, journal_url)("ActivityLog", "guild-7")
    await log.close()
    assert "(the command is not kept)" in told.out
    assert told.lines[-1].startswith("  ActivityLog keeps no commands in the journal")
    assert "in private" not in told.out


# ---------------------------------------------------------------- beside the actor
async def test_it_reads_while_the_actor_writes(journal_url: str) -> None:
    """Every reservation stays open, so the state after entry n has just the first n: never one more or less."""
    written = 1

    async def write(budgets: BudgetLedger) -> None:
        nonlocal written
        while True:
            await budgets.reserve("busy", f"r-{written + 1}", Decimal(0), 1, 3_600.0)
            written += 1
            await asyncio.sleep(0.01)

    async with ledger(journal_url) as budgets:
        await budgets.reserve("busy", "r-1", Decimal(0), 1, 3_600.0)
        writing = asyncio.create_task(write(budgets))
        seen = []
        for _ in range(2):
            least = written
            told = (
                await asyncio.to_thread(spawned, "BudgetLedger", "busy", "--json", "--journal", journal_url)
            ).document
            assert least <= told["last_seq"] <= written + 1
            held = [reservation["reservation_id"] for reservation in told["state"]["held"]]
            assert held == [f"r-{number}" for number in range(1, told["seq"] + 1)]
            assert told["why"]["verdict"] == "same"
            seen.append(told["last_seq"])
        assert not writing.done()
        writing.cancel()
    assert seen[0] < seen[1]


async def test_the_journal_of_the_settings_is_read_and_its_file_is_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "journal" / "journal.db"
    async with ledger(f"sqlite:///{file}") as budgets:
        await spend(budgets, "guild é")
    before = file.read_bytes()
    told = spawned("BudgetLedger", "guild é", DATA_DIR=str(tmp_path), PYTHONIOENCODING="ascii")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("BudgetLedger/guild \\xe9 after entry 3 of 3, at ")
    assert file.read_bytes() == before


async def test_a_reader_that_has_read_enough_is_no_failure(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    async with ledger(url) as budgets:
        await spend(budgets, "guild-7")
    command = shlex.join([sys.executable, "-m", "actors.inspect", "BudgetLedger", "guild-7", "--journal", url])
    # The reader has left before the first line.
    piped = f"({command}; echo $? >&2) | true"
    told = await asyncio.to_thread(subprocess.run, piped, shell=True, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert told.stderr == "0\n"


# ---------------------------------------------------------------- verifying
async def test_snapshots_are_compared_with_what_the_entries_give(
    journal_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    inspect = inspecting(capsys, journal_url)
    async with ledger(journal_url) as budgets:
        await fill(budgets, "busy", 600)
        told = inspect("BudgetLedger", "busy", "--verify")
    assert (told.code, told.err) == (0, "")
    assert told.out == "BudgetLedger/busy: 600 entries replayed from the beginning, 2 snapshots compared.\n"
    with opened(journal_url, "one") as journal:
        kept = journal.history("BudgetLedger/busy")[0][0]
        wrong = replace(kept, state='{"day":{"spent":{"cost_usd":"0.1"}}}')
        journal.commit(SHARD, "one", [Write(kept.stream, snapshot=wrong)])
    told = inspect("BudgetLedger", "busy", "--verify")
    assert (told.code, told.err) == (1, "")
    assert "The snapshot of entry 256 is not what the entries before it give (entries -> snapshot):" in told.lines
    assert "  - state.day.spent.cost_usd: 0 -> 0.1" in told.lines
    found = inspect("BudgetLedger", "busy", "--verify", "--json")
    assert found.code == 1
    assert [altered["seq"] for altered in found.document["altered"]] == [256]


async def test_what_was_compacted_is_told_from_the_snapshot_on(
    journal_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    inspect = inspecting(capsys, journal_url)
    async with ledger(journal_url) as budgets:
        await fill(budgets, "busy", 300)
    whole = inspect("BudgetLedger", "busy", "--at", 257, "--json").document
    with opened(journal_url) as journal:
        before = journal.history("BudgetLedger/busy")[1][256].at
        assert journal.compact(before, 10) == 256
    left = inspect("BudgetLedger", "busy", "--at", 257, "--json").document
    assert (left["first_seq"], left["state"], left["why"]) == (256, whole["state"], whole["why"])
    verified = "BudgetLedger/busy: 44 entries replayed from the snapshot of entry 256 on, 0 snapshots compared.\n"
    assert inspect("BudgetLedger", "busy", "--verify").out == verified
    assert "Entry 256 itself is not kept any more" in inspect("BudgetLedger", "busy", "--at", 256).out
    for at in (255, 0, "2026-01-01"):
        refusal = inspect("BudgetLedger", "busy", "--at", at).refusal()
        assert "cannot be told any more. What is kept begins at 20" in refusal
        assert "after entry 256" in refusal
    assert "cannot be told any more" in inspect("BudgetLedger", "busy", "--at", 256, "--diff").refusal()


# ---------------------------------------------------------------- what people wrote
async def test_nothing_that_the_journal_holds_can_steer_the_terminal(
    journal_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = '{"type":"NoReservation","reservation_id":"r","because":"\x9b2J\u202e"}'
    with opened(journal_url, "one") as journal:
        write = append("BudgetLedger/a", 1)
        assert write.entry
        entry = replace(
            write.entry, command='{"\x9b', events='[{"type":"LimitsSet","limits":null,"at":1.0}]', reply=evil
        )
        journal.commit(SHARD, "one", [replace(write, entry=entry)])
    inspect = inspecting(capsys, journal_url)
    told, document = inspect("BudgetLedger", "a"), inspect("BudgetLedger", "a", "--json")
    assert 'because="\\u009b2J\\u202e"' in told.out
    assert "This release cannot read the command" in told.out
    assert all(line.isprintable() for line in [*told.lines, *document.lines])
    assert document.document["history"][0]["reply"]["because"] == "\x9b2J\u202e"
