"""References to Serve deployments, typed as the deployed class: the twin of `actors.runtime` for Ray Serve."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from core.errors import BotError, DeadlineExceeded, Unavailable

T = TypeVar("T")

_END = object()


class ServeRef:
    """Forwards method calls to a deployment, each with a deadline; of a stream, each item has it.

    In a `bind()` the handle may still be an unbuilt application.
    """

    def __init__(self, name: str, handle: Any, streams: frozenset[str], deadline_s: float) -> None:
        self._name, self._handle, self._streams, self._deadline_s = name, handle, streams, deadline_s

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        send = self._stream if method in self._streams else self._call

        def call(*args: Any, **kwargs: Any) -> Any:
            return send(method, args, kwargs)

        return call

    async def _call(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        handle = cast(DeploymentHandle[Any], self._handle)
        response = getattr(handle, method).remote(*args, **kwargs)
        with self._translated(response):
            async with asyncio.timeout(self._deadline_s):
                return await response

    async def _stream(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        handle = cast(DeploymentHandle[Any], self._handle)
        response = getattr(handle.options(stream=True), method).remote(*args, **kwargs)
        items = aiter(response)
        with self._translated(response):
            while True:
                async with asyncio.timeout(self._deadline_s):
                    item = await anext(items, _END)
                if item is _END:
                    return
                yield item

    @contextmanager
    def _translated(self, response: Any) -> Iterator[None]:
        """Ends the call on the other side if this side leaves, and gives Ray's errors as ours."""
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            response.cancel()
            raise
        except RayTaskError as error:
            # First: Ray makes it an instance of its cause's class too, which may be TimeoutError.
            if isinstance(error.cause, BotError):
                raise error.cause from error
            raise
        except TimeoutError:
            response.cancel()
            advice = f"It had {self._deadline_s:g} s; try again in a moment."
            raise DeadlineExceeded(self._name, advice) from None
        except (RayError, RayServeException) as error:
            raise Unavailable(self._name, "It is being restarted; try again in a moment.") from error


def serve_reference(cls: type[T], handle: Any, deadline_s: float) -> T:
    """A reference to the deployment behind `handle`, typed as `cls`; async generators become streams."""
    streams = frozenset(name for name, member in inspect.getmembers(cls) if inspect.isasyncgenfunction(member))
    return cast(T, ServeRef(cls.__name__, handle, streams, deadline_s))
