"""`make run`: on Discord with a token, in the terminal without one."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from bot.product import Product
from bot.signals import OnSignals
from config.configuration import Configuration, calm_serve, load_configuration, require_ray_token
from core.errors import BotError
from deployments import instance


@asynccontextmanager
async def connected() -> AsyncIterator[Product]:
    """The bot that runs on this data folder, or one that is started for as long as it is used."""
    # Ray takes seconds to import; bad settings are told before.
    configuration = start_configuration()
    from deployments import cluster

    settings = configuration.settings
    addresses = instance.running(settings.data.dir)
    found = cluster.joined(settings, addresses) if addresses else cluster.running(configuration)
    with ended_by_sigterm():
        async with found as running:
            yield Product(running.assistant, running.curator, running.announcer, running.experiments)


def ended_by_sigterm() -> OnSignals:
    """While entered, SIGTERM cancels this task, which then stops what it started."""
    task = asyncio.current_task()
    assert task is not None
    return OnSignals(task.cancel, signal.SIGTERM)


def start_configuration() -> Configuration:
    """Read the settings and set up the log."""
    require_ray_token()
    calm_serve()
    configuration = load_configuration()
    configuration.configure_log()
    return configuration


async def main() -> None:
    """Run until stopped."""
    configuration = start_configuration()
    from bot.client import run_discord
    from bot.console import run_console
    from deployments import cluster

    settings = configuration.settings
    with ended_by_sigterm():
        async with cluster.running(configuration) as running:
            addresses = running.addresses
            sys.stderr.write(f"API        {addresses.api}/docs\nDashboard  {addresses.dashboard}\n")
            on_discord = partial(run_discord, running.assistant, settings.discord)
            in_terminal = partial(run_console, running.assistant, settings.data.dir)
            drive: Callable[..., Awaitable[None]] = on_discord if settings.discord.token else in_terminal
            await drive(curator=running.curator, announcer=running.announcer, experiments=running.experiments)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except BotError as error:
        sys.exit(str(error))
    except asyncio.CancelledError:
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
