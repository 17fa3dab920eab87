"""Words as the search sees them: tokens, stems, and the words that carry no subject."""

import re
from functools import lru_cache

import snowballstemmer  # type: ignore[import-untyped]  # ships neither stubs nor py.typed

_TOKEN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_STEMMER = snowballstemmer.stemmer("english")

# English function words, and the verbs that questions about talks are made of ("what did they say about …").
_STOPWORDS = """
    a about above after again against all also am an and any anybody anyone anything are aren't as at be because been
    before being below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down
    during each either else ever every everybody everyone everything few for from further get gets getting go going
    gonna got had hadn't has hasn't have haven't having he he's her here here's hers herself him himself his how how's
    i i'd i'll i'm i've if in into is isn't it it'd it'll it's its itself just kind know let let's like lot lots may
    maybe me might mine more most much must mustn't my myself neither no nobody none nor not nothing now of off oh ok
    okay on once one only onto or other our ours ourselves out over own per quite really right same say saying says
    said shall shan't she she's should shouldn't since so some somebody someone something sort still such than that
    that's the their theirs them themselves then there there's these they they'd they'll they're they've thing things
    think this those though through to too toward towards uh um under until up upon us very was wasn't way we we'd
    we'll we're we've well were weren't what what's whatever when when's where where's whether which whichever while
    who who's whoever whom whose why why's will with within without won't would wouldn't yeah yes yet you you'd you'll
    you're you've your yours yourself yourselves
    according answer discuss discussed discussion discussing describe described explain explained mean means mention
    mentioned opinion question speaker summarize summarise summary talk talked talking talks tell thought thoughts
    video videos
"""
STOPWORDS = frozenset(_STOPWORDS.split())


def count_tokens(text: str) -> int:
    """How many tokens `text` has: words and punctuation marks, each one token.

    A word piece model counts about 1.1 to 1.3 pieces for each of these in English speech.
    """
    return sum(1 for _ in _TOKEN.finditer(text))


def words(text: str) -> list[str]:
    """The words of `text` in order, lower case, with one form of apostrophe."""
    return [word.lower().replace("’", "'") for word in words_as_written(text)]


def words_as_written(text: str) -> list[str]:
    """The words of `text` in order."""
    return _WORD.findall(text)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The Snowball English stem of a lower-case word, without a possessive ending."""
    return str(_STEMMER.stemWord(word.removesuffix("'s").replace("'", "")))


def content_stems(text: str) -> list[str]:
    """The stems of the words in `text` that carry a subject, in order, repeats kept."""
    return [stem(word) for word in words(text) if word not in STOPWORDS]


def whole_characters(text: str) -> str:
    """`text` with a question mark for each half character (a lone surrogate), which no file and no message takes."""
    return text.encode("utf-8", "replace").decode()
