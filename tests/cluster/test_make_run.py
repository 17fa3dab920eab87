"""`make run` as people start it: a process of its own, its sentences when it cannot start, and its way out."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.transcript_store import TranscriptStore
from config.configuration import Configuration
from demo.site import HERE, served
from deployments.cluster import Running
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.world import CHANNEL_ID
from tests.fakes.site import VTT, Reply, Site
from tests.ports import free_port

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]

PIPE = asyncio.subprocess.PIPE
STORE = "http://127.0.0.1:2"
JOURNAL = "postgresql://bot@127.0.0.1:3/bot"


@asynccontextmanager
async def process(
    module: str, *arguments: str, folder: Path, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m module` with these variables, and killed at the end if it still runs."""
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "PYTHONPATH")}
    defaults = {"DATA_DIR": str(folder), "API_PORT": str(free_port()), "CLUSTER_DASHBOARD_PORT": str(free_port())}
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, env={**inherited, **defaults, **variables},
        stdin=PIPE, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def told(module: str, *arguments: str, folder: Path, **variables: str) -> tuple[int | None, str, str]:
    """Exit code, output and errors of a process that ends by itself."""
    async with process(module, *arguments, folder=folder, **variables) as running:
        output, errors = await running.communicate()
        return running.returncode, output.decode(), errors.decode()


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"API_PORT": "99999"}, "API_PORT"),
        ({"ENABLE_PROMPT_COMPRESION": "1"}, "Did you mean ENABLE_PROMPT_COMPRESSION?"),
        ({"MODELS_FILE": "nowhere.yaml"}, "MODELS_FILE"),
        ({"DATA_DIR": "/dev/null/data"}, "DATA_DIR"),
        ({"CLUSTER_TEMP_DIR": "/dev/null/ray"}, "CLUSTER_TEMP_DIR"),
        ({"CLUSTER_ADDRESS": "127.0.0.1:1", "STORE_URL": STORE, "JOURNAL_URL": JOURNAL}, "Ray did not start"),
        ({"CLUSTER_ADDRESS": "auto"}, "STORE_URL"),
        ({"CLUSTER_ADDRESS": "auto", "STORE_URL": STORE}, "JOURNAL_URL"),
        ({"API_HOST": "0.0.0.0"}, "API_KEYS"),
    ],
)
async def test_what_cannot_start_says_why_in_a_sentence(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    code, _, errors = await told("bot", folder=tmp_path, **variables)
    assert code == 1
    assert sentence in errors
    assert "Traceback" not in errors


async def test_transcripts_of_another_model_end_the_start(tmp_path: Path) -> None:
    await TranscriptStore(tmp_path / "transcripts", 384, model="another-model").close()
    code, _, errors = await told("bot", folder=tmp_path)
    assert code == 1
    assert "another-model" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("variable", ["API_PORT", "CLUSTER_DASHBOARD_PORT"])
async def test_a_port_that_is_taken_is_named(tmp_path: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, errors = await told("bot", folder=tmp_path, **{variable: port})
    assert code == 1
    assert port in errors
    assert variable in errors


async def test_a_second_bot_is_refused_and_the_console_joins_the_first(
    bot: Running, configuration: Configuration
) -> None:
    folder = configuration.settings.data.dir
    code, _, errors = await told("bot", folder=folder)
    assert code == 1
    assert f"process {bot.addresses.pid}" in errors
    code, output, errors = await told("bot.console", "ask", "Which wine goes with roasted duck?", folder=folder)
    assert code == 0, errors
    assert "don't say" in output
    assert (await bot.assistant.health()).healthy


async def said(discord: FakeDiscord, command: str, **options: Any) -> str:
    """What the bot replied to a slash command."""
    call = await discord.slash(command, **options)
    await discord.until(lambda: call.done)
    return str(call.messages)


async def until(discord: FakeDiscord, words: str, command: str, **options: Any) -> str:
    """The reply to a slash command, used again until it holds `words`."""
    while words not in (text := await said(discord, command, **options)):  # noqa: ASYNC110 - the bot works meanwhile
        await asyncio.sleep(1)
    return text


@asynccontextmanager
async def on_discord(discord: FakeDiscord, folder: Path, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`make run` with a token, once it is on Discord; it has to leave in order when it is told to."""
    variables = {
        "DISCORD_TOKEN": discord.token,
        "DISCORD_API_URL": discord.api_url,
        "DISCORD_GATEWAY_URL": str(discord.gateway_url),
        **HERE,
        **more,
    }
    async with process("bot", folder=folder, **variables) as running:
        assert running.stderr is not None
        async with asyncio.timeout(120):
            while b"On Discord as" not in (line := await running.stderr.readline()):
                assert line, "it ended before it was on Discord"
            await discord.ready()
        yield running
        running.send_signal(signal.SIGTERM)
        _, errors = await running.communicate()
        assert running.returncode == 0, errors.decode()
        assert b"Traceback" not in errors


async def test_it_answers_on_discord_and_leaves_on_sigterm(tmp_path: Path) -> None:
    async with FakeDiscord() as discord, on_discord(discord, tmp_path), asyncio.timeout(120):
        with served() as feed:
            await said(discord, "analyze", url=feed.replace("feed.xml", "talks/what-is-perplexity.html"))
        text = await said(discord, "ask", question="What does perplexity measure?")
        assert "perplexity" in text.lower()
        assert "what-is-perplexity.html#t=" in text


async def test_a_channel_is_followed_on_discord_and_its_news_is_posted_once(tmp_path: Path) -> None:
    """Every command of following over the whole bot: also after a restart, which goes on where it was."""
    captions = Reply(VTT.encode(), "text/vtt")
    async with FakeDiscord() as discord, Site() as site, asyncio.timeout(240):
        for name in ("Tides", "Reefs", "Kelp"):
            site.talk(name, captions)
        url = site.feed("/feed.xml", ["Tides", "Reefs"])
        async with on_discord(discord, tmp_path, FOLLOW_POLL_S="2", ENABLE_ANALYSIS="true"):
            text = await said(discord, "follow", url=url, back=20_000, announce=str(CHANNEL_ID))
            assert "Shore Talks" in text
            await until(discord, "2 listed = 2 ingested + 0 waiting + 0 refused", "following")
            assert "sea star" in await said(discord, "ask", question="What can a sea star grow back?")
            assert "Nothing waits" in await said(discord, "queue")
            assert "2 listed = 2 ingested" in await said(discord, "backfill", channel="Shore Talks", back=0)
            await said(discord, "pause", channel="Shore Talks")
            site.feed("/feed.xml", ["Kelp", "Tides", "Reefs"])
        async with on_discord(discord, tmp_path, FOLLOW_POLL_S="2", ENABLE_ANALYSIS="true"):
            assert "Somebody paused it" in await said(discord, "following")
            assert not discord.posts()
            await said(discord, "resume", channel="Shore Talks")
            await until(discord, "3 listed = 3 ingested", "following")
            await discord.until(discord.posts)
            (post,) = discord.posts()
            assert "Kelp" in post.text
            forgotten = await discord.slash("forget", what=site.url("/Kelp.html"))
            await discord.until(lambda: forgotten.done)
            assert "1 recording" in str(forgotten.messages)
            await said(discord, "unfollow", channel="Shore Talks")
            assert "No channel" in await said(discord, "following")
        assert len(discord.posts()) == 1
