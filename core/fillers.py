"""What speech carries besides its words: transcription markers, filled pauses, and words said twice in a row.

Only what nobody would miss goes, and only from what a model is sent. `core.citations` knows the same rules, so a quote
of what was sent is found in what was said, and shown as it was said.
"""

import re
from functools import lru_cache

# {vocalsound}, [Music], ♪. Other words in square brackets stay: editors add what a speaker left out.
_SOUND = (
    r"(?i:music|applause|laugh\w*|chuckl\w*|cheer\w*|sigh\w*|cough\w*|clears throat|inaudible|unintelligible|noise"
    r"|cross ?talk|silence|pause|foreign|beep|blank_audio|translation|technical difficult\w*|__)"
)
_MARKER = rf"\{{[^{{}}]{{0,80}}\}}|\[\s?{_SOUND}[^\[\]]{{0,20}}\]|[♪♫]+"
_TOKEN = re.compile(rf"(?P<marker>{_MARKER})|\w+(?:['’-]\w+)*|[^\w\s]")
# ER and UM are names.
_PAUSE = re.compile(r"[Uu]m+|[Uu]h+m*|[Ee]rm?|[Hh]m+|[Mm]m+|[Mm]hm|[Mm]m+-?[Hh]m+|[Uu]h-?[Hh]uh")
# Said while thinking of what to say: at the beginning of a sentence with a comma after it, or between commas.
_OPENERS = frozenset({("well",), ("okay",), ("ok",), ("so",), ("now",), ("right",), ("i", "mean"), ("you", "know")})
_ASIDES = frozenset({("i", "mean"), ("you", "know"), ("you", "see"), ("sort", "of"), ("kind", "of"), ("like",)})
_LONGEST_REPEAT = 4
_PAUSE_MARKS = frozenset(",.…-")


@lru_cache(maxsize=10_000)
def without_fillers(text: str) -> str:
    """`text` without what carries nothing; "" where no word is left. Its words are a subsequence of the text's."""
    kept: list[str] = []
    position = 0
    for start, end in filler_spans(text):
        kept.append(text[position:start])
        position = end
    left = " ".join("".join([*kept, text[position:]]).split()).lstrip(" ,")
    return left if any(char.isalnum() for char in left) else ""


def filler_spans(text: str) -> tuple[tuple[int, int], ...]:
    """The fillers of `text`: (first character, one after the last), ascending, none touching another's characters."""
    tokens = [_Token(match) for match in _TOKEN.finditer(text)]
    left = _once(_without_asides(_without_pauses(tokens)))
    if len(left) == len(tokens):
        return ()
    starts = {token.start for token in left}
    gone = [token for token in tokens if token.start not in starts]
    return tuple((token.start, token.end) for token in gone)


class _Token:
    __slots__ = ("end", "is_marker", "is_word", "start", "text", "word")

    def __init__(self, match: re.Match[str]) -> None:
        self.start, self.end = match.span()
        self.text = match[0]
        self.is_marker = match["marker"] is not None
        self.is_word = not self.is_marker and self.text[0].isalnum()
        self.word = self.text.lower().replace("’", "'")


def _without_pauses(tokens: list[_Token]) -> list[_Token]:
    """Markers and filled pauses go, with the commas, dots and dashes that follow them; the last full stop stays."""
    left: list[_Token] = []
    after_pause = False
    for number, token in enumerate(tokens):
        if token.is_marker or _PAUSE.fullmatch(token.text):
            after_pause = True
        elif not after_pause or token.text not in _PAUSE_MARKS or (left and number == len(tokens) - 1):
            after_pause = False
            left.append(token)
    return left


def _without_asides(tokens: list[_Token]) -> list[_Token]:
    start = 0
    while (size := _phrase(tokens, start, _OPENERS)) and _is_comma(tokens, start + size):
        start += size + 1
    left = tokens[start:]
    position = 1
    while position < len(left):
        size = _phrase(left, position, _ASIDES) if _is_comma(left, position - 1) else 0
        if size and _is_comma(left, position + size):
            del left[position : position + size + 1]
        else:
            position += 1
    return left


def _phrase(tokens: list[_Token], position: int, phrases: frozenset[tuple[str, ...]]) -> int:
    """How many tokens of one of `phrases` stand at `position`; 0 for none."""
    for size in (2, 1):
        if tuple(token.word for token in tokens[position : position + size]) in phrases:
            return size
    return 0


def _is_comma(tokens: list[_Token], position: int) -> bool:
    return position < len(tokens) and tokens[position].text == ","


def _once(tokens: list[_Token]) -> list[_Token]:
    """Of up to four words said twice in a row, with or without a comma between, the first time goes.

    Numbers and single letters stay: "five five", "double A A".
    """
    left: list[_Token] = []
    for token in tokens:
        # Said twice ends with a word that was said just before; most words were not.
        maybe = any(token.word == before.word for before in left[-_LONGEST_REPEAT - 1 :])
        left.append(token)
        while maybe and (found := _repeat(left)):
            size, first = found
            del left[-size - first : -size]
    return left


def _repeat(said: list[_Token]) -> tuple[int, int] | None:
    """Where `said` ends with the same words twice: how many they are, and how many tokens the first time takes."""
    for size in range(1, min(_LONGEST_REPEAT, len(said) // 2) + 1):
        for comma in (0, 1):
            first = len(said) - 2 * size - comma
            if first < 0 or (comma and said[-size - 1].text != ","):
                continue
            once, again = said[first : first + size], said[-size:]
            if all(_same(*pair) for pair in zip(once, again, strict=True)):
                return size, size + comma
    return None


def _same(one: _Token, other: _Token) -> bool:
    if not one.is_word or one.word != other.word or one.word.isdigit():
        return False
    return len(one.text) > 1 or {one.text, other.text} <= {"I", "i", "a"}
