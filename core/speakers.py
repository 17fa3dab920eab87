"""Who says what, where captions write it into the text: `Crockford: So I said …`, `>> man: Does it work?`."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from core.messages import Cue
from core.words import STOPWORDS

# So many labels, and so many different ones, and captions are taken to name their speakers throughout. With fewer,
# the words after a label could be anybody's.
MIN_LABELS = 3
MIN_SPEAKERS = 2

_UNNAMED = {"man": "A man", "woman": "A woman", "audience": "Somebody in the audience", "all": "Everybody"}
_LABEL = re.compile(
    r"(?:>>+ ?|- )?"
    r"(?P<label>[A-Z][\w.'’-]{0,30}(?: [A-Z][\w.'’-]{0,30}){0,3}|(?i:man|woman|audience|all)):\s+(?=\S)"
)
_DASH = re.compile(r"-+ (?=\S)")
# Words that stand before a colon in speech without being anybody.
_NOBODY = frozenset(
    [
        "a",
        "answer",
        "chapter",
        "conclusion",
        "disclaimer",
        "example",
        "fact",
        "hint",
        "important",
        "lesson",
        "note",
        "part",
        "point",
        "problem",
        "q",
        "question",
        "quote",
        "reminder",
        "rule",
        "solution",
        "spoiler",
        "step",
        "summary",
        "tip",
        "warning",
    ]
)
_SEVERAL = re.compile(r"\band\b|[,;&]")


def with_speakers(cues: Sequence[Cue], presenter: str = "") -> list[Cue]:
    """The cues with the speakers that their labels name, and without the labels and the dashes that stand for one.

    A label holds until the next. A surname that is part of `presenter` (who the recording names) becomes that name,
    unless `presenter` names several people. Cues whose speaker is known from markup are left as they are.
    """
    if any(cue.speaker for cue in cues):
        return list(cues)
    return list(_labelled(cues, _names(cues, presenter), presenter))


def _names(cues: Sequence[Cue], presenter: str) -> frozenset[str]:
    """The labels of these captions; none where they are too few to mean it."""
    labels = (match["label"] for cue in cues if (match := _LABEL.match(cue.text)))
    found = Counter(filter(_may_be_a_name, labels))
    known = {
        label: count
        for label, count in found.items()
        if count > 1 or label.lower() in _UNNAMED or _is_part_of(label, presenter)
    }
    enough = sum(known.values()) >= MIN_LABELS and len(known) >= MIN_SPEAKERS
    return frozenset(known) if enough else frozenset()


def _may_be_a_name(label: str) -> bool:
    first = label.split()[0].lower()
    return label.lower() in _UNNAMED or not (first in _NOBODY or first in STOPWORDS)


def _labelled(cues: Sequence[Cue], names: frozenset[str], presenter: str) -> Iterator[Cue]:
    speaker = ""
    for cue in cues:
        match = _LABEL.match(cue.text)
        if match and match["label"] in names:
            speaker = _full_name(match["label"], presenter)
            yield replace(cue, text=cue.text[match.end() :], speaker=speaker)
        else:
            yield replace(
                cue, text=_DASH.sub("", cue.text, count=1) if _DASH.match(cue.text) else cue.text, speaker=speaker
            )


def _full_name(label: str, presenter: str) -> str:
    if label.lower() in _UNNAMED:
        return _UNNAMED[label.lower()]
    return presenter if _is_part_of(label, presenter) and not _SEVERAL.search(presenter) else label


def _is_part_of(label: str, presenter: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(label)}(?!\w)", presenter, re.IGNORECASE) is not None
