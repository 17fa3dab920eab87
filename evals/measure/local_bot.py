"""A bot on this machine for as long as a measurement takes, with a data folder of its own."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from config.configuration import calm_serve, load_configuration
from core.captions import parse
from core.sentences import to_sentences
from demo.site import CHANNEL, HERE
from deployments import cluster
from deployments.cluster import Running


@asynccontextmanager
async def local_bot(**variables: str) -> AsyncIterator[Running]:
    """The whole bot on the default ports, with default settings but for these `variables` of its environment."""
    calm_serve()
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        configuration = load_configuration({}, None, DATA_DIR=folder, **HERE, **variables)
        async with cluster.running(configuration) as running:
            yield running


def sample_sentences() -> list[str]:
    """Every sentence of the sample channel, in order: real speech of real lengths."""
    return list(_sentences())


def _sentences() -> Iterator[str]:
    for file in sorted(CHANNEL.glob("talks/*.vtt")):
        for sentence in to_sentences(parse(file.read_bytes()).cues):
            yield sentence.text
