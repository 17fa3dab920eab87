"""A model that answers at once, behind OpenAI's protocol on this machine: what is left of an answer's time is ours."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

ARMS = ("first", "second")
_QUOTES = 12


@asynccontextmanager
async def local_models(folder: Path) -> AsyncIterator[Path]:
    """A file of models with two arms that quote the beginning of the first source; the server runs while entered."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", _answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        file = folder / "models.yaml"
        file.write_text("arms:\n" + "".join(_arm(name, port) for name in ARMS))
        yield file
    finally:
        await runner.cleanup()


def _arm(name: str, port: int) -> str:
    prices = "    input_usd_per_million: 0\n    output_usd_per_million: 0\n"
    return f"  - name: {name}\n    model: openai/{name}\n    api_base: http://127.0.0.1:{port}/v1\n{prices}"


async def _answer(request: web.Request) -> web.Response:
    asked = json.loads((await request.json())["messages"][-1]["content"])
    source = asked["sources"][0]
    quote = " ".join(" ".join(source["sentences"]).split()[:_QUOTES])
    claims = [{"text": "They say so.", "quotes": [{"source": source["source"], "quote": quote}]}]
    message = {"role": "assistant", "content": json.dumps({"claims": claims})}
    usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return web.json_response(
        {"id": "1", "object": "chat.completion", "created": 0, "model": "local", "choices": [choice], "usage": usage}
    )
