"""A channel of many distinct talks: pieces of the sample channel's real captions, each on a page of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from core.captions import parse
from core.messages import Cue
from demo.site import CHANNEL


@dataclass(frozen=True, slots=True)
class Talk:
    """A piece of a talk; its cues begin at 0 s."""

    name: str
    cues: tuple[Cue, ...]

    @property
    def length_s(self) -> float:
        return self.cues[-1].end_s


def pieces(count: int, length_s: float, shift: int = 0) -> list[Talk]:
    """`count` talks of about `length_s` seconds. Each `shift` (in cues) cuts elsewhere, so that no talk comes twice.

    Where all captions do not hold so many, they are cut once more, some cues later.
    """
    talks: list[Talk] = []
    while len(talks) < count:
        found = list(_cut(length_s, shift))
        talks += found[: count - len(talks)]
        shift += 3
    return talks


def _cut(length_s: float, shift: int) -> Iterator[Talk]:
    for file in sorted(CHANNEL.glob("talks/*.vtt")):
        cues = parse(file.read_bytes()).cues[shift:]
        while cues:
            end = next((at for at, cue in enumerate(cues) if cue.end_s - cues[0].start_s > length_s), len(cues)) or 1
            piece, cues = cues[:end], cues[end:]
            start_s = piece[0].start_s
            if piece[-1].end_s - start_s > length_s / 2:
                moved = tuple(Cue(cue.start_s - start_s, cue.end_s - start_s, cue.text) for cue in piece)
                yield Talk(f"{file.stem}-{shift}-{start_s:.0f}", moved)


def write_site(folder: Path, talks: Sequence[Talk], feed: str = "feed.xml") -> None:
    """Write a page with captions for each of `talks` into `folder`, and a feed that names them."""
    for talk in talks:
        (folder / f"{talk.name}.vtt").write_text(_vtt(talk.cues))
        (folder / f"{talk.name}.html").write_text(_page(talk.name))
    entries = "".join(
        f"<entry><id>tag:bench.invalid,2026:{talk.name}</id><title>{talk.name}</title>"
        f'<link rel="alternate" type="text/html" href="{talk.name}.html"/>'
        "<updated>2026-11-22T00:00:00Z</updated></entry>"
        for talk in talks
    )
    atom = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Many talks</title>{entries}</feed>'
    (folder / feed).write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{atom}')


def _page(name: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title></head><body>'
        f'<video preload="none"><track kind="captions" src="{name}.vtt" srclang="en"></video></body></html>'
    )


def _vtt(cues: Sequence[Cue]) -> str:
    blocks = (f"{_time(cue.start_s)} --> {_time(cue.end_s)}\n{escape(cue.text, quote=False)}\n" for cue in cues)
    return "WEBVTT\n\n" + "\n".join(blocks)


def _time(seconds: float) -> str:
    minutes, rest_s = divmod(seconds, 60)
    return f"{int(minutes // 60):02}:{int(minutes % 60):02}:{rest_s:06.3f}"
