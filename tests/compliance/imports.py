"""What a file may import where an import-linter contract cannot say it: parts of packages, names with a pattern."""

import ast
from collections.abc import Iterator

from tests.compliance.sources import Finding, Source

HTTP_CLIENTS = (
    "aiohttp",
    "httpx",
    "httpx2",
    "requests",
    "urllib3",
    "urllib.request",
    "http.client",
    "pycurl",
    "websockets",
)
THE_CLIENT = "deployments/http_client.py"
# Files of actors/ that are no actors, and the one actor whose parts they are.
PART_OF = {
    "actors.qdrant_points": "actors.transcript_store",
    "actors.qdrant_edge_index": "actors.transcript_store",
    "actors.qdrant_server_index": "actors.transcript_store",
    "actors.gptcache_import": "actors.answer_cache",
    "actors.gptcache_index": "actors.answer_cache",
    "actors.gptcache_stores": "actors.answer_cache",
}


def imported(source: Source) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, absolute, with its line; `from a import b` counts as `a.b`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = source.module.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _is_import_module(node.func):
            yield from (
                (node.lineno, arg.value)
                for arg in node.args[:1]
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            )


def _is_import_module(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("import_module", "__import__")


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def ray_at_its_places(source: Source) -> Iterator[Finding]:
    """Ray is imported in actors/runtime*.py and deployments/ (and by tests of real clusters) alone."""
    if source.room in ("deployments", "tests") or source.path.startswith("actors/runtime"):
        return
    for line, name in imported(source):
        if within(name, "ray"):
            yield Finding(source.path, line, f"imports {name}: only actors/runtime*.py and deployments/ know Ray.")


def one_http_client(source: Source) -> Iterator[Finding]:
    """Nothing but deployments/http_client.py makes HTTP requests; tests and their fakes may."""
    if source.room == "tests" or source.path == THE_CLIENT:
        return
    for line, name in imported(source):
        if any(within(name, client) for client in HTTP_CLIENTS):
            yield Finding(source.path, line, f"imports {name}: requests go through {THE_CLIENT}.")


def actors_stand_alone(source: Source) -> Iterator[Finding]:
    """An actor's file imports its own parts and the runtime, which belongs to all, and nothing else of actors/."""
    if source.room != "actors" or source.path.startswith("actors/runtime"):
        return
    actor = PART_OF.get(source.module, source.module)
    for line, name in imported(source):
        module = ".".join(name.split(".")[:2])
        if within(name, "actors") and not name.startswith("actors.runtime") and PART_OF.get(module) != actor:
            yield Finding(
                source.path, line, f"imports {name}: actors talk through ports; shared logic belongs in core/."
            )
