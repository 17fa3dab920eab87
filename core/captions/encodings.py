"""From bytes to text, the same way every time: a byte order mark, then UTF-8, then the legacy encodings.

Legacy encodings are told apart by what each language must contain (Japanese has kana, Korean has Hangul syllables,
Cyrillic text is mostly its ten commonest letters). Windows-1252 stands last and never fails.
"""

import codecs
import re

_SAMPLE = 65_536
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HIGH = re.compile(rb"[\x80-\xff]")
_KANA = re.compile("[\u3041-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_COMMON_HAN = re.compile(
    "[的一是不了在人有我他这這个個们們来來到时時大地为為子中你说說生国國年就会會要以可也能好那都用学學对對下上本]"
)
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]")
_HALF_KANA = re.compile("[\uff61-\uff9f]")
# Codec, what its text must contain, and the least share of the wide characters that this must be.
_WIDE_CODECS = (
    ("cp932", _KANA, 0.15),
    ("euc_jp", _KANA, 0.15),
    ("cp949", _HANGUL, 0.8),
    ("gb18030", _COMMON_HAN, 0.08),
    ("big5", _COMMON_HAN, 0.08),
)
# Codec and its language's commonest letters: more than half of running text.
_NARROW_CODECS = (
    ("cp1251", "оеаинтсрвлкм"),
    ("koi8_r", "оеаинтсрвлкм"),
    ("iso8859_5", "оеаинтсрвлкм"),
    ("cp1253", "αοιετσνηυρπκ"),
    ("cp1255", "יוהלאתמרבשנד"),
    ("cp1256", "ايلمنرتبوهةد"),
    ("cp874", "านรกอเงมยลว่"),
)
_LETTER_RUN = 0.4
_POLISH = re.compile("[¹³](?=[a-z¹³])|(?<=[a-z])¿(?=[a-z])")


def decode(data: bytes) -> tuple[str, str]:
    """The text of `data` without byte order mark, and the name of its encoding. Any bytes decode."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace"), name
    name = _wide_units(data[:_SAMPLE]) or _guess(data)
    return data.decode(name, "replace") if name != "cp1252" else _western(data), name


def _wide_units(sample: bytes) -> str:
    """UTF-16 without its mark: in text with any Latin letters, digits or blanks, every other byte is often zero."""
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if half >= 4 and odd > half * 0.25 and even < odd * 0.1:
        return "utf-16-le"
    return "utf-16-be" if half >= 4 and even > half * 0.25 and odd < even * 0.1 else ""


def _guess(data: bytes) -> str:
    # Before UTF-8: its bytes are all ASCII, switched by escape sequences.
    if (b"\x1b$B" in data or b"\x1b$@" in data) and _decodes(data, "iso2022_jp"):
        return "iso2022_jp"
    if _is_utf8(data):
        return "utf-8"
    sample = _text_sample(data)
    for name, pattern, share in _WIDE_CODECS:
        text = sample.decode(name, "ignore")
        wide = len(_WIDE.findall(text))
        halves = len(_HALF_KANA.findall(text))
        if wide and len(pattern.findall(text)) >= share * wide and halves < wide * 0.2 and _decodes(data, name):
            return name
    return _narrow(sample)


def _is_utf8(data: bytes) -> bool:
    """UTF-8, or nearly so: a file cut inside a character, or with a few broken bytes, is still UTF-8."""
    try:
        uncut = codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").count("\ufffd") * 20 < len(_HIGH.findall(data))
    # A lone byte at the end is the start of nothing, unless whole characters came before it.
    return not uncut.isascii() or data.isascii()


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _text_sample(data: bytes) -> bytes:
    """The first part of the data that has bytes above ASCII; ASCII tells no encoding from another."""
    first = _HIGH.search(data)
    start = data.rfind(b"\n", 0, first.start()) + 1 if first else 0
    return data[start : start + _SAMPLE]


def _narrow(sample: bytes) -> str:
    high = len(_HIGH.findall(sample))
    letters = sum(65 <= byte <= 90 or 97 <= byte <= 122 for byte in sample)
    if high > _LETTER_RUN * (high + letters):
        scores = [
            (sum(sample.decode(name, "replace").lower().count(letter) for letter in common) / high, name)
            for name, common in _NARROW_CODECS
        ]
        # Equal scores go to the codec listed first.
        best, name = max(scores, key=lambda pair: pair[0])
        if best > _LETTER_RUN:
            return name
    # Polish and its neighbours: what would be a sign inside a word is a letter in their code page.
    return "cp1250" if _POLISH.search(sample.decode("cp1252", "replace").lower()) else "cp1252"


def _western(data: bytes) -> str:
    """Windows-1252, with the five bytes that it leaves open read as Latin-1 control characters, as browsers do."""
    text = data.decode("latin-1")
    return text.translate(_CP1252)


_CP1252 = {
    byte: bytes([byte]).decode("cp1252", "replace")
    for byte in range(0x80, 0xA0)
    if byte not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}
