"""Reads the environment and `.env`, and names each variable after its path in the tree of settings.

This file knows how variables are named, read and misspelt; `config.settings` knows which there are.
"""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic.fields import FieldInfo

from core.errors import StartupFailed

SAME_WORD = 0.8
SAME_NAME = 0.85
FLAG_PREFIX = "ENABLE_"
# Names that look like ours and belong to a great deal of other software.
COMMON_ELSEWHERE = frozenset({"API_KEY", "API_URL", "API_TOKEN", "LOG_FILE", "LOG_DIR", "DATA_PATH", "STORE_URI"})
# Groups whose own name may be misspelt too; the others are words that every program uses.
TELLING_GROUPS = (
    "ENABLE",
    "DISCORD",
    "CLUSTER",
    "EMBEDDING",
    "INGEST",
    "LANGSMITH",
    "JOURNAL",
    "BUDGET",
    "ACTIVITY",
    "FOLLOW",
    "SPEECH",
)


class Group(BaseModel):
    """A branch of the tree. Each field has a description and an example, from which `.env.example` is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting: its variable's name, its place in the tree, and the field that describes it."""

    name: str
    group: str
    key: str
    field: FieldInfo

    @property
    def secret(self) -> bool:
        """Whether the value must never be shown: a SecretStr, or a field that is kept out of repr."""
        return SecretStr in (self.field.annotation, *get_args(self.field.annotation)) or not self.field.repr

    @property
    def showable(self) -> bool:
        """Whether a bad value may be repeated in an error: a number, flag or choice. Text may hold a password."""
        return self.field.annotation in (int, float, bool, Decimal) or get_origin(self.field.annotation) is Literal

    @property
    def json(self) -> bool:
        """Whether the value is written as JSON."""
        return get_origin(self.field.annotation) in (dict, list, tuple)

    @property
    def example(self) -> str:
        return as_text(self.field.examples[0]) if self.field.examples else ""

    @property
    def default(self) -> str:
        """The default as it would be written in the environment; empty if there is none."""
        value = self.field.get_default(call_default_factory=True)
        return "" if value is None else as_text(value)

    def problem(self, value: str, message: str) -> str:
        """What is wrong with `value`, as a sentence; the validation said `message`."""
        shown = f"{self.name} is {value!r:.60}" if self.showable else f"{self.name} cannot be used"
        wrong = "It should be JSON like the example" if self.json else message
        return f"{shown}: {wrong}. Example: {self.name}={self.example}"


def as_text(value: object) -> str:
    """`value` as it is written in the environment: true and false in small letters, containers as JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value) if value else ""
    return str(value)


def variables_of(tree: type[BaseModel]) -> Iterator[Variable]:
    """Every variable of a tree of two levels, in its order: `API_PORT` is field `port` of group `api`."""
    for group, branch in tree.model_fields.items():
        fields: Mapping[str, FieldInfo] = getattr(branch.annotation, "model_fields", {})
        for key, field in fields.items():
            yield Variable(f"{group}_{key}".upper(), group, key, field)


def read_dotenv(path: Path | None) -> dict[str, str]:
    """What `.env` says; nothing where there is no such file. `${NAME}` in it stays as it is written.

    Raises StartupFailed where the file is not text or cannot be read.
    """
    if path is None or not path.is_file():
        return {}
    try:
        return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise StartupFailed(
            f"The settings file {path} cannot be read: {reason}.", "Make it anew from .env.example."
        ) from None


def read_variables(env: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> dict[str, str]:
    """The environment (the process's own by default) laid over `.env`; a variable that is empty counts as not set."""
    merged = read_dotenv(dotenv) | dict(os.environ if env is None else env)
    return {name: value for name, value in merged.items() if value.strip()}


def tree_values(known: Collection[Variable], given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The values of `given` by group and key; JSON is decoded where it can be (a bad one is left for validation)."""
    values: dict[str, dict[str, Any]] = {}
    for variable in known:
        if variable.name in given:
            text = given[variable.name].strip()
            values.setdefault(variable.group, {})[variable.key] = _decoded(text) if variable.json else text
    return values


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def unknown_in_dotenv(dotenv: Collection[str], known: Collection[str]) -> Iterator[str]:
    """A sentence for each name in `.env` that nothing reads: the file is ours, so each of them is a mistake."""
    for name in sorted(set(dotenv) - set(known)):
        advice = (
            _did_you_mean(name, known) or "Only this project's variables belong there; set others in the environment."
        )
        yield f"{name} in .env is not a setting. {advice}"


def unknown_in_environment(env: Collection[str], known: Collection[str]) -> Iterator[str]:
    """A sentence for each name that was surely meant for us: any unknown flag, and close misspellings of the others.

    An environment is shared with other programs, so a name that merely looks like ours (`API_KEY`) is let through.
    """
    for name in sorted(set(env) - set(known) - COMMON_ELSEWHERE):
        if name.startswith(FLAG_PREFIX):
            advice = _did_you_mean(name, known) or "See .env.example for the flags that there are."
            yield f"{name} is not a setting. {advice}"
        elif meant := _misspelt(name, known):
            yield f"{name} is not a setting. Did you mean {meant}?"


def _did_you_mean(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.7)
    return f"Did you mean {near[0]}?" if near else ""


def _misspelt(name: str, known: Collection[str]) -> str:
    """The known name that `name` misspells, or nothing. Its first word must be one of our groups, or nearly so."""
    word = name.split("_", 1)[0]
    groups = {other.split("_", 1)[0] for other in known}
    nearly = get_close_matches(word, TELLING_GROUPS, n=1, cutoff=SAME_WORD)
    if word not in groups and not nearly:
        return ""
    best = max(sorted(known), key=lambda other: SequenceMatcher(None, name, other).ratio(), default="")
    return best if best and SequenceMatcher(None, name, best).ratio() >= SAME_NAME else ""


def secrets_of(settings: BaseModel) -> frozenset[str]:
    """Every secret in a tree of settings in the clear, for the log to leave out."""
    found: set[str] = set()
    for variable in variables_of(type(settings)):
        value = getattr(getattr(settings, variable.group), variable.key)
        if isinstance(value, SecretStr):
            found.add(value.get_secret_value())
        elif variable.secret and isinstance(value, dict):
            found.update(value)
    return frozenset(found)


def example_env(tree: type[BaseModel]) -> str:
    """The text of `.env.example`: every variable, commented out at its default, with its description and an example."""
    lines = ["# Copy to .env and take the # from what you change. Made by `make docs` from config/settings.py."]
    group = ""
    for variable in variables_of(tree):
        if variable.group != group:
            group = variable.group
            lines.append(f"\n# ---- {group}")
        lines.append(f"# {variable.field.description} Example: {variable.example}")
        lines.append(f"#{variable.name}={variable.default}")
    return "\n".join(lines) + "\n"
