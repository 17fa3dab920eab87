"""How long, under which names, and free of which strings a file stands in the tree."""

import ast
import re
from collections.abc import Iterator

from tests.compliance.sources import Finding, Source

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
EMPTY_WORDS = {"manager", "managers", "helper", "helpers", "util", "utils", "enhanced", "advanced", "unified", "v2"}
# Folders that exist on one machine only; in prose a word with a slash before it is no path.
MACHINE_PATH = re.compile(r"(?<![\w./:~-])/(?:work|farm|root|home|Users)/[\w.]")
REGISTRY = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|crates)\.(?:org|io|com)\b|\bdownload\.pytorch\.org\b", re.IGNORECASE
)


def short_enough(source: Source) -> Iterator[Finding]:
    """A file holds one idea, and so does a function."""
    lines = len(source.text.splitlines())
    if lines > MAX_FILE_LINES:
        yield Finding(source.path, 1, f"has {lines} lines, {MAX_FILE_LINES} are allowed: split it by idea.")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > MAX_FUNCTION_LINES:
                advice = f"{node.name} has {size} lines, {MAX_FUNCTION_LINES} are allowed: split it by idea."
                yield Finding(source.path, node.lineno, advice)


def telling_names(source: Source) -> Iterator[Finding]:
    """Modules, classes and functions are named after what they do, not after their place in a pile."""
    for part in source.module.split("."):
        if words_of(part) & EMPTY_WORDS:
            yield Finding(source.path, 1, f"{part} says nothing: name it after what it does.")
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and words_of(node.name) & EMPTY_WORDS
        ):
            yield Finding(source.path, node.lineno, f"{node.name} says nothing: name it after what it does.")


def words_of(name: str) -> set[str]:
    """The words of a snake_case or CamelCase name, in small letters."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return {word.lower() for word in spaced.split("_") if word}


def free_of_this_machine(source: Source) -> Iterator[Finding]:
    """No path of one machine and no host of a package registry: both are the installer's to choose."""
    for number, line in enumerate(source.text.splitlines(), start=1):
        if match := MACHINE_PATH.search(line):
            yield Finding(source.path, number, f"{match.group()}... is a path of one machine: use a relative one.")
        if match := REGISTRY.search(line):
            yield Finding(source.path, number, f"names the registry {match.group()}: that is pip's configuration.")
