"""The fixtures of the store's tests and of the journal's."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from actors.runtime_journal import SqlJournal
from actors.transcript_store import TranscriptStore
from tests.actors.journals import KINDS, fresh_url, opened
from tests.actors.stores import edge, server


@pytest.fixture(params=["edge", "server"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TranscriptStore]:
    made = edge(tmp_path) if request.param == "edge" else server()
    yield made
    await made.close()


@pytest.fixture(params=KINDS)
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new journal goes: a SQLite file, and a database of a real PostgreSQL."""
    return fresh_url(request.param, tmp_path)


@pytest.fixture
def journal(journal_url: str) -> Iterator[SqlJournal]:
    """A new journal, whose shard the incarnation "one" has claimed."""
    with opened(journal_url, "one") as made:
        yield made


@pytest.fixture(scope="module", params=KINDS)
def shared_journal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlJournal]:
    """One journal for all examples of a module, which take names of their own."""
    with opened(fresh_url(request.param, tmp_path_factory.mktemp("shared")), "one") as made:
        yield made
