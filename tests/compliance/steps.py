"""Pipeline stages and agents' tools return a StepResult: their outcome is a value, and a skip is not a failure."""

import ast
from collections.abc import Iterator

from tests.compliance.sources import Finding, Source

# Files that are pipelines: each has at least one function marked @stage(...).
PIPELINES = ("deployments/answer_pipeline.py", "deployments/ingest.py")
RESULT = "StepResult["


def stages_return_step_results(source: Source) -> Iterator[Finding]:
    """Every function marked `@stage(...)` is async and returns StepResult[...]; a pipeline has such functions."""
    if source.room == "tests":
        return
    stages = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, FUNCTION) and any(map(_is_stage, node.decorator_list))
    ]
    for node in stages:
        yield from _checked(source, node, "stage")
    if source.path in PIPELINES and not stages:
        yield Finding(source.path, 1, "is a pipeline without a stage: mark its steps @stage(...).")


def tools_return_step_results(source: Source) -> Iterator[Finding]:
    """Every public async function of agents/tools/ is a tool and annotated `-> StepResult[...]`."""
    if not source.path.startswith("agents/tools/"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield from _checked(source, node, "tool")


FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def _is_stage(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")) == "stage"


def _checked(source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef, kind: str) -> Iterator[Finding]:
    if isinstance(node, ast.FunctionDef):
        yield Finding(source.path, node.lineno, f"the {kind} {node.name} must be async.")
    written = ast.unparse(node.returns).strip("'\"") if node.returns else "nothing"
    if not written.startswith(RESULT):
        yield Finding(
            source.path, node.lineno, f"the {kind} {node.name} returns {written}: it must return StepResult[...]."
        )
