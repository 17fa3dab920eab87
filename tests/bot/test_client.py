"""The bot end to end: the real discord.py client against a server that speaks Discord's protocol."""

import pytest

from bot.client import BotClient
from bot.commands import all_commands
from core.activity_documents import receipt_from
from core.errors import RateLimited
from core.messages import IngestProgress, IngestStep, Quote, Recording
from core.results import Ok
from core.stages import failure
from core.usage import Usage
from tests.bot.conftest import Clock, finished
from tests.fakes.assistant import NOW, FakeAssistant, answer_to, claim
from tests.fakes.discord import CHANNEL_ID, GUILD_ID, FakeDiscord
from tests.fakes.discord.interactions import DEFER
from tests.fakes.discord.world import channel

pytestmark = pytest.mark.usefixtures("client")


# ---------------------------------------------------------------- the commands
async def test_the_commands_are_registered_as_they_are_described(server: FakeDiscord) -> None:
    registered = {command["name"]: command for command in server.rest.commands}
    assert set(registered) == {command.name for command in all_commands()}
    (option,) = registered["ask"]["options"]
    assert (option["name"], option["required"], option["max_length"]) == ("question", True, 2000)
    assert not registered["status"].get("options")
    (option,) = registered["receipt"]["options"]
    assert (option["name"], option["required"], option["max_length"]) == ("id", False, 100)


async def test_only_the_intent_for_guilds_is_asked_for(server: FakeDiscord) -> None:
    (identify,) = [frame["d"] for frame in server.gateway.received if frame["op"] == 2]
    assert identify["intents"] == 1


async def test_ask(server: FakeDiscord, assistant: FakeAssistant) -> None:
    call = await server.slash("ask", question="How hot?", user_id=42)
    text = await finished(server, call)
    assert "> “Green tea wants water well below boiling.” — Ada Example, *Brewing tea* " in text
    assert "[12:34](https://talks.example/1#t=754)" in text
    assert "local/extractive · 0.04 s · 345 tokens" in text
    tenant = assistant.asks[0].tenant
    assert (tenant.tenant, tenant.workspace, tenant.user) == (str(GUILD_ID), "guild", "42")
    assert call.answered_with == DEFER


async def test_ask_where_nothing_supports_an_answer(server: FakeDiscord, assistant: FakeAssistant) -> None:
    assistant.answer = Ok(answer_to("Who?"))
    assert "The transcripts don't say." in await finished(server, await server.slash("ask", question="Who?"))


async def test_a_receipt_is_the_last_one_of_who_asks_or_the_one_named(
    server: FakeDiscord, assistant: FakeAssistant
) -> None:
    text = await finished(server, await server.slash("receipt", user_id=42))
    assert "12:00 UTC** — answered with quotes" in text
    await finished(server, await server.slash("receipt", id="a-1", user_id=43))
    assert [(tenant.user, answer_id) for tenant, answer_id in assistant.receipts] == [("42", ""), ("43", "a-1")]


async def test_quota_and_health(server: FakeDiscord) -> None:
    assert "12 of 20 requests left" in await finished(server, await server.slash("quota"))
    assert "✓ embedder" in await finished(server, await server.slash("health"))


async def test_who_is_too_fast_is_told_how_long_to_wait(server: FakeDiscord, assistant: FakeAssistant) -> None:
    limited = RateLimited("You ask for more than is allowed now.", 2.4)
    assistant.answer, assistant.events = failure(limited), [limited]
    for call in (
        await server.slash("ask", question="How hot?"),
        await server.slash("analyze", url="https://a.example"),
    ):
        assert "You ask for more than is allowed now. Try again in 3 s." in await finished(server, call)


async def test_a_receipt_that_is_not_there_and_limits_that_cannot_be_shown(
    server: FakeDiscord, assistant: FakeAssistant
) -> None:
    assistant.logged = receipt_from((), "a-9")
    assert "No answer of yours here has that id." in await finished(server, await server.slash("receipt", id="a-9"))
    assistant.usage = Usage(NOW, (), ("What may still be spent cannot be shown: BudgetLedger is not available.",))
    assert "cannot be shown" in await finished(server, await server.slash("quota"))


async def test_search(server: FakeDiscord, assistant: FakeAssistant) -> None:
    text = await finished(server, await server.slash("search", words="green tea"))
    assert "[12:34](https://talks.example/1#t=754)" in text
    assert assistant.searches[0].text == "green tea"


async def test_analyze_takes_a_file_in_place_of_a_link(server: FakeDiscord, assistant: FakeAssistant) -> None:
    link = "https://cdn.discordapp.com/attachments/1/2/talk.mp3?ex=3"
    call = await server.slash("analyze", file=link)
    await server.until(lambda: call.done)
    assert [request.url for request in assistant.ingests] == [link]
    empty = await server.slash("analyze")
    await server.until(lambda: empty.done)
    assert "The url is empty" in str(empty.messages)


async def test_analyze_edits_its_progress_into_the_reply(server: FakeDiscord, assistant: FakeAssistant) -> None:
    call = await server.slash("analyze", url="https://talks.example/1")
    text = await finished(server, call)
    assert "**1 new**" in text
    assert call.original is not None
    assert call.original.history[0].startswith("Reading the link")
    assert call.original.content == "", "the progress is gone once the report is there"
    assert assistant.ingests[0].url == "https://talks.example/1"


async def test_a_thousand_steps_of_progress_are_few_edits(server: FakeDiscord, assistant: FakeAssistant) -> None:
    steps = [IngestProgress(IngestStep.CAPTIONS, number, 1000) for number in range(1000)]
    assistant.events = [*steps, assistant.events[-1]]
    call = await server.slash("analyze", url="https://talks.example/1")
    await finished(server, call)
    assert call.original is not None
    assert call.original.edits < 10


async def test_status(server: FakeDiscord) -> None:
    text = await finished(server, await server.slash("status"))
    assert "**1 recording, 12 passages**" in text
    assert "✓ embedder" in text


async def test_two_guilds_are_two_tenants(server: FakeDiscord, assistant: FakeAssistant) -> None:
    other = GUILD_ID + 50
    server.guilds[other] = [channel(CHANNEL_ID + 50, "talks")]
    await finished(server, await server.slash("ask", question="A?"))
    await finished(server, await server.slash("ask", question="B?", guild_id=other))
    assert [ask.tenant.tenant for ask in assistant.asks] == [str(GUILD_ID), str(other)]


async def test_many_at_once_each_get_their_own_answer(server: FakeDiscord, assistant: FakeAssistant) -> None:
    assistant.gate.clear()
    calls = {f"Question {number}?": await server.slash("ask", question=f"Question {number}?") for number in range(40)}
    await server.until(lambda: all(call.answered_with for call in calls.values()))
    assistant.gate.set()
    for question, call in calls.items():
        assert (await finished(server, call)).startswith(question)


async def test_a_direct_message_gets_a_polite_refusal(server: FakeDiscord, assistant: FakeAssistant) -> None:
    for call in (
        await server.slash("ask", guild_id=None, question="How hot?"),
        await server.slash("status", guild_id=None),
    ):
        assert (await finished(server, call)).startswith("Sorry, this does not work in direct messages")
    assert assistant.asks == []
    assert assistant.tenants == []


# ---------------------------------------------------------------- time
async def test_a_slow_answer_is_acknowledged_at_once(
    server: FakeDiscord, assistant: FakeAssistant, clock: Clock
) -> None:
    assistant.gate.clear()
    call = await server.slash("ask", question="How hot?")
    await server.until(lambda: call.answered_with)
    assert call.original is not None
    assert call.original.thinking
    clock.now_s += 300
    assistant.gate.set()
    assert "Green tea" in await finished(server, call)


async def test_an_answer_after_fifteen_minutes_goes_to_the_channel(
    server: FakeDiscord, assistant: FakeAssistant, clock: Clock
) -> None:
    assistant.gate.clear()
    call = await server.slash("analyze", url="https://talks.example/1")
    await server.until(lambda: call.answered_with)
    clock.now_s += 901
    assistant.gate.set()
    await server.until(lambda: any(message.embeds for message in server.messages.values()))
    (late,) = [message for message in server.messages.values() if message.embeds]
    assert late is not call.original
    assert late.channel_id == CHANNEL_ID
    assert "**1 new**" in late.text


async def test_an_interaction_that_came_too_late_is_let_go(
    server: FakeDiscord, assistant: FakeAssistant, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await server.gateway.drop()
    call = await server.slash("ask", question="How hot?")
    clock.now_s += 4
    await server.gateway.until(lambda gateway: gateway.resumed == 1)
    await server.until(lambda: any(path.startswith("POST /interactions") for path in server.rest.calls))
    after = await server.slash("status")
    await finished(server, after)
    assert call.answered_with is None
    assert assistant.asks == []
    assert "was not acknowledged in time" in caplog.text


# ---------------------------------------------------------------- long and hostile
async def test_a_long_answer_comes_in_pieces_with_every_link_whole(
    server: FakeDiscord, assistant: FakeAssistant
) -> None:
    assistant.answer = Ok(
        answer_to("Tell me all.", *(claim(f"Claim number {n}. " + "So it is said. " * 8) for n in range(40)))
    )
    call = await server.slash("ask", question="Tell me all.")
    await server.until(lambda: call.done and "345 tokens" in call.messages[-1].text)
    assert len(call.messages) > 2
    assert sum(message.text.count("[12:34](https://talks.example/1#t=754)") for message in call.messages) == 40


HOSTILE = "@everyone <@123456789012345678> [free](https://evil.example) **now** \x1b[31m\u202e https://evil.example"


async def test_hostile_text_neither_pings_nor_links(server: FakeDiscord, assistant: FakeAssistant) -> None:
    recording = Recording("x", "https://talks.example/x", HOSTILE, HOSTILE)
    quote = Quote(HOSTILE, 1.0, "https://talks.example/x#t=1", recording)
    assistant.answer = Ok(answer_to(HOSTILE, claim(HOSTILE, quote)))
    call = await server.slash("ask", question="What?")
    text = await finished(server, call)
    assert "@everyone" not in text
    assert "<@" not in text
    assert "](https://evil" not in text
    assert "https://evil" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "(https://talks.example/x#t=1)" in text


async def test_nothing_may_ping_whatever_the_text(server: FakeDiscord, client: BotClient) -> None:
    room = client.get_channel(CHANNEL_ID)
    assert room is not None
    await room.send("@everyone <@1> <@&2>")  # type: ignore[union-attr]  # a text channel, as the server made it
    (message,) = server.messages.values()
    assert message.allowed_mentions == {"parse": []}
    assert message.pings == ()
