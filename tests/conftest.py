"""What tests of every room share: one running bot, started by the first test that needs Ray."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from config.configuration import Configuration, load_configuration
from tests.ports import free_port

if TYPE_CHECKING:
    from deployments.cluster import Running

# A busy machine is no failure: nothing here is judged by the clock.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(scope="session")
def configuration() -> Iterator[Configuration]:
    """Settings of a bot on this machine, with ports and folders of its own."""
    # Ray's sockets lie in its folder, and a socket's path may have 107 characters only: pytest's folders are too deep.
    with tempfile.TemporaryDirectory(prefix="bot-", ignore_cleanup_errors=True) as folder:
        yield load_configuration(
            {},
            None,
            DATA_DIR=f"{folder}/data",
            CLUSTER_TEMP_DIR=f"{folder}/ray",
            API_PORT=str(free_port()),
            CLUSTER_DASHBOARD_PORT=str(free_port()),
            INGEST_ALLOW_LOOPBACK="true",
            PACE_INTERVAL_S="0.001",
            PACE_BURST="1000",
        )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bot(configuration: Configuration) -> AsyncIterator["Running"]:
    """The whole bot on a real Ray and Serve. Tests that use it are marked `cluster` and run on the session's loop."""
    from deployments import cluster

    async with cluster.running(configuration) as running:
        yield running
