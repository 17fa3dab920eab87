"""Nested values as flat lists of paths, and what changed between two of them, in words that people read.

A path is `day.spent.cost_usd`, `held[r-1].amount.tokens` (of a list whose parts carry an id), or `buckets["a b"].at`.
The order of a list's parts with ids, and that of a dict, is not compared.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec

from core.moments import utc_text

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ID = re.compile(r"[\w.:@-]+", re.ASCII)
_TIME = re.compile(r"(?:^|\W)(?:at|since|until|\w+_at)$", re.ASCII)
_MONEY = re.compile(r"_usd$", re.ASCII)
# Unix seconds of 1973 to 5138: a smaller number under a time's name is a default.
_FIRST_TIME, _LAST_TIME = 1e8, 1e11


class _Absent(Enum):
    ABSENT = "(absent)"


ABSENT: Final = _Absent.ABSENT
"""Stands for a value where there is none at all, which is not the same as None."""


class Change(NamedTuple):
    """What a path was and is; ABSENT on the side that does not have it."""

    path: str
    before: Any
    after: Any


def plain(value: Any) -> Any:
    """`value` as dicts, lists and scalars. Every field is there, also one that is at its default."""
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        fields = {encoded: plain(getattr(value, name)) for encoded, name in names}
        return fields if config.tag is None else {config.tag_field: config.tag, **fields}
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(part) for part in value), key=repr)
    return value.value if isinstance(value, Enum) and value is not ABSENT else value


def flat(value: Any) -> Iterator[tuple[str, Any]]:
    """Every path of a plain value, and what stands there."""
    return ((path, part) for path, _, part in changes(ABSENT, value))


def changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """What differs between two plain values, in their order."""
    was, now = _parts(before), _parts(after)
    if not was and not now:
        if not _same(before, after):
            yield Change(path, before, after)
        return
    # None or an empty list that became something is told by its parts; a scalar that did is told itself.
    for side in (before, after):
        if _parts(side) is None and side is not None and side is not ABSENT:
            yield Change(path, *((side, ABSENT) if side is before else (ABSENT, side)))
    for step in {**(was or {}), **(now or {})}:
        inner = f"{path}{step}" if path else step.removeprefix(".")
        yield from changes((was or {}).get(step, ABSENT), (now or {}).get(step, ABSENT), inner)


def said(path: str, value: Any) -> str:
    """What stands at a path in words: times as UTC, money without an exponent."""
    if value is None or value is ABSENT:
        return "none" if value is None else "(absent)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | float):
        if _TIME.search(path) and _FIRST_TIME <= value < _LAST_TIME:
            return utc_text(value)
        return repr(value).removesuffix(".0")
    if isinstance(value, str):
        return _money(value) if _MONEY.search(path) else shown(value)
    return "empty"


def line(text: str) -> str:
    """A command, event or reply, given as JSON text, on one line: its name, then its fields that are not defaults."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return shown(text)
    name = str(value.pop("type", "")) if isinstance(value, dict) else ""
    fields = [f"{path}={_quoted(said(path, part))}" for path, part in flat(value) if value not in ({}, [])]
    return " ".join([*([shown(name)] if name else []), *fields])


def shown(text: str) -> str:
    """`text`, in quotes where it is empty or holds what a terminal would not print as it is."""
    return text if text and text.isprintable() else f'"{printable(text)}"'


def printable(text: str) -> str:
    """`text` with everything that could steer a terminal as JSON escapes it."""
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return re.sub("(....)", r"\\u\1", char.encode("utf-16-be", "surrogatepass").hex())


def _parts(value: Any) -> dict[str, Any] | None:
    """The parts of a dict or list by their step in a path; None for anything else."""
    if isinstance(value, dict):
        return {_step(key): part for key, part in value.items()}
    if not isinstance(value, list):
        return None
    ids = [_id(part) for part in value]
    if None in ids or len(set(ids)) < len(ids):
        return {f"[{index}]": part for index, part in enumerate(value)}
    return {f"[{name}]": part for name, part in zip(ids, value, strict=True)}


def _step(key: Any) -> str:
    if isinstance(key, str):
        return f".{key}" if _NAME.fullmatch(key) else f"[{printable(json.dumps(key, ensure_ascii=False))}]"
    return f"[{key}]"


def _id(part: Any) -> str | None:
    """What names a part of a list: its first field that is an id."""
    fields = part.items() if isinstance(part, dict) else ()
    found = next((str(value) for name, value in fields if str(name).endswith("_id")), None)
    return found if found is None or _ID.fullmatch(found) else printable(json.dumps(found, ensure_ascii=False))


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _money(text: str) -> str:
    try:
        return f"{Decimal(text):f}"
    except InvalidOperation:
        return shown(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if " " in text and not text.startswith('"') else text
