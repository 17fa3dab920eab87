"""Starts Ray and Serve on this machine, or joins a cluster that runs, and hands out the assistant."""

import asyncio
import logging
import os
import re
import signal
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.exceptions import AuthenticationError, RayError
from ray.serve.config import HTTPOptions
from ray.serve.exceptions import RayServeException

from config.configuration import Configuration
from config.settings import Settings
from core.errors import StartupFailed
from core.experiment_ports import Experiments
from core.ports import Announcer, Assistant, Curator
from deployments import instance
from deployments.app import APP, application, assistant, curator, experiments, transcript_store
from deployments.entities import announcer, entities, supervised
from deployments.health import NOBODY
from deployments.instance import Addresses
from deployments.local_ray import init_ray
from deployments.preflight import (
    require_free_port,
    require_keys,
    require_listener,
    require_shared_journal,
    require_shared_store,
    writable,
)

_REFUSED = re.compile(r"^(?:.*\b)?core\.errors\.\w+: (.+)$", re.MULTILINE)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A running bot: the assistant, and where people reach it."""

    assistant: Assistant
    addresses: Addresses
    curator: Curator
    announcer: Announcer
    experiments: Experiments | None = None


@asynccontextmanager
async def running(configuration: Configuration) -> AsyncIterator[Running]:
    """Start everything on this machine and stop it at the end; on a cluster, deploy what is not there, and leave it.

    Raises StartupFailed or WriteFailed with what to do: a port is taken, a folder cannot be written, another bot holds
    the data folder, the store belongs to another model, Ray or a model does not start.
    """
    settings = configuration.settings
    require_keys(settings.api.host, settings.api.keys)
    require_shared_store(settings.cluster.address, settings.store.url)
    require_shared_journal(settings.cluster.address, settings.journal_url)
    with instance.held(settings.data.dir) as held, _ray(settings):
        # Before the models load: a store that cannot be used is the operator's business, and not the first member's.
        await transcript_store(settings).library(NOBODY)
        await supervised(entities(settings).kinds(), afresh=settings.cluster.address != "local")
        await _to_its_end(asyncio.to_thread(_deploy, configuration))
        addresses = _addresses(settings)
        held.publish(addresses)
        yield _product(settings, addresses)


@asynccontextmanager
async def joined(settings: Settings, addresses: Addresses) -> AsyncIterator[Running]:
    """The bot that runs on this machine already; it goes on when this process leaves."""
    async with connected(addresses.ray):
        yield _product(settings, addresses)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[None]:
    """A connection to a Ray that runs at `address`, `host:port`. Raises StartupFailed where none does."""
    try:
        await asyncio.to_thread(init_ray, address=address)
    except (RayError, RuntimeError, ConnectionError, OSError) as error:
        problem = f"The bot's Ray at {address} cannot be reached: {_last_line(error)}"
        raise StartupFailed(problem, "Stop the bot and start it again.") from error
    try:
        yield
    finally:
        await asyncio.to_thread(ray.shutdown)


def _product(settings: Settings, addresses: Addresses) -> Running:
    return Running(assistant(settings), addresses, curator(settings), announcer(), experiments(settings))


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Wait for `work` even when cancelled: a thread left behind would find Ray gone and start another."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Put back who handles SIGINT and SIGTERM: Ray's own handler of SIGTERM would end the process with a stack dump."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def _ray(settings: Settings) -> Iterator[None]:
    cluster = settings.cluster
    options: dict[str, object] = {"address": cluster.address}
    if cluster.address == "local":
        require_free_port(settings.api.host, settings.api.port, "API_PORT")
        require_free_port("127.0.0.1", cluster.dashboard_port, "CLUSTER_DASHBOARD_PORT")
        options |= {
            "runtime_env": {"worker_process_setup_hook": "config.configuration.configure_worker_log"},
            "include_dashboard": True,
            "dashboard_host": "127.0.0.1",
            "dashboard_port": cluster.dashboard_port,
            "num_cpus": cluster.cpus or os.cpu_count(),
            # Ray warns its users of "too many" processes from four times this on; it starts more of ours than CPUs.
            "_system_config": {"worker_maximum_startup_concurrency": 8},
        }
        if cluster.temp_dir:
            options["_temp_dir"] = str(writable(Path(cluster.temp_dir)))
    else:
        require_listener(cluster.address)
    try:
        with _signals_kept():
            init_ray(**options)
    except AuthenticationError as error:
        raise StartupFailed(
            f"The cluster at {cluster.address} refuses this machine's token.",
            "Copy its head's ~/.ray/auth_token to the same place here, or set RAY_AUTH_TOKEN.",
        ) from error
    except (RayError, RuntimeError, ConnectionError, ValueError, OSError) as error:
        raise StartupFailed(
            f"Ray did not start: {_last_line(error)}.",
            "Its logs are under /tmp/ray/session_latest/logs; CLUSTER_TEMP_DIR moves them, and memory or a full disk "
            "is the usual reason.",
        ) from error
    try:
        yield
    finally:
        try:
            if cluster.address == "local":
                # Replicas finish what they are at; the rest of Serve ends with Ray.
                serve.delete(APP)
        except (RayError, RayServeException) as error:
            _log.warning("Serve was gone before it was stopped: %s", _last_line(error))
        finally:
            ray.shutdown()


def _deploy(configuration: Configuration) -> None:
    settings = configuration.settings
    if settings.cluster.address != "local" and APP in serve.status().applications:
        return  # deployed by `serve deploy config/serve.yaml`, with its GPUs
    serve.start(http_options=HTTPOptions(host=settings.api.host, port=settings.api.port))
    try:
        serve.run(application(configuration), name=APP, route_prefix="/")
    except (RuntimeError, RayServeException, RayError) as error:
        reason = _refusal() or _last_line(error)
        raise StartupFailed(f"A part of the bot did not start. {reason}", "Correct this and start again.") from error


def _refusal() -> str:
    """What a replica's constructor said when it refused to start: Serve keeps it in the deployment's status."""
    found = serve.status().applications.get(APP)
    messages = [status.message for status in found.deployments.values()] if found else []
    said = [match[1].strip() for message in messages for match in _REFUSED.finditer(message)]
    return said[-1] if said else ""


def _addresses(settings: Settings) -> Addresses:
    context = ray.get_runtime_context()
    return Addresses(
        pid=os.getpid(),
        ray=context.gcs_address,
        api=f"http://{settings.api.host}:{settings.api.port}",
        dashboard=f"http://127.0.0.1:{settings.cluster.dashboard_port}",
    )


def _last_line(error: BaseException) -> str:
    """The last line of an error's text: of a remote traceback, the error itself."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
