"""Personal data in texts, and its masking: `Write to <EMAIL_ADDRESS>.`

What is personal is found by its form: e-mail addresses, telephone, card and account numbers, addresses of machines.
Names are left as they are, in texts and as speakers: who says what is what the archive is for. An address that
is spelt out ("john at example dot com"), or a number whose parts stand in several sentences, has no form to find.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol, TypeAlias

from core.following import Chapter
from core.messages import Recording, Sentence

PHONE, IP_ADDRESS = "PHONE_NUMBER", "IP_ADDRESS"
# A pattern that goes back and forth takes the square of this, so a longer text is searched in pieces.
_PIECE_CHARS = 1_000
# Of the newer addresses those in use (RFC 4291, 2.4); others look like `a::b` of a programming language.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# In some country every number of four digits is a telephone's.
_PHONE_DIGITS = 7
# Wider than any pattern: an @, seven digits with a few signs between them, an address of a machine, a long code.
_MAY_HOLD = re.compile(
    r"@|::|\d(?:[\Wx]{0,4}\d){6}|(?:\d{1,3}\.){3}\d|(?:[0-9A-Fa-f]{1,4}:){2}|\w{20}|[A-Za-z]{2}\d\d[ -]?\w{4}"
)


@dataclass(frozen=True, slots=True)
class Found:
    """Characters `start` to `end` of a text, and what they are: `EMAIL_ADDRESS`."""

    start: int
    end: int
    kind: str


Find: TypeAlias = Callable[[str], Sequence[Found]]
"""Finds personal data in one text; what it finds may overlap."""


class PersonalData(Protocol):
    """Takes personal data out of texts."""

    async def masked(self, texts: Sequence[str]) -> list[str]:
        """`texts` in their order, with personal data replaced by its kind; what holds none is as it was."""
        ...


async def without_personal_data(
    filtered: PersonalData, recording: Recording, sentences: Sequence[Sentence], chapters: Sequence[Chapter] = ()
) -> tuple[Recording, tuple[Sentence, ...], tuple[Chapter, ...]]:
    """What is stored of a recording, masked: its title, its sentences with their times, and its chapters' titles."""
    texts = [recording.title, *(chapter.title for chapter in chapters), *(sentence.text for sentence in sentences)]
    title, *rest = await filtered.masked(texts)
    headings, said = rest[: len(chapters)], rest[len(chapters) :]
    return (
        replace(recording, title=title),
        tuple(replace(sentence, text=text) for sentence, text in zip(sentences, said, strict=True)),
        tuple(replace(chapter, title=heading) for chapter, heading in zip(chapters, headings, strict=True)),
    )


def mask(text: str, find: Find) -> str:
    """`text` with what `find` finds replaced by its kind. Masking the result again changes nothing.

    What is left after one round can be found in the next: half of a long run of digits, for one.
    """
    while _MAY_HOLD.search(text):
        masked = "".join(_masked_once(piece, find) for piece in _pieces(text))
        if masked == text:
            break
        text = masked
    return text


def _masked_once(text: str, find: Find) -> str:
    if not _MAY_HOLD.search(text):
        return text
    parts: list[str] = []
    position = 0
    personal = (found for found in find(text) if _is_personal(text, found))
    # Of two that overlap the one that begins first, and of those the longer one; the rest of the other is masked too.
    for found in sorted(personal, key=lambda found: (found.start, -found.end)):
        if found.start >= position:
            parts += [text[position : found.start], f"<{found.kind}>"]
        position = max(position, found.end)
    return "".join([*parts, text[position:]])


def _is_personal(text: str, found: Found) -> bool:
    """Not what only looks like it: a year, the digits of pi, somebody who counts, an address that is everybody's."""
    said = text[found.start : found.end]
    if found.kind == PHONE:
        if sum(char.isdigit() for char in said) < _PHONE_DIGITS:
            return False
        numbers = [int(digits) for digits in re.findall(r"\d+", said)]
        counts = len(numbers) > 2 and all(after == before + 1 for before, after in pairwise(numbers))
        return not counts and re.search(r"\d[.,]\Z", text[: found.start]) is None
    if found.kind == IP_ADDRESS:
        try:
            address = ipaddress.ip_interface(said).ip
            return address.is_global and (address.version == 4 or address in _GLOBAL_UNICAST)
        except ValueError:
            return True
    return bool(said.strip())


def _pieces(text: str) -> Iterator[str]:
    """`text` in pieces of at most `_PIECE_CHARS`, cut at blanks where there are any."""
    start = 0
    while start < len(text):
        end = start + _PIECE_CHARS
        if end < len(text):
            blank = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
            end = blank if blank > start else end
        yield text[start:end]
        start = end
