"""What is typed after a command in the console, as its arguments by name.

The first argument stands alone, the others as `name=value`; a value with spaces stands in quotation marks:

    /follow https://talks.example/feed back=90 only="live coding, q&a"

A command with one argument takes the line as it is: a question may hold an = or a quotation mark.
"""

import re
from collections.abc import Mapping, Sequence

from bot import errors
from bot.command import Command

CONFIRM = "confirm"
_PART = re.compile(r'(?:[^\s"]|"[^"]*")+')
_NAMED = re.compile(r"([a-z]+)=(.*)", re.DOTALL)


def given(command: Command, typed: str | Sequence[str]) -> Mapping[str, str]:
    """The arguments in a line typed after the command, or in a shell's words, which have lost their quotation marks.

    Raises BadInput for what the command does not take.
    """
    if len(command.arguments) <= 1 and not command.confirms:
        return _whole(command, typed if isinstance(typed, str) else " ".join(typed))
    return _parted(command, _parts(typed) if isinstance(typed, str) else typed)


def _whole(command: Command, line: str) -> Mapping[str, str]:
    if command.arguments:
        return {command.arguments[0].name: line}
    if line.strip():
        raise errors.takes_nothing(command.name)
    return {}


def _parts(line: str) -> Sequence[str]:
    if line.count('"') % 2:
        raise errors.open_quotation()
    return _PART.findall(line)


def _parted(command: Command, parts: Sequence[str]) -> Mapping[str, str]:
    first, *others = (argument.name for argument in command.arguments)
    named = [first, *others, *([CONFIRM] if command.confirms else [])]
    found: dict[str, str] = {}
    alone: list[str] = []
    for part in parts:
        match = _NAMED.fullmatch(part)
        if match is None:
            alone.append(part.replace('"', ""))
            continue
        name, value = match[1], match[2].replace('"', "")
        if name not in named:
            raise errors.unknown_argument(command.name, name, named)
        if name in found:
            raise errors.given_twice(name)
        found[name] = value
    if alone:
        if first in found:
            raise errors.given_twice(first)
        found[first] = " ".join(alone)
    return found
