"""A model that answers at once, behind OpenAI's protocol on this machine: what is left of an answer's time is ours."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ARMS = ("first", "second")
_WORDS_QUOTED = 12


@contextmanager
def local_models(folder: Path) -> Iterator[Path]:
    """A file of models with two arms that quote the beginning of the first source; the server runs while entered."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        file = folder / "models.yaml"
        file.write_text("arms:\n" + "".join(_arm(name, server.server_port) for name in ARMS))
        yield file
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _arm(name: str, port: int) -> str:
    prices = "    input_usd_per_million: 0\n    output_usd_per_million: 0\n"
    return f"  - name: {name}\n    model: openai/{name}\n    api_base: http://127.0.0.1:{port}/v1\n{prices}"


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the name that http.server calls
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(_answer(json.loads(asked["messages"][-1]["content"]))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's interface
        """Nothing: the requests are a benchmark's."""


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    source = asked["sources"][0]
    quote = " ".join(" ".join(source["sentences"]).split()[:_WORDS_QUOTED])
    claims = [{"text": "They say so.", "quotes": [{"source": source["source"], "quote": quote}]}]
    message = {"role": "assistant", "content": json.dumps({"claims": claims})}
    usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "local", "choices": choices, "usage": usage}
