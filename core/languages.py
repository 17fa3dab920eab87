"""Which language a text is in, told cheaply: by its script, and among Latin ones by the commonest words.

It knows some twenty languages and says nothing about any other, nor where two fit about as well: "" means unsure.
"""

import re
from collections import Counter

from core.words import STOPWORDS, words

# Of a text's words so many must be among the language's commonest, and so many times as many as in the next language.
# Speech in these languages has a share of 0.2 to 0.5; another language in the same script stays below 0.15.
_LEAST_SHARE = 0.18
_LEAST_LEAD = 1.3
_LEAST_WORDS = 20
_LEAST_LETTERS = 40
_MAX_CHARS = 20_000
_MOST = 0.5

_COMMON = {
    "en": "the and of to a in that is it you for on this with be are have we i was not they what but so can do",
    "de": "und die der das ist nicht ich sie es ein eine wir zu den mit dass wie auf für auch dann man aber sind",
    "fr": "le la les de des et est un une que vous pour dans ce pas qui on nous il je sur avec du en plus c'est",
    "es": "el la los las de que y en un una es por con para se lo no su como más pero este esta si qué al",
    "pt": "o a os as de que e em um uma é por com para se não do da no na como mais você isso eu mas ele",
    "it": "il la le di che e in un una è per con si non del della sono come più ma questo questa gli lo anche ha",
    "nl": "de het een en van is dat je niet ik op te zijn met voor dit die we aan maar als er ook hebben wat",
    "sv": "och att är för inte jag av till ett så från eller när också då här något mycket hade",
    "pl": "i w nie się to na że z jest do jak co ale tak o jest po tym są czy by już dla tego ja",
    "tr": "ve bir bu için de da ne ile çok daha gibi ama olarak var ben sen biz mi değil o kadar sonra",
    "id": "yang dan di itu ini untuk dengan tidak ada dari ke kita saya akan bisa kalau apa juga karena pada",
}
_COMMON_WORDS = {language: frozenset(listed.split()) for language, listed in _COMMON.items()}
LANGUAGES_BY_WORDS = frozenset(_COMMON)
_WORDS_WITHOUT_SUBJECT = frozenset().union(*_COMMON_WORDS.values(), STOPWORDS)

# A script by its letters, and which of its languages writes letters that the others do not.
_SCRIPTS = {
    "latin": re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]"),
    "kana": re.compile("[\u3040-\u30ff\uff66-\uff9f]"),
    "han": re.compile("[\u3400-\u9fff\uf900-\ufaff]"),
    "hangul": re.compile("[\u1100-\u11ff\uac00-\ud7af]"),
    "cyrillic": re.compile("[\u0400-\u04ff]"),
    "arabic": re.compile("[\u0600-\u06ff]"),
    "devanagari": re.compile("[\u0900-\u097f]"),
    "greek": re.compile("[\u0370-\u03ff]"),
    "hebrew": re.compile("[\u0590-\u05ff]"),
    "thai": re.compile("[\u0e00-\u0e7f]"),
}
_RUSSIAN, _UKRAINIAN = re.compile("[ыэё]"), re.compile("[іїєґ]")
_PERSIAN, _URDU = re.compile("[پچژگ]"), re.compile("[ٹڈڑے]")
_MARKED_SHARE = 0.005
# A Japanese text is a third kana at the least; Chinese has none.
_KANA_SHARE = 0.1


def detected_language(text: str) -> str:
    """The code of the language in which most of `text` is (`en`, `ja`), "" where that is not sure."""
    text = text[:_MAX_CHARS].lower()
    letters = {script: len(pattern.findall(text)) for script, pattern in _SCRIPTS.items()}
    total = sum(letters.values())
    if total < _LEAST_LETTERS:
        return ""
    if letters["kana"] + letters["han"] > _MOST * total:
        return "ja" if letters["kana"] > _KANA_SHARE * (letters["kana"] + letters["han"]) else "zh"
    script = max(letters, key=lambda name: letters[name])
    if letters[script] <= _MOST * total:
        return ""
    match script:
        case "latin":
            return _by_common_words(text)
        case "cyrillic":
            return _by_marks(text, letters[script], ("ru", _RUSSIAN), ("uk", _UKRAINIAN))
        case "arabic":
            return _by_marks(text, letters[script], ("fa", _PERSIAN), ("ur", _URDU), plain="ar")
        case _:
            named = {"hangul": "ko", "greek": "el", "hebrew": "he", "thai": "th"}
            return named.get(script, "")  # Devanagari is written for Hindi, Marathi and Nepali alike


def carries_subject(word: str) -> bool:
    """Whether a lower-case word is none of the commonest, which any talk in its language is full of."""
    return word not in _WORDS_WITHOUT_SUBJECT


def base_of(code: str) -> str:
    """`en` of `en-US`, `zh` of `zh_Hans`."""
    return re.split(r"[-_]", code.strip().lower(), maxsplit=1)[0]


def _by_common_words(text: str) -> str:
    counted = Counter(words(text))
    total = counted.total()
    if total < _LEAST_WORDS:
        return ""
    shares = {language: sum(counted[word] for word in common) / total for language, common in _COMMON_WORDS.items()}
    best, second = sorted(shares, key=lambda language: -shares[language])[:2]
    clear = shares[best] >= _LEAST_SHARE and shares[best] >= _LEAST_LEAD * shares[second]
    return best if clear else ""


def _by_marks(text: str, letters: int, *marked: tuple[str, re.Pattern[str]], plain: str = "") -> str:
    """The one language whose own letters are there; `plain` where none are, and nothing where several are."""
    found = [language for language, pattern in marked if len(pattern.findall(text)) >= _MARKED_SHARE * letters]
    if len(found) > 1:
        return found[-1] if found == ["fa", "ur"] else ""  # Urdu has all of the Persian letters as well
    return found[0] if found else plain
