"""Starting and stopping on Discord."""

import asyncio
import os
import signal

import pytest

from bot.client import run_discord
from config.settings import Discord
from core.errors import StartupFailed
from tests.fakes.assistant import FakeAssistant
from tests.fakes.discord import FakeDiscord


def access(server: FakeDiscord, token: str | None = None) -> Discord:
    return Discord.model_validate(
        {"token": token or server.token, "api_url": server.api_url, "gateway_url": server.gateway_url}
    )


async def test_it_runs_until_it_is_stopped_and_greets_once(server: FakeDiscord) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    names: list[str] = []

    def greet(name: str) -> None:
        names.append(name)
        ready.set()

    running = asyncio.create_task(run_discord(FakeAssistant(), access(server), stop=stop, on_ready=greet))
    await asyncio.wait_for(ready.wait(), 20)
    call = await server.slash("ask", question="How hot?")
    await server.until(lambda: call.done)
    stop.set()
    await asyncio.wait_for(running, 20)
    assert names == ["bot"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_it_with_the_answer_in_flight_told(server: FakeDiscord, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    assistant = FakeAssistant()
    assistant.gate.clear()
    running = asyncio.create_task(run_discord(assistant, access(server)))
    await server.ready()
    call = await server.slash("ask", question="How hot?")
    await asyncio.wait_for(assistant.entered.wait(), 20)
    os.kill(os.getpid(), number)
    await asyncio.sleep(0.05)
    assistant.gate.set()
    await asyncio.wait_for(running, 20)
    assert call.done
    assert signal.getsignal(number) == before


async def test_stopping_before_the_login_is_through(server: FakeDiscord) -> None:
    stop = asyncio.Event()
    stop.set()
    await asyncio.wait_for(run_discord(FakeAssistant(), access(server), stop=stop), 20)
    assert server.gateway.identified == 0


async def test_a_token_that_discord_refuses_at_login(server: FakeDiscord) -> None:
    with pytest.raises(StartupFailed, match="Discord refused the token") as caught:
        await run_discord(FakeAssistant(), access(server, "wrong"))
    assert "DISCORD_TOKEN" in caught.value.advice


async def test_no_token_at_all(server: FakeDiscord) -> None:
    nobody = Discord(api_url=server.api_url, gateway_url=server.gateway_url)
    with pytest.raises(StartupFailed, match="Discord refused the token"):
        await run_discord(FakeAssistant(), nobody)


async def test_a_token_that_the_gateway_refuses(server: FakeDiscord) -> None:
    server.gateway.refuse_token = True
    with pytest.raises(StartupFailed, match="Discord refused the token"):
        await run_discord(FakeAssistant(), access(server))


async def test_a_connection_closed_for_good(server: FakeDiscord) -> None:
    running = asyncio.create_task(run_discord(FakeAssistant(), access(server)))
    await server.ready()
    await server.gateway.close_with(4013)
    with pytest.raises(StartupFailed, match=r"closed the connection for good \(code 4013\)"):
        await asyncio.wait_for(running, 20)


async def test_commands_that_discord_refuses(server: FakeDiscord) -> None:
    server.break_route("PUT", "/commands", status=403)
    with pytest.raises(StartupFailed, match="HTTP 403"):
        await run_discord(FakeAssistant(), access(server))


async def test_no_discord_there() -> None:
    async with FakeDiscord() as gone:
        where = access(gone)
    with pytest.raises(StartupFailed, match="Discord cannot be reached"):
        await run_discord(FakeAssistant(), where)


async def test_the_greeting_names_the_bot(server: FakeDiscord, capsys: pytest.CaptureFixture[str]) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run_discord(FakeAssistant(), access(server), stop=stop))
    await server.ready()
    while "On Discord as bot" not in capsys.readouterr().err:  # noqa: ASYNC110 - nothing tells when text is printed
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(running, 20)
