"""Makes a small journal of today's form for tests/data/journal/: `python -m tests.actors.make_journal_fixture FOLDER`.

Journals of released forms must replay for ever: what lies in that folder is never made anew. When the form of a kind
changes (its `version`), run this once more, with a new name in `NAME`, and commit what it writes beside the older.
"""

import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.runtime_live import CommandId, Live
from core import (
    activity,
    activity_documents,
    answer_cache,
    budget_messages,
    budgets,
    experiments,
    follows,
    host_pace,
    ingest_queue,
    model_bandit,
    rate_limit_messages,
    rate_limits,
)
from core.canary_slots import CANARIES
from core.entities import EntityKind
from core.entity_codec import Codec, to_json
from core.feature_flags import flags_key
from core.journal import Write
from core.messages import Receipt, StageTime
from core.spending import Amount, Limit
from core.token_buckets import Limits, Rate
from tests.actors.journal_deciding_steps import bandit_steps, cache_steps, canary_steps, experiment_steps, flag_steps
from tests.actors.journal_steps import FOLLOWER, follower_steps, pace_steps, queue_steps
from tests.actors.journals import SHARD, opened

NAME = "form_3"
START = 1_767_225_590.25  # 2025-12-31, ten seconds before midnight: a new day, month and year
SNAPSHOT_EVERY = 7
Steps = Sequence[tuple[float, Any]]


def budget_steps() -> Steps:
    """Seconds since the last step, eighths and the like so that they are whole in any form, and a command."""
    m = budget_messages
    defaults = m.BudgetLimits(Limit(Decimal("2.5")), Limit(Decimal("5.000000000001"), 10_000), Limit(None, 50_000))
    own = m.BudgetLimits(day=Limit(Decimal("0.1"), 900))
    dear, cheap, free = Amount(Decimal("2.10"), 1_000), Amount(Decimal("0.000000000001"), 7), Amount()
    return (
        (0.0, m.Reserve("first é€𝄞", dear, 60.0, defaults)),
        (0.5, m.Reserve("second", cheap, 1.0, defaults)),
        (0.125, m.Settle("first é€𝄞", Amount(Decimal("2.3"), 1_200))),
        (0.0, m.Reserve("refused", Amount(Decimal("2.6")), 60.0, defaults)),
        (3.0, m.Settle("second", free)),
        (10.0, m.Reserve("of the new year", dear, 30.0, defaults)),
        (0.0, m.Reserve("watched only", dear, 30.0, defaults, enforce=False)),
        (0.375, m.Release("of the new year")),
        (0.0, m.Settle("nobody's", free)),
        (0.0, m.SetLimits(own)),
        (86_399.875, m.Reserve("of the next day", Amount(Decimal("1E-2"), 900), 86_400.0, defaults)),
        (0.0, m.Settle("watched only", dear)),
        (90_000.0, m.SetLimits(None)),
    )


def limiter_steps() -> Steps:
    m = rate_limit_messages
    both = Limits(Rate(0.1, 20.0), Rate(1 / 3, 5.0))
    return (
        (0.0, m.Take(both, "ada", 2.5)),
        (0.125, m.Take(both, "bob")),
        (0.125, m.Take(both, "bob", 9.0)),
        (0.75, m.Lease(both, "ada", 3.0, 1.0, 10.0)),
        (4.0, m.Lease(both, "ada", 3.0, 1.0, 10.0, renews=1, used=1.5)),
        (0.25, m.Lease(both, "é€𝄞", 4.0, 4.0, 5.0)),
        (1.0, m.Settle(both, 1, 2.0)),
        (0.0, m.Settle(both, 1, 2.0)),
        (60.0, m.Take(both, "", 0.1)),
        (0.0, m.SetLimits(Limits(Rate(5.0, 5.0)))),
        (0.0625, m.Take(both, "ada", 4.9)),
        (0.0, m.SetLimits(None)),
        (3_600.0, m.Take(both, "bob", 1e-9)),
    )


def activity_steps() -> Steps:
    of: dict[str, Any] = {"workspace": "garden", "user": "ada"}
    m, documents = activity, activity_documents
    receipt = Receipt("model", 10, 20, 0.1 + 0.2, stages=(StageTime("embed", 1.5),))
    answer = documents.AnswerActivity(
        answer_id="1", supported=True, receipt=receipt, question="Why é€𝄞?", recordings=("youtube:a",), **of
    )
    use = documents.ToolUse(answer_id="1", number=1, agent="analyst", tool="search", ok=False, wall_ms=0.3, **of)
    vote = documents.Feedback(answer_id="1", vote=-1, note="\u2028 no\n", **of)
    return (
        (0.0, m.Log((answer, use), 30, keep_text=True)),
        (1.0, m.Log((vote, answer), 30)),
        (86_400.0, m.Prune()),
        (0.0, m.Log((vote,), 60)),
        (5.0, m.Erase(("answer/1", "tool_use/1/1"), "user")),
        (0.0, m.SetRetention(1)),
        (100_000.0, m.Prune()),
        (0.0, m.SetRetention(None)),
        (1.0, m.Log((use,), 30)),
    )


def entities() -> Iterator[tuple[EntityKind[Any, Any, Any], str, Steps]]:
    """Kinds, keys, and what is done to each."""
    yield budgets.KIND, "guild-1", budget_steps()
    yield budgets.KIND, "guild-2", budget_steps()[5:7]
    yield rate_limits.KIND, "tenant:guild-1", limiter_steps()
    yield rate_limits.KIND, "host:example.org", limiter_steps()[:2]
    yield activity.KIND, "guild-1", activity_steps()
    yield activity.KIND, "guild 2/é€𝄞", activity_steps()[:2]
    yield ingest_queue.KIND, "guild-1|w", queue_steps()
    yield follows.KIND, FOLLOWER, follower_steps()
    yield host_pace.KIND, "host:example.org", pace_steps()
    yield experiments.KIND, "trimming", experiment_steps()
    yield experiments.KIND, CANARIES, canary_steps()
    yield experiments.KIND, flags_key("guild-1"), flag_steps()
    yield model_bandit.KIND, "answers", bandit_steps()
    yield answer_cache.KIND, "guild-1", cache_steps()


def played(kind: EntityKind[Any, Any, Any], key: str, steps: Steps) -> Iterator[tuple[Write, Any]]:
    """What a shard would write, and the state after it."""
    codec: Codec[Any, Any, Any] = Codec(kind)
    live: Live[Any, Any, Any] = Live(key, kind.initial(key))
    now = START
    for number, (later_s, command) in enumerate(steps, start=1):
        now += later_s
        decision = kind.decide(live.state, command, now, live.chance(f"{kind.name}/{key}"))
        if decision.writes:
            asked = CommandId(f"command-{number}", now)
            yield live.apply(kind, codec, asked, command, decision, now, SNAPSHOT_EVERY), live.state


def make(folder: Path) -> None:
    """Write the journal as SQL, and as JSON the state after each of its entries."""
    states: dict[str, list[Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        with opened(f"sqlite:///{scratch}/journal.db", "one") as journal:
            for kind, key, steps in entities():
                journal.placed(kind.name, 4)
                for write, state in played(kind, key, steps):
                    assert not journal.commit(SHARD, "one", [write])
                    states.setdefault(write.stream, []).append(json.loads(to_json(state)))
        connection = sqlite3.connect(f"{scratch}/journal.db")
        sql = "\n".join(connection.iterdump())
        connection.close()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.sql").write_text(f"{sql}\n")
    (folder / f"{NAME}.json").write_text(json.dumps(states, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
