"""yt-dlp in its processes, with an extractor that does what a hostile page could: `tests/fakes/plugins`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from deployments.http_client import HttpClient
from deployments.ytdlp import YtDlp
from tests.actors.shards import until

PLUGINS = Path(__file__).parents[1] / "fakes" / "plugins"


def link(deed: str, arg: object = "") -> str:
    """A link whose extractor does `deed` with `arg`."""
    return f"https://shore.example/{deed}/{quote(str(arg), safe='')}"


@contextmanager
def shore_is_known() -> Iterator[None]:
    """Processes of yt-dlp that are started meanwhile know the extractor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLUGINS))
        yield


def yt_dlp(http: HttpClient, **options: Any) -> YtDlp:
    """yt-dlp that is given plenty, unless `options` say otherwise."""
    return YtDlp(http, **({"timeout_s": 60.0, "max_page_bytes": 16_000_000, "max_entries": 10} | options))


async def process_of(extractor: YtDlp) -> int:
    """The number of the process that takes the next call, if it is the only one."""
    return int((await extractor.extract(link("environment"))).info["process"])


async def ended(pid: int) -> None:
    """Wait until the process `pid` is gone, or dead and not yet counted out."""
    await until(lambda: _state(pid) in ("", "Z"))


def _state(pid: int) -> str:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return status.rpartition(")")[2].split()[0]


def group(pid: int) -> list[int]:
    """Who is in the group of processes that `pid` leads."""
    members = []
    for place in Path("/proc").glob("[0-9]*"):
        if _state(int(place.name)) not in ("", "Z"):
            fields = (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            members += [int(place.name)] if int(fields[2]) == pid else []
    return members
