"""The scripted provider speaks OpenAI's protocol, as the openai client itself sees it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.fakes.openai import CutOff, Drips, FakeOpenAI, Garbage, Hangs, Says, Status

ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


@asynccontextmanager
async def client_of(server: FakeOpenAI) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=server.url, api_key="sk-made-up", max_retries=0, timeout=0.5) as client:
        yield client


async def test_the_client_reads_the_text_and_the_usage() -> None:
    async with FakeOpenAI([Says("two words", 7, 3)]) as server, client_of(server) as client:
        reply = await client.chat.completions.create(model="m", messages=ASKED)
    assert reply.choices[0].message.content == "two words"
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (7, 3, 10)
    assert (server.asked[0].model, server.asked[0].body["messages"]) == ("m", ASKED)


async def test_the_client_reads_a_stream() -> None:
    async with FakeOpenAI([Says("one two three")]) as server, client_of(server) as client:
        chunks = [chunk async for chunk in await client.chat.completions.create(model="m", messages=ASKED, stream=True)]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "one two three"
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_replies_come_in_order_and_the_last_is_repeated() -> None:
    async with FakeOpenAI([Says("a"), Says("b")]) as server, client_of(server) as client:
        seen = [(await client.chat.completions.create(model="m", messages=ASKED)).choices[0] for _ in range(3)]
        server.script(Says("c"))
        seen.append((await client.chat.completions.create(model="m", messages=ASKED)).choices[0])
    assert [choice.message.content for choice in seen] == ["a", "b", "b", "c"]


async def test_a_limit_carries_its_retry_after() -> None:
    async with FakeOpenAI([Status(429, retry_after="7")]) as server, client_of(server) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model="m", messages=ASKED)
    assert caught.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Status(500), openai.InternalServerError),
        (Status(401), openai.AuthenticationError),
        (Hangs(), openai.APITimeoutError),
        (CutOff(), openai.APIConnectionError),
        (Garbage("{", "application/json"), ValueError),
    ],
)
async def test_each_failure_is_the_one_that_the_client_knows(
    reply: Status | Hangs | CutOff | Garbage, error: type[Exception]
) -> None:
    async with FakeOpenAI([reply]) as server, client_of(server) as client:
        with pytest.raises(error):
            await client.chat.completions.create(model="m", messages=ASKED)


async def test_dripping_is_slower_than_any_single_read() -> None:
    async with (
        FakeOpenAI([Drips()]) as server,
        client_of(server) as client,
        client.chat.completions.with_streaming_response.create(model="m", messages=ASKED) as reply,
    ):
        seen = 0
        async for piece in reply.iter_bytes(chunk_size=1):
            assert piece == b" "
            seen += 1
            if seen == 5:
                break
    assert seen == 5
