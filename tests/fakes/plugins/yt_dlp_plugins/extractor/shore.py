"""An extractor of yt-dlp for `https://shore.example/WHAT/ARG` that does what a hostile page, or a defect, could."""

import importlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote


def _info(**more: Any) -> Mapping[str, Any]:
    return {"id": "1", "title": "Tides", "formats": [], **more}


def _hang(_: Any, __: str) -> None:
    re.match(r"(a+)+$", "a" * 64 + "b")  # takes longer than anybody lives, and holds Python all the while


def _fill(ie: Any, count: str) -> None:
    ie._parse_json("[" + "[]," * int(count) + "0]", "1")


def _crash(_: Any, name: str) -> None:
    os.kill(os.getpid(), signal.Signals[name])


def _connect(_: Any, port: str) -> None:
    socket.create_connection(("127.0.0.1", int(port)))


def _lookup(_: Any, name: str) -> None:
    socket.getaddrinfo(name, 443)


def _fetch(ie: Any, url: str) -> Mapping[str, Any]:
    return _info(description=ie._download_webpage(url, "1"))


def _start(_: Any, program: str) -> Mapping[str, Any]:
    return _info(description=subprocess.run([program], capture_output=True, text=True, check=True).stdout)


def _script(ie: Any, script: str) -> Mapping[str, Any]:
    deno = ie.get_param("js_runtimes")["deno"]["path"]
    command = [deno, "run", "--no-prompt", "--no-remote", "--no-config", "--cached-only", "-"]
    ran = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    return _info(description=ran.stdout, uploader=ran.stderr, view_count=ran.returncode)


def _environment(_: Any, __: str) -> Mapping[str, Any]:
    return _info(environment=dict(os.environ), process=os.getpid(), cwd=str(Path.cwd()))


def _large(_: Any, count: str) -> Mapping[str, Any]:
    return _info(description="x" * int(count))


def _odd(_: Any, __: str) -> Mapping[str, Any]:
    return _info(description="half \ud800", view_count=10**30, rating=float("inf"))


def _defect(_: Any, __: str) -> None:
    raise ZeroDivisionError("a defect")


def _slow(_: Any, wait_s: str) -> Mapping[str, Any]:
    time.sleep(float(wait_s))
    return _info(process=os.getpid())


def _list(ie: Any, what: str) -> Mapping[str, Any]:
    def entries() -> Iterator[Mapping[str, Any]]:
        for number in range(3):
            yield {"_type": "url", "id": str(number), "url": f"https://shore.example/{number}"}
        if what:
            _DEEDS[what](ie, "10_000_000")

    return ie.playlist_result(entries(), "all", "All talks")  # type: ignore[no-any-return]


_DEEDS: dict[str, Callable[[Any, str], Any]] = {
    "hang": _hang,
    "fill": _fill,
    "crash": _crash,
    "connect": _connect,
    "lookup": _lookup,
    "fetch": _fetch,
    "start": _start,
    "script": _script,
    "environment": _environment,
    "large": _large,
    "odd": _odd,
    "defect": _defect,
    "slow": _slow,
    "list": _list,
}


def _extract(self: Any, url: str) -> Any:
    _, _, _, deed, arg = url.split("/", 4)
    return _DEEDS[deed](self, unquote(arg))


ShoreIE = type(
    "ShoreIE",
    (importlib.import_module("yt_dlp.extractor.common").InfoExtractor,),
    {"_VALID_URL": r"https://shore\.example/[a-z]+/.*", "_real_extract": _extract},
)
