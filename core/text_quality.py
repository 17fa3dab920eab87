"""Measures of a text that tell speech from noise and from spam. Shares are 0 to 1.

Both measures of noise look at stretches of fixed length: the share of different words falls with the length of any
text (Heaps' law), so that over a whole talk of two hours it would be as low as that of a broken record.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# Scripts without blanks: a character is half a word (as in core.sentences).
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+(?:['’][^\W{_UNSPACED}]+)*")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_SOUND = re.compile(r"\[[^\[\]]{1,80}\]")
_NOT_SAID = re.compile(rf"{_SOUND.pattern}|[♪♫][^♪♫]{{0,400}}[♪♫]?")
# Of a recording of 12 hours this is the first hour and a half; what is noise until then is noise.
_MAX_TOKENS = 20_000
_WINDOW_WORDS = 100
# So many words in a row that were said in the same order within the last `_WINDOW_WORDS` are a repetition.
_REPEATED_WORDS = 5

# ---- spam: a sponsored video's description may be full of links, calls, promises and capitals. Spam has all of these
# and says them over again; to leave out somebody's video is worse than to bring in an advertisement.
_MOST_OF_A_SIGN = 0.43
_LEAST_WORDS = 30
_MAX_SPAM_CHARS = 100_000
_LINK = re.compile(r"https?://|www\.|\b(?:t\.me|wa\.me|bit\.ly)/|\b[\w-]{1,40} dot (?:com|net|org)\b", re.IGNORECASE)
_CALL = re.compile(
    r"\b(?:subscribe|smash (?:that|the)|hit (?:that|the) (?:like|bell)|click (?:here|now|the link|below)"
    r"|sign up|join now|link (?:in|is in) (?:the |my )?(?:bio|description)"
    r"|(?:message|text|dm|contact|follow|add) (?:me|us)|buy now|order now|act now|register (?:now|today)"
    r"|download now|check (?:it )?out (?:my|our)|share this)\b",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\b(?:giveaway|guaranteed|100 ?%|risk[- ]free|free (?:money|gift|crypto|bitcoin|coins|bonus|spins|robux|v-?bucks)"
    r"|(?:make|earn|win) \$?\d[\d,.]*k?(?: dollars)?|get rich|passive income|double your|instant(?:ly)? (?:cash|payout)"
    r"|bonus code|promo ?code|limited (?:time|offer)|no (?:risk|experience needed)|whats ?app|telegram|airdrop"
    r"|casino)\b",
    re.IGNORECASE,
)
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")


@dataclass(frozen=True, slots=True)
class SpamSigns:
    """What a text has of each sign of spam, 0 (nothing) to 1 (as much as counts)."""

    links: float
    calls: float
    promises: float
    shouting: float
    repetition: float

    @property
    def score(self) -> float:
        """0 to 0.94. Each sign takes at most 43 % of what is left to 1, so that only all five together pass 0.9."""
        clean = 1.0
        for sign in (self.links, self.calls, self.promises, self.shouting, self.repetition):
            clean *= 1 - _MOST_OF_A_SIGN * sign
        return 1 - clean


def tokens(text: str) -> list[str]:
    """The words said in `text`, in small letters; in scripts without blanks, its characters.

    Sounds such as `[Music]` are no words, and what is sung between note signs is left out: a refrain repeats by design.
    """
    return [token.lower() for token in _TOKEN.findall(_NOT_SAID.sub(" ", text))]


def without_sounds(text: str) -> str:
    """`text` without sounds such as `[Music]`, with single blanks."""
    return " ".join(_SOUND.sub(" ", text).split())


def unique_word_share(said: Sequence[str]) -> float:
    """The share of different words in a stretch of 100, on the mean over all such stretches (the moving-average
    type-token ratio of Covington & McFall, "Cutting the Gordian Knot", 2010; here of stretches side by side).

    `said` are `tokens`. Speech has 0.5 to 0.8; the same two words over and over 0.02. 1 where nothing is said.
    """
    said = said[:_MAX_TOKENS]
    size = _WINDOW_WORDS * tokens_a_word(said)
    stretches = [said[start : start + size] for start in range(0, len(said), size)]
    if len(stretches) > 1 and len(stretches[-1]) < size:
        stretches.pop()  # a short one has a high share by its length alone
    return sum(len(set(stretch)) / len(stretch) for stretch in stretches) / len(stretches) if stretches else 1.0


def repetition_share(said: Sequence[str]) -> float:
    """The share of words that repeat: they are part of five in a row that were said within the hundred words before.

    `said` are `tokens`. Speech has 0 to 0.1, a recognizer that is caught in a loop nearly 1.
    """
    said = said[:_MAX_TOKENS]
    scale = tokens_a_word(said)
    length, near = _REPEATED_WORDS * scale, _WINDOW_WORDS * scale
    last: dict[tuple[str, ...], int] = {}
    repeated, counted_to = 0, 0
    for start in range(len(said) - length + 1):
        run = tuple(said[start : start + length])
        if run in last and start - last[run] <= near:
            repeated += start + length - max(start, counted_to)
            counted_to = start + length
        last[run] = start
    return repeated / len(said) if said else 0.0


def spam_signs(text: str) -> SpamSigns:
    """The signs of spam in a title, description or transcript. Each counts in relation to the number of words."""
    text = _NOT_SAID.sub(" ", text[:_MAX_SPAM_CHARS])
    said = tokens(text)
    per_hundred = 100 / max(len(said) / tokens_a_word(said), _LEAST_WORDS)
    capitals = sum(len(word) > 3 and word.isupper() for word in text.split())
    shouts = len(_EMOJI.findall(text)) + text.count("!") + capitals
    calls = Counter(match.group().lower() for match in _CALL.finditer(text))
    return SpamSigns(
        links=min(1.0, len(_LINK.findall(text)) * per_hundred / 4),
        calls=min(1.0, calls.total() * per_hundred / 4),
        promises=min(1.0, len(_PROMISE.findall(text)) * per_hundred / 4),
        shouting=min(1.0, shouts * per_hundred / 15),
        repetition=min(1.0, repetition_share(said) / 0.4),
    )


def tokens_a_word(said: Sequence[str]) -> int:
    """2 where most of `said` are characters of scripts without blanks, of which two count as a word; else 1."""
    unspaced = sum(1 for token in said if _IS_UNSPACED.fullmatch(token))
    return 2 if unspaced > len(said) / 2 else 1
