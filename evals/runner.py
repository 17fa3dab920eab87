"""Runs the module of a folder that a command line names: `python -m evals NAME --data DIR`.

A module offers `run(data: Path, *, flag: int = 1, ...) -> Mapping[str, object]`: it prints lines for people and returns
its figures, which are printed last as one line of JSON. Each parameter is a flag, typed by its default; `data` is a
directory (`data: Sequence[Path]`: one or more, each after a `--data` of its own) and `plot` a file to write. A module
that needs more control offers `main(argv: Sequence[str]) -> int` instead. Adding a module is adding a file.
"""

import argparse
import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from core.errors import BotError

USAGE_ERROR = 2


def names(package: ModuleType) -> list[str]:
    """The modules of a package that offer `run` or `main`, by name."""
    found = (module.name for module in pkgutil.iter_modules(package.__path__) if not module.ispkg)
    return [name for name in found if name not in {"__main__", "runner"}]


def run_named(package: ModuleType, argv: Sequence[str]) -> int:
    """Run the module that `argv` names with the rest of it. Returns 0, or 2 for a call or data that cannot be used."""
    program, known = f"python -m {package.__name__}", names(package)
    listed = ", ".join(known) or "none yet"
    if not argv or argv[0] in {"-h", "--help"}:
        print(f"usage: {program} NAME [--data DIR] [flags]\nnames: {listed}")
        return 0 if argv else USAGE_ERROR
    name, rest = argv[0], argv[1:]
    if name not in known:
        return _refuse(f"{program}: there is no {name!r}. Names: {listed}.")
    module = importlib.import_module(f"{package.__name__}.{name}")
    if hasattr(module, "main"):
        return int(module.main(rest))
    return _run(module.run, f"{program} {name}", module.__doc__ or "", rest)


def _run(run: Callable[..., Mapping[str, object]], program: str, about: str, argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=program, description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for parameter in inspect.signature(run).parameters.values():
        _add_flag(parser, parameter)
    options = vars(parser.parse_args(argv))
    data = options.get("data")
    for folder in [data] if isinstance(data, Path) else data or ():
        if not folder.is_dir():
            return _refuse(f"{program}: {folder} is not a directory. Give --data a directory that holds the data set.")
    try:
        figures = run(**options)
    except (BotError, OSError) as error:
        return _refuse(f"{program}: {error}")
    print(json.dumps(dict(figures)))
    return 0


def _add_flag(parser: argparse.ArgumentParser, parameter: inspect.Parameter) -> None:
    flag, default = f"--{parameter.name.replace('_', '-')}", parameter.default
    if parameter.name == "data":
        required = default is inspect.Parameter.empty
        action = "store" if parameter.annotation in (Path, Path | None) else "append"
        parser.add_argument(flag, type=Path, action=action, required=required, default=None if required else default)
    elif parameter.name == "plot":
        parser.add_argument(flag, type=Path, default=default, help="write the plot to this file (.png or .svg)")
    elif isinstance(default, bool):
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=default)
    else:
        parser.add_argument(flag, type=type(default), default=default)


def _refuse(problem: str) -> int:
    print(problem, file=sys.stderr)
    return USAGE_ERROR
