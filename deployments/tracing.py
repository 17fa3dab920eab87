"""Traces of the calls to models, sent by LangSmith's SDK where there is a key for it.

A trace never makes an answer fail or wait: the SDK sends from a thread of its own, its queue is bounded (it drops what
does not fit), and what it raises is logged.
"""

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import SecretStr

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_MS = 2_000
READ_TIMEOUT_MS = 5_000


@dataclass(frozen=True, slots=True)
class TracingTarget:
    """Where traces go: LangSmith's address, the key, and the project."""

    endpoint: str
    api_key: SecretStr
    project: str


class Span(Protocol):
    """One call being traced."""

    def child(self, name: str, inputs: Mapping[str, Any], metadata: Mapping[str, Any]) -> "Span":
        """A call to a model, made inside this one."""
        ...

    def end(self, outputs: Mapping[str, Any]) -> None:
        """It worked. `outputs["usage_metadata"]` holds the tokens and the cost, as LangSmith counts them."""
        ...

    def fail(self, reason: str, outputs: Mapping[str, Any] | None = None) -> None:
        """It did not work."""
        ...


class Tracer(Protocol):
    def start(self, name: str, inputs: Mapping[str, Any]) -> Span: ...

    def close(self, timeout_s: float) -> None:
        """Send what is queued, for at most `timeout_s` seconds, and end."""
        ...


def tracer_for(target: TracingTarget | None) -> Tracer:
    """The tracer for `target`; one that does nothing, and imports nothing, where it is None."""
    return LangsmithTracer(target) if target is not None else NoTracer()


class _NoSpan:
    def child(self, name: str, inputs: Mapping[str, Any], metadata: Mapping[str, Any]) -> Span:  # noqa: ARG002
        return self

    def end(self, outputs: Mapping[str, Any]) -> None:
        """Nothing to do."""

    def fail(self, reason: str, outputs: Mapping[str, Any] | None = None) -> None:
        """Nothing to do."""


class NoTracer:
    """Traces nothing."""

    def start(self, name: str, inputs: Mapping[str, Any]) -> Span:  # noqa: ARG002
        return _NoSpan()

    def close(self, timeout_s: float) -> None:
        """Nothing to do."""


class LangsmithTracer:
    """Sends spans as LangSmith runs. The SDK's client gets everything passed, nothing from the environment."""

    def __init__(self, target: TracingTarget) -> None:
        langsmith: Any = importlib.import_module("langsmith")
        self._run_tree: Any = importlib.import_module("langsmith.run_trees").RunTree
        errors: Any = importlib.import_module("langsmith.utils").LangSmithError
        self._errors: tuple[type[Exception], ...] = (errors, ValueError, TypeError, RuntimeError, OSError)
        self._project = target.project
        # It reports to `_report` as well; twice the same warning helps nobody.
        logging.getLogger("langsmith.client").setLevel(logging.ERROR)
        self._client: Any = langsmith.Client(
            api_url=target.endpoint,
            api_key=target.api_key.get_secret_value(),
            timeout_ms=(CONNECT_TIMEOUT_MS, READ_TIMEOUT_MS),
            tracing_sampling_rate=1.0,
            tracing_mode="langsmith",
            disable_prompt_cache=True,
            tracing_error_callback=_report,
        )

    def start(self, name: str, inputs: Mapping[str, Any]) -> Span:
        return self._opened(lambda: self._run_tree(name=name, run_type="chain", inputs=dict(inputs), **self._where()))

    def close(self, timeout_s: float) -> None:
        self._client.close(timeout=timeout_s)

    def _where(self) -> dict[str, Any]:
        return {"ls_client": self._client, "project_name": self._project, "replicas": []}

    def _opened(self, make: Callable[[], Any]) -> Span:
        try:
            run = make()
            run.post()
        except self._errors as error:
            _report(error)
            return _NoSpan()
        return _LangsmithSpan(run, self._errors, self._opened)


class _LangsmithSpan:
    def __init__(
        self, run: Any, errors: tuple[type[Exception], ...], opened: Callable[[Callable[[], Any]], Span]
    ) -> None:
        self._run = run
        self._errors = errors
        self._opened = opened

    def child(self, name: str, inputs: Mapping[str, Any], metadata: Mapping[str, Any]) -> Span:
        return self._opened(
            lambda: self._run.create_child(
                name, run_type="llm", inputs=dict(inputs), extra={"metadata": dict(metadata)}
            )
        )

    def end(self, outputs: Mapping[str, Any]) -> None:
        self._finish(dict(outputs), None)

    def fail(self, reason: str, outputs: Mapping[str, Any] | None = None) -> None:
        self._finish(dict(outputs or {}), reason)

    def _finish(self, outputs: dict[str, Any], error: str | None) -> None:
        try:
            self._run.end(outputs=outputs, error=error)
            self._run.patch()
        except self._errors as problem:
            _report(problem)


def _report(error: Exception) -> None:
    # The rest of the SDK's message is advice about variables that we do not use, and a piece of the key.
    log.warning("A trace could not be sent to LangSmith: %s", str(error).partition("\n")[0][:300])
