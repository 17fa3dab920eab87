"""The oracle can fail: each fault, planted in the notes or the journal of a run without any, is found."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, cast

import msgspec
import pytest
from msgspec import structs

from actors.activity_log import ActivityLog
from actors.budget_ledger import BudgetLedger
from actors.rate_limiter import RateLimiter
from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from actors.runtime_references import EntityRef
from core.entities import Record
from core.entity_codec import to_json
from core.journal import Entry
from core.token_buckets import Limits
from deployments.leased_limiter import LeasedLimiter
from deployments.limiter_calls import LimiterConfig
from tests.chaos.judge import Evidence, evidence, reading, streams_of, told
from tests.chaos.notes import LEASED_TAKE, Note, Notebook
from tests.chaos.stage import COUNTERS, LIMITS, RATES, CrashedCounter, Plan
from tests.chaos.workload import Caller, Counting, Line, Logging, Pacing, Spending

COUNTER = f"CrashedCounter/{COUNTERS[0]}"
LOG = f"ActivityLog/{COUNTERS[0]}"
STEPS = 25


class Near:
    """An actor in this process, as callers see a reference to it."""

    def __init__(self, actor: EntityActor[Any, Any, Any]) -> None:
        self.name, self.perform = actor.kind.name, actor.perform


@contextlib.asynccontextmanager
async def actors(plan: Plan) -> Any:
    config = ShardConfig(plan.journal_url, snapshot_every=8)
    made = (
        CrashedCounter(config),
        BudgetLedger(config, LIMITS),
        ActivityLog(config, 30),
        RateLimiter(config, RATES, Limits()),
    )
    yield made
    for actor in made:
        await actor.close()


async def called(plan: Plan) -> Evidence:
    """What a short run leaves behind in which nothing was killed."""
    since = time.time()
    async with actors(plan) as made:
        refs = [cast(EntityRef, Near(actor)) for actor in made]
        leased = LeasedLimiter(made[3], LimiterConfig())
        with Notebook.opened(plan.folder, "0") as notebook:
            lines = [Line(ref, notebook) for ref in refs]
            callers: list[Caller] = []
            for number in range(3):
                rng = Random(number)
                callers += [
                    Counting(lines[0], rng),
                    Spending(lines[1], rng, str(number), plan.began_s),
                    Logging(lines[2], rng, str(number)),
                    Pacing(lines[3], leased, notebook, rng),
                ]
            await asyncio.gather(*(_steps(caller) for caller in callers))
        await leased.close()
        with reading(plan.journal_url) as journal:
            streams = streams_of(journal)
        live = await told(refs, streams)
    async with actors(plan) as made:
        reloaded = await told([cast(EntityRef, Near(actor)) for actor in made], streams)
    return evidence(plan, since, live, reloaded, dict.fromkeys(COUNTERS, 0))


async def _steps(caller: Caller) -> None:
    for _ in range(STEPS):
        await caller.step()


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("clean")
    plan = Plan(f"sqlite:///{folder}/journal.db", str(folder), "", time.monotonic(), seed=1, callers=1)
    return asyncio.run(called(plan))


def found(evidence: Evidence) -> set[str]:
    return {finding.what for finding in evidence.findings()}


def test_a_run_without_faults_is_found_to_have_none(clean: Evidence) -> None:
    assert list(clean.findings()) == []
    assert len(clean.notes) > 4 * 3 * STEPS / 2
    kinds = {(note.kind, note.method, note.told["type"]) for note in clean.notes}
    assert len(kinds) >= 10


# ---------------------------------------------------------------- what is planted
def with_entries(clean: Evidence, stream: str, change: Callable[[Sequence[Entry]], Sequence[Entry]]) -> Evidence:
    """The evidence with another history of a stream."""
    snapshots, entries = clean.kept[stream]
    changed = change(entries)
    histories = replace(clean.histories, entries={**clean.histories.entries, stream: changed})
    return replace(clean, kept={**clean.kept, stream: (snapshots, changed)}, histories=histories)


def with_note(clean: Evidence, which: Callable[[Note], bool], **changed: Any) -> Evidence:
    """The evidence with another last note of a kind."""
    last = next(note for note in reversed(clean.notes) if which(note))
    notes = [note for note in clean.notes if note is not last]
    return replace(clean, notes=[*notes, structs.replace(last, **changed)])


def is_add(note: Note) -> bool:
    return f"{note.kind}/{note.key}" == COUNTER and note.method == "add"


def a_lost_write(clean: Evidence) -> Evidence:
    return with_entries(clean, COUNTER, lambda entries: entries[:-1])


def a_gap(clean: Evidence) -> Evidence:
    return with_entries(clean, COUNTER, lambda entries: [*entries[:-2], entries[-1]])


def a_doubled_write(clean: Evidence) -> Evidence:
    return with_entries(clean, COUNTER, again)


def a_write_under_another_id(clean: Evidence) -> Evidence:
    return with_entries(clean, COUNTER, lambda entries: again(entries, command_id="another"))


def again(entries: Sequence[Entry], **changed: str) -> Sequence[Entry]:
    """The entries and the last of them once more, otherwise changed."""
    return [*entries, structs.replace(entries[-1], seq=entries[-1].seq + 1, **changed)]


def a_write_that_was_refused(clean: Evidence) -> Evidence:
    return with_note(clean, is_add, reply="", error="Busy")


def another_reply(clean: Evidence) -> Evidence:
    return with_note(clean, is_add, reply='{"type":"Total","total":7.0,"adds":7}')


def a_read_of_what_was_before(clean: Evidence) -> Evidence:
    later_s = clean.notes[-1].ended_s + 1
    before = Note(
        "CrashedCounter", COUNTERS[0], "total", [], "late", later_s, later_s, '{"type":"Total","total":1.0,"adds":1}'
    )
    return replace(clean, notes=[*clean.notes, before])


def a_lost_document(clean: Evidence) -> Evidence:
    return _with_records(clean, lambda records: records[1:])


def a_document_of_nobody(clean: Evidence) -> Evidence:
    return _with_records(clean, lambda records: [*records, replace(records[0], record_id="tool_use/nobody/1")])


def _with_records(clean: Evidence, change: Callable[[Sequence[Record]], Sequence[Record]]) -> Evidence:
    records: Mapping[str, Sequence[Record]] = clean.histories.records
    changed = {**records, LOG: change(records[LOG])}
    return replace(clean, histories=replace(clean.histories, records=changed))


def an_overspend_that_callers_see(clean: Evidence) -> Evidence:
    note = next(note for note in clean.notes if note.method == "reserve" and note.told["type"] == "Reserved")
    again = structs.replace(note, args=["another", "1.00", 1, 60.0], command_id="another")
    return replace(clean, notes=[*clean.notes, again])


def an_overspend_that_the_journal_shows(clean: Evidence) -> Evidence:
    stream = next(stream for stream in clean.kept if stream.startswith("BudgetLedger/"))

    def dearer(entries: Sequence[Entry]) -> Sequence[Entry]:
        first, *others = entries
        (event,) = msgspec.json.decode(first.events)
        dear = {**event, "amount": {"cost_usd": "1.01", "tokens": 1}}
        return [structs.replace(first, events=to_json([dear])), *others]

    return replace(clean, kept={**clean.kept, stream: ([], dearer(clean.kept[stream][1]))})


def an_over_admission(clean: Evidence) -> Evidence:
    last = clean.notes[-1].ended_s
    granted = [
        Note("RateLimiter", "tenant:guild-0", LEASED_TAKE, [f"user {n}", 1.0], "", last, last, '{"type":"Granted"}')
        for n in range(61)
    ]
    return replace(clean, notes=[*clean.notes, *granted])


def a_snapshot_of_another_state(clean: Evidence) -> Evidence:
    snapshots, entries = clean.kept[COUNTER]
    state = {**msgspec.json.decode(snapshots[-1].state), "total": 1.0}
    altered = [*snapshots[:-1], structs.replace(snapshots[-1], state=to_json(state))]
    return replace(clean, kept={**clean.kept, COUNTER: (altered, entries)})


def a_state_that_a_crash_changed(clean: Evidence) -> Evidence:
    return replace(clean, reloaded={**clean.reloaded, COUNTER: (1.0, 1)})


def a_state_that_nobody_made(clean: Evidence) -> Evidence:
    wrong = {**clean.live, COUNTER: (1.0, 1)}
    return replace(clean, live=wrong, reloaded=wrong)


@pytest.mark.parametrize(
    ("plant", "what"),
    [
        (a_lost_write, "lost"),
        (a_gap, "lost"),
        (a_gap, "altered"),
        (a_doubled_write, "doubled"),
        (a_write_under_another_id, "doubled"),
        (a_write_that_was_refused, "undone"),
        (another_reply, "differing"),
        (a_read_of_what_was_before, "stale"),
        (a_lost_document, "lost"),
        (a_document_of_nobody, "undone"),
        (an_overspend_that_callers_see, "overspent"),
        (an_overspend_that_the_journal_shows, "overspent"),
        (an_over_admission, "over_admitted"),
        (a_snapshot_of_another_state, "altered"),
        (a_state_that_a_crash_changed, "differing"),
        (a_state_that_nobody_made, "differing"),
    ],
)
def test_what_is_planted_is_found(clean: Evidence, plant: Callable[[Evidence], Evidence], what: str) -> None:
    assert what in found(plant(clean))
