"""One file for each command. A file here that defines `COMMAND` is a command on Discord and in the console."""

import pkgutil
from importlib import import_module

from bot.command import Command


def all_commands() -> tuple[Command, ...]:
    """Every command in this folder, by name."""
    found: list[Command] = []
    for module in pkgutil.iter_modules(__path__):
        command = import_module(f"{__name__}.{module.name}").COMMAND
        if not isinstance(command, Command):
            raise TypeError(f"bot/commands/{module.name}.py: COMMAND is not a bot.command.Command.")
        found.append(command)
    return tuple(sorted(found, key=lambda command: command.name))
