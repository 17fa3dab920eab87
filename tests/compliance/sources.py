"""The project's files as the house rules see them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("actors", "agents", "bot", "config", "core", "demo", "deployments", "evals")
ROOMS = (*PRODUCT, "tests")
# Other people's words (talks, feeds, captions), not ours to bring into form.
DATA_FOLDERS = ("data", "sample", "channel")
TEXT_ENDINGS = (".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".cfg", ".ini", ".sh", ".example", ".json")


@dataclass(frozen=True)
class Source:
    """A Python file: its path from the root, with forward slashes, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def room(self) -> str:
        return self.path.split("/", 1)[0]

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """A place where a rule is not kept, and what to do instead."""

    path: str
    line: int
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.advice}"


def python_sources(root: Path = ROOT) -> Iterator[Source]:
    """Every Python file of every room."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            yield Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


def text_files(root: Path = ROOT) -> Iterator[Source]:
    """Every text file that we wrote: those of the rooms, of docs and .ci, and those at the top."""
    places = [path for folder in (*ROOMS, "docs", ".ci") for path in sorted((root / folder).rglob("*"))]
    for path in [*places, *sorted(root.iterdir())]:
        name = path.relative_to(root).as_posix()
        ours = path.suffix in TEXT_ENDINGS or path.name in (
            "Makefile",
            "run",
            "isolated",
            ".importlinter",
            ".gitignore",
        )
        if ours and path.is_file() and not set(path.relative_to(root).parts) & set(DATA_FOLDERS):
            yield Source(name, path.read_text(encoding="utf-8"))
