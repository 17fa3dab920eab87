"""What goes wrong around the bot on Discord: errors, rate limits, lost sockets, and the end."""

import asyncio

import pytest

from bot.client import BotClient
from core.errors import BadInput, BotError, DeadlineExceeded, RefusedUrl, TenantRequired, Unavailable, WriteFailed
from core.messages import IngestProgress, IngestStep
from core.results import ErrorCategory, Fail, Ok
from tests.bot.conftest import Clock, finished
from tests.fakes.assistant import FakeAssistant, answer_to, claim
from tests.fakes.discord import CHANNEL_ID, GUILD_ID, FakeDiscord
from tests.fakes.discord.world import channel

pytestmark = pytest.mark.usefixtures("client")


# ---------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BadInput("The link is none.", "Send a link."), "The link is none. Send a link."),
        (RefusedUrl("That address is private.", "Send a public one."), "That address is private."),
        (TenantRequired("No tenant.", "x"), "Use the command in a server's channel."),
        (Unavailable("The store", "Start it."), "The store is not available. Start it."),
        (DeadlineExceeded("The model"), "The model did not answer in time. Try again"),
        (WriteFailed("The data folder", "Free some space."), "The data folder cannot be written."),
        (BotError(), "with the number"),
        (TimeoutError(), "took too long"),
        (ZeroDivisionError("secret"), "with the number"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_each_error_is_a_sentence(
    server: FakeDiscord, assistant: FakeAssistant, error: Exception, said: str
) -> None:
    assistant.answer = error
    text = await finished(server, await server.slash("ask", question="How hot?"))
    assert said in text
    assert "secret" not in text


async def test_a_failure_in_the_middle_of_an_ingest(server: FakeDiscord, assistant: FakeAssistant) -> None:
    assistant.events = [IngestProgress(IngestStep.LISTING, 0, 0), Unavailable("The site")]
    call = await server.slash("analyze", url="https://talks.example/1")
    assert "The site is not available. Try again" in await finished(server, call)
    assert call.original is not None
    assert call.original.content == ""


async def test_a_fail_is_a_sentence(server: FakeDiscord, assistant: FakeAssistant) -> None:
    assistant.answer = Fail(ErrorCategory.UPSTREAM, "No model answered.")
    assert "No model answered. Try again" in await finished(server, await server.slash("ask", question="?"))


async def test_control_characters_are_refused_before_anything_is_asked(
    server: FakeDiscord, assistant: FakeAssistant
) -> None:
    assert "control characters" in await finished(server, await server.slash("ask", question="a\x00b"))
    assert "is empty" in await finished(server, await server.slash("ask", question="   "))
    assert assistant.asks == []


# ---------------------------------------------------------------- rate limits, lost sockets, broken routes
@pytest.mark.parametrize("path", ["/callback", "@original"])
async def test_a_429_is_waited_out(server: FakeDiscord, path: str) -> None:
    server.rate_limit("*", path, times=2, retry_after_s=0.05)
    assert "Green tea" in await finished(server, await server.slash("ask", question="How hot?"))
    assert server.rest.impatient == []


async def test_a_socket_lost_while_an_answer_is_made(server: FakeDiscord, assistant: FakeAssistant) -> None:
    assistant.gate.clear()
    call = await server.slash("ask", question="How hot?")
    await server.until(lambda: call.answered_with)
    await server.gateway.drop()
    meanwhile = await server.slash("status")
    await server.gateway.until(lambda gateway: gateway.resumed == 1)
    assert "12 passages" in await finished(server, meanwhile), "what was sent while the socket was gone arrives"
    assistant.gate.set()
    assert "Green tea" in await finished(server, call)
    assert len(assistant.asks) == 1, "a replayed session does not ask again"


async def test_discord_asks_for_a_reconnect(server: FakeDiscord) -> None:
    await server.gateway.ask_to_reconnect()
    await server.gateway.until(lambda gateway: gateway.resumed == 1)
    assert "12 passages" in await finished(server, await server.slash("status"))


async def test_an_acknowledgement_whose_reply_was_lost(server: FakeDiscord, assistant: FakeAssistant) -> None:
    """The callback arrives, a 500 comes back, discord.py repeats it and reads 40060: the answer still arrives."""
    server.swallow_reply("POST", "/callback")
    assert "Green tea" in await finished(server, await server.slash("ask", question="How hot?"))
    assert len(assistant.asks) == 1


async def test_a_reply_that_discord_refuses_is_told(server: FakeDiscord) -> None:
    server.break_route("PATCH", "@original", status=400)
    call = await server.slash("ask", question="How hot?")
    assert "Discord did not take the answer" in await finished(server, call)


async def test_where_not_even_that_can_be_told_it_is_logged(
    server: FakeDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    server.break_route("PATCH", "@original", status=400, times=2)
    call = await server.slash("ask", question="How hot?")
    await server.until(lambda: sum("PATCH" in path for path in server.rest.calls) == 2)
    await finished(server, await server.slash("status"))
    assert not call.done
    assert f"interaction {call.interaction_id} could not be sent" in caplog.text


async def test_an_acknowledgement_that_discord_refuses_is_told(server: FakeDiscord) -> None:
    server.break_route("POST", "/callback", status=403)
    call = await server.slash("ask", question="How hot?")
    assert "Ask a moderator" in await finished(server, call)


async def test_progress_that_cannot_be_shown_stops_nothing(server: FakeDiscord) -> None:
    server.break_route("PATCH", "@original", status=400)
    call = await server.slash("analyze", url="https://talks.example/1")
    assert "**1 new**" in await finished(server, call)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_connection_cut_on_the_way_costs_no_answer(
    server: FakeDiscord, assistant: FakeAssistant, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._RETRY_AFTER_S", (0.0, 0.0))
    server.cut_connection("PATCH", "@original", times=times)
    assert "Green tea" in await finished(server, await server.slash("ask", question="How hot?"))
    assert len(assistant.asks) == 1


async def test_a_connection_that_stays_cut_is_told_once_it_is_back(
    server: FakeDiscord, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.delivery._RETRY_AFTER_S", (0.0, 0.0))
    server.cut_connection("PATCH", "@original", times=3)
    assert "with the number" in await finished(server, await server.slash("ask", question="How hot?"))
    assert "Incident" in caplog.text


async def test_a_token_that_ends_between_two_pieces(server: FakeDiscord, assistant: FakeAssistant) -> None:
    assistant.answer = Ok(answer_to("All?", *(claim(f"Claim {n}. " + "So it is said. " * 8) for n in range(40))))
    server.break_route("POST", "/webhooks/", status=401, code=50027)
    call = await server.slash("ask", question="All?")
    await server.until(lambda: any("345 tokens" in message.text for message in server.messages.values()))
    shown = [message.text for message in server.messages.values()]
    assert call.followups == []
    assert sum(text.count("Claim 0.") for text in shown) == 1, "nothing is said twice"
    assert sum(text.count("[12:34](https://talks.example/1#t=754)") for text in shown) == 40


async def test_a_late_answer_without_a_channel_is_logged(
    server: FakeDiscord, assistant: FakeAssistant, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    category = {**channel(CHANNEL_ID + 60, "a category"), "type": 4}
    server.guilds[GUILD_ID + 60] = [category]
    assistant.gate.clear()
    call = await server.slash("ask", question="How hot?", guild_id=GUILD_ID + 60)
    await server.until(lambda: call.answered_with)
    clock.now_s += 901
    assistant.gate.set()
    await finished(server, await server.slash("status"))
    assert f"interaction {call.interaction_id} came too late, and has no channel" in caplog.text


# ---------------------------------------------------------------- the end
async def test_closing_tells_those_who_wait(server: FakeDiscord, client: BotClient, assistant: FakeAssistant) -> None:
    assistant.gate.clear()
    call = await server.slash("ask", question="How hot?")
    await asyncio.wait_for(assistant.entered.wait(), 10)
    await client.close()
    assert call.original is not None
    assert "This was stopped before it was done" in call.original.text


async def test_closing_lets_a_call_finish(server: FakeDiscord, client: BotClient, assistant: FakeAssistant) -> None:
    assistant.gate.clear()
    call = await server.slash("ask", question="How hot?")
    await asyncio.wait_for(assistant.entered.wait(), 10)
    closing = asyncio.create_task(client.close())
    await asyncio.sleep(0)
    assistant.gate.set()
    await closing
    assert call.original is not None
    assert "Green tea" in call.original.text
