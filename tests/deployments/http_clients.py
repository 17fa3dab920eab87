"""What the tests of the HTTP API share: the API over fakes in process, and how its errors look."""

from collections.abc import Sequence

import httpx

from core.ports import Vectors
from deployments.http_api import ApiConfig, create_api
from deployments.trimmer import Trimmer
from tests.fakes.assistant import FakeAssistant
from tests.fakes.embedder import FakeEmbedder

KEYS = {"sk-one": "guild-1", "sk-all": "*"}
ASK = {"tenant": "guild-1", "workspace": "guild", "question": "How hot is the water?"}


class CountingEmbedder(FakeEmbedder):
    """A fake with the method that counts tokens: words."""

    async def embed_counted(self, texts: Sequence[str]) -> tuple[Vectors, int]:
        if "break" in texts:
            raise ZeroDivisionError
        return await self.embed(texts), sum(len(text.split()) for text in texts)


def client(assistant: FakeAssistant, **config: object) -> httpx.AsyncClient:
    embedder = CountingEmbedder(8)
    api = create_api(ApiConfig("fake-model", **config), assistant, embedder, Trimmer(embedder))  # type: ignore[arg-type]
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://bot")


def error_of(response: httpx.Response) -> dict[str, str]:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    error: dict[str, str] = body["error"]
    return error
