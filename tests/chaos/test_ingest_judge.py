"""The judge of ingest's crash test finds what must not be."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from core.captions import parse
from core.messages import Passage, Recording
from core.passages import to_passages
from core.sentences import to_sentences
from core.tenancy import TenantContext
from deployments.storing import Storing
from tests.chaos.ingest_cast import GUILDS
from tests.chaos.ingest_judge import judged
from tests.chaos.ingest_poster import Discord
from tests.chaos.ingest_site import captions_of
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.store import MemoryStore

SKIPPED = "v0000000003"
NAMES = (SKIPPED, "v0000000001", "v0000000002")


def passages(name: str, said: str = "") -> tuple[Passage, ...]:
    recording = Recording(f"youtube:{name}", f"https://www.youtube.com/watch?v={name}", name)
    return tuple(to_passages(recording, to_sentences(parse(captions_of(said or name)).cues)))


WANTED: Mapping[str, tuple[Passage, ...]] = {f"youtube:{name}": passages(name) for name in NAMES}


class Left:
    """What a run leaves."""

    def __init__(self, folder: Path) -> None:
        self.store, self.folder, self.discord = MemoryStore(), str(folder), Discord(str(folder))
        self._storing = Storing(FakeEmbedder(), self.store)

    async def put(self, guild: TenantContext, name: str, said: str = "") -> None:
        held = passages(name, said)
        await self._storing.store(guild, held, await self._storing.embedded(held))

    def post(self, guild: TenantContext, name: str, nonce: str = "") -> None:
        self.discord.post(guild.tenant, f"https://www.youtube.com/watch?v={name}", nonce or name)

    async def faults(self) -> Mapping[str, int]:
        found = await judged(self.store, self.folder, WANTED, lambda _: None)
        return {name: count for name, count in found.items() if count and name not in ("ingested", "announced")}


@pytest.fixture
async def left(tmp_path: Path) -> Left:
    """Of a run in which all went well."""
    whole = Left(tmp_path)
    for guild in GUILDS:
        for name in NAMES[guild is GUILDS[-1] :]:
            await whole.put(guild, name)
            whole.post(guild, name)
    return whole


async def test_what_is_as_it_should_be_has_no_faults(left: Left) -> None:
    assert await left.faults() == {}


async def test_what_is_missing_or_too_much_is_found(left: Left) -> None:
    await left.store.forget_recording(GUILDS[0], "youtube:v0000000001")
    await left.put(GUILDS[-1], SKIPPED)
    assert await left.faults() == {"lost": 1, "unwanted": 1}


async def test_what_says_something_else_is_found(left: Left) -> None:
    await left.put(GUILDS[1], "v0000000001", "another")
    assert (await left.faults())["differing"] >= 1


async def test_what_was_told_twice_or_to_others_or_never_is_found(left: Left) -> None:
    left.post(GUILDS[0], "v0000000001", "another nonce")
    left.post(GUILDS[-1], SKIPPED)
    assert await left.faults() == {"told_again": 1, "unwanted": 1}
    left.folder += "/where/nobody/posted"
    assert await left.faults() == {"untold": 8}
