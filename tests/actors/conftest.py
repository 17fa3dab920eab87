"""The fixtures of the store's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.transcript_store import TranscriptStore
from tests.actors.stores import edge, server


@pytest.fixture(params=["edge", "server"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TranscriptStore]:
    opened = edge(tmp_path) if request.param == "edge" else server()
    yield opened
    await opened.close()
