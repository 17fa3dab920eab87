"""The data sets of the answer cache: streams of questions whose right answers are known, as rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from core.errors import BadInput

Form: TypeAlias = Literal["intents", "scope"]


@dataclass(frozen=True, slots=True)
class Row:
    """A question. Two rows share an answer if they have the same `group`; `scope` is what the question is about."""

    row_id: str
    question: str
    group: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Questions:
    """A data set in arrival order. `scope` has questions about recordings of their own, `intents` has not."""

    form: Form
    rows: tuple[Row, ...]

    @property
    def repeats(self) -> int:
        """How many rows ask for an answer that an earlier row has asked for: only these can be right hits."""
        return len(self.rows) - len({(row.scope, row.group) for row in self.rows})


def read_questions(data: Path) -> Questions:
    """The data set in `data`. Raises BadInput where there is none that can be read."""
    path = data / "stream.jsonl"
    if not path.is_file():
        raise BadInput(
            f"There is no stream.jsonl in {data}.", "Give --data a directory like evals/data/semcache_intents."
        )
    try:
        read = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        rows = tuple(_row(row) for row in sorted(read, key=lambda row: int(row["seq"])))
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} cannot be read ({error!r}).", "Fetch the data set again.") from error
    if not rows:
        raise BadInput(f"{path} has no rows.", "Fetch the data set again.")
    scoped = [bool(row.scope) for row in rows]
    if any(scoped) != all(scoped):
        raise BadInput(f"{path} has rows with and without a scope.", "Give each kind a directory of its own.")
    return Questions("scope" if all(scoped) else "intents", rows)


def _row(row: dict[str, Any]) -> Row:
    found = Row(str(row["id"]), row["query"], row["group"], row.get("scope", ""))
    if not all(isinstance(text, str) for text in (found.question, found.group, found.scope)):
        raise TypeError("query, group and scope are texts")
    if not found.question.strip() or not found.group:
        raise ValueError(f"row {found.row_id} has no query or no group")
    return found


def queries(rows: Sequence[Row]) -> list[str]:
    """The questions of `rows`."""
    return [row.question for row in rows]
