"""The actor shell: starts plain classes as Ray actors and calls them through references typed as the class.

    store = reference(ActorSpec("TranscriptStore"), TranscriptStore, folder, dimensions)
    await store.library(tenant)        # mypy sees a TranscriptStore; at run time the call crosses processes

The class itself knows nothing of Ray, so a unit test uses it in process. A reference finds or starts its actor on first
use, has a deadline on every call, and lets errors of `core.errors` arrive as what they were.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar, cast

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError, RayTaskError

from core.errors import BotError, DeadlineExceeded, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

NAMESPACE = "discord-intelligence-bot"
START_S = 60.0


class ActorGone(Unavailable):
    """The actor died, or could not be reached, before it answered: whether it did what was asked is not known."""


@dataclass(frozen=True, slots=True)
class ActorSpec:
    """How an actor runs: its `name` is unique in the cluster and is what the Ray dashboard shows."""

    name: str
    deadline_s: float = 30.0


class ActorRef(Generic[T]):
    """Forwards method calls to a Ray actor. Pickles as what it takes to find the actor, never as a connection."""

    def __init__(self, spec: ActorSpec, cls: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._spec, self._cls, self._args, self._kwargs = spec, cls, args, kwargs
        self._handle: Any = None
        self._searching: asyncio.Future[None] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return ActorRef, (self._spec, self._cls, self._args, self._kwargs)

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        if method.startswith("_"):
            raise AttributeError(method)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._call(method, args, kwargs)

        return call

    async def ready(self) -> None:
        """Find or start the actor and wait until its constructor is done.

        Raises what the constructor raises of `core.errors`, or Unavailable.
        """
        # Asking Ray for the actor blocks for a moment; the event loop must not.
        handle = self._handle = await asyncio.to_thread(self._find_or_start)
        await self._wait_for(handle.__ray_ready__.remote(), START_S)

    async def kill(self, *, restart: bool) -> None:
        """End the actor's process with SIGKILL, where there is one. Without `restart` its name goes too."""
        self._handle = None
        await asyncio.to_thread(_kill, self._spec.name, restart)

    def _find_or_start(self) -> Any:
        return self._remote().remote(*self._args, **self._kwargs)

    def _remote(self) -> Any:
        return ray.remote(self._cls).options(**self._options())

    def _options(self) -> dict[str, Any]:
        return {
            "name": self._spec.name,
            "namespace": NAMESPACE,
            "lifetime": "detached",
            "get_if_exists": True,
            "num_cpus": 0,
            "max_restarts": -1,
        }

    async def _call(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        handle = await self._found()
        return await self._wait_for(getattr(handle, method).remote(*args, **kwargs), self._spec.deadline_s)

    async def _found(self) -> Any:
        # Of many calls at once one searches; when it has found the actor, another may have lost it again.
        while (handle := self._handle) is None:
            if self._searching is None:
                self._searching = asyncio.ensure_future(self.ready())
                self._searching.add_done_callback(self._searched)
            await asyncio.shield(self._searching)
        return handle

    def _searched(self, search: asyncio.Future[None]) -> None:
        self._searching = None
        if not search.cancelled():
            search.exception()  # whoever waited has it; nobody may be left

    async def _wait_for(self, reply: Awaitable[Any], deadline_s: float) -> Any:
        name = self._spec.name
        try:
            async with asyncio.timeout(deadline_s):
                return await reply
        except RayTaskError as error:
            # First: Ray makes it an instance of its cause's class too, which may be TimeoutError.
            if isinstance(error.cause, BotError):
                raise error.cause from None
            raise
        except TimeoutError:
            raise DeadlineExceeded(name, f"It had {deadline_s:g} s; try again in a moment.") from None
        except RayActorError as error:
            if not isinstance(error, ActorUnavailableError):
                # It is gone for good, and the name may belong to another one by the next call.
                self._handle = None
            # A constructor that refused to start: Ray carries its error as the first argument.
            refusal = getattr(error.args[0], "cause", None) if error.args else None
            if isinstance(refusal, BotError):
                raise refusal from None
            raise ActorGone(name, "It has stopped and is being restarted; try again in a moment.") from error
        except RayError as error:
            raise ActorGone(name, f"Ray lost the call ({type(error).__name__}); try again in a moment.") from error


def _kill(name: str, restart: bool) -> None:
    try:
        handle = ray.get_actor(name, NAMESPACE)
    except ValueError:
        return  # there is none
    ray.kill(handle, no_restart=not restart)


def reference(spec: ActorSpec, cls: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """A reference to the actor `spec.name`, typed as the class; the actor is found or started on first use."""
    return cast(T, ActorRef(spec, cls, args, kwargs))


async def spawn(spec: ActorSpec, cls: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like `reference`, but starts the actor now.

    Raises what the class's constructor raises of `core.errors`, or Unavailable.
    """
    ref = ActorRef(spec, cls, args, kwargs)
    await ref.ready()
    return cast(T, ref)
