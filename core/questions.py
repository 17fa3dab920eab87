"""What a question may be."""

import re
import unicodedata

from core.errors import BadInput

# Joiners are letters' business in Persian and Hindi, and hold emoji together.
_JOINERS = frozenset("\u200c\u200d")
_BLANKS = re.compile(r"\s+")


def checked_question(text: str, max_chars: int) -> str:
    """The question with blanks collapsed and control characters removed.

    Raises BadInput where nothing is left, or where it is longer than `max_chars`.
    """
    if len(text) > max_chars:
        problem = f"The question has {len(text):,} characters; at most {max_chars:,} can be read."
        raise BadInput(problem, "Ask it in fewer words.")
    visible = "".join(" " if _is_control(char) else char for char in text)
    question = _BLANKS.sub(" ", visible).strip()
    if not any(char.isalnum() for char in question):
        raise BadInput("The question is empty.", "Ask in words, for example: what do they say about testing?")
    return question


def _is_control(char: str) -> bool:
    # Cc: control; Cf: invisible, also what turns the reading direction; Cs: half a character.
    return unicodedata.category(char) in {"Cc", "Cf", "Cs"} and char not in _JOINERS
