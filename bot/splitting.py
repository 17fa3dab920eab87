"""Long markdown in pieces that each fit a message, cut where a reader would: paragraph, line, sentence, word."""

import re

# Weakest last. Each match's end is a place to cut.
_BOUNDARIES = (re.compile(r"\n\n+"), re.compile(r"\n"), re.compile(r"[.!?…][\"”’)]*\s+"), re.compile(r"\s+"))
# Never cut inside: a link, a bare address, a run in italics or bold, an escaped character.
_WHOLE = re.compile(r"\[(?:\\.|[^\]\\\n])*\]\([^()\s]*\)|https?://\S+|(?<![\\*])(\*{1,2})(?=\S)(?:\\.|[^*\\\n])+\1|\\.")
_FENCE = re.compile(r"^(?:> )?```(.*)$", re.MULTILINE)
_CLOSE = "\n```"
_MIN_LIMIT = 100
_LONGEST_HEADER = 20


def split_markdown(text: str, limit: int) -> list[str]:
    """`text` in pieces of at most `limit` characters (>= 100), in order; no words are lost.

    A code fence or a quote line that goes on in the next piece is closed and opened again. Something that must stay
    whole (a link) is cut only where it is longer than a piece by itself.
    """
    if limit < _MIN_LIMIT:
        raise ValueError(f"A limit of {limit} is too small to split for; at least {_MIN_LIMIT}.")
    pieces: list[str] = []
    carry, rest = "", text.strip()
    while len(carry) + len(rest) > limit:
        body = carry + rest[: 2 * limit]
        cut = _cut(body, limit - len(_CLOSE), len(carry))
        head = body[:cut].rstrip()
        fence, in_line = _open_fence(head), body[cut - 1] != "\n"
        rest = rest[cut - len(carry) :]
        rest = rest.strip("\n") if fence else rest.strip()
        carry = ""
        if fence:
            head, carry = head + _CLOSE, fence + "\n"
        elif in_line and head[head.rfind("\n") + 1 :].startswith("> "):
            carry = "> "
        pieces.append(head)
    if rest:
        pieces.append(carry + rest)
    return pieces


def _cut(body: str, room: int, floor: int) -> int:
    """Where to cut `body`: after `floor`, at most at `room`."""
    whole = [(match.start(), match.end()) for match in _WHOLE.finditer(body)]

    def allowed(place: int) -> bool:
        return floor < place <= room and not any(start < place < end for start, end in whole)

    for boundary in _BOUNDARIES:
        places = [match.end() for match in boundary.finditer(body, 0, room) if allowed(match.end())]
        # A cut in the first third would make many short pieces: take a weaker boundary instead.
        if places and places[-1] - floor > (room - floor) // 3:
            return places[-1]
    starts = [start for start, end in whole if floor < start <= room < end]
    return starts[0] if starts else room


def _open_fence(text: str) -> str:
    """The line that opens the code fence that `text` ends in, or ""."""
    fences = list(_FENCE.finditer(text))
    if len(fences) % 2 == 0:
        return ""
    opening = fences[-1][0]
    return opening if len(opening) <= _LONGEST_HEADER else "```"
