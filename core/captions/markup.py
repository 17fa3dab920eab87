"""Markup inside a cue: tags, style codes, character references, and the voices that tags name.

What looks like a tag is one whether it is known or not. A `<` that starts none, or that is never closed, is text: words
are never lost for want of a `>`.
"""

import html
import re

# No pattern here can run over the next opening bracket, so each is linear in the length of the text.
_TAG = re.compile(r"<(?:/?[A-Za-z][^<>]*|/?|\d[\d:.]*[ \t]*|\.[^<>]*)>")
_STYLE_CODE = re.compile(r"\{\\[^{}]*\}")
_VOICE = re.compile(r"<v(?:\.[^<>\s]*)?[ \t\n]([^<>]*)>")
_WORD_TIME = re.compile(r"<\d+:[\d:.]+[ \t]*>")
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """`text` without control characters, blanks collapsed to one space."""
    text = _LONE_SURROGATE.sub("\ufffd", _UNPRINTABLE.sub(" ", text))
    return " ".join(text.split())


def unescape(text: str) -> str:
    """Character references decoded, once. One without its semicolon stays: `R&B` is no reference."""
    return _REFERENCE.sub(lambda match: html.unescape(match[0]), text) if "&" in text else text


def clean(text: str) -> str:
    """The words of a cue: tags and style codes removed, character references decoded, blanks collapsed."""
    if "<" in text:
        text = _TAG.sub("", text)
    if "{" in text:
        text = _STYLE_CODE.sub("", text)
    return plain(unescape(text))


def voice(text: str) -> str:
    """Who speaks a cue by its `<v Name>` tags; empty where they name nobody, or more than one."""
    names = {clean(name) for name in _VOICE.findall(text)} if "<v" in text else set()
    return names.pop() if len(names) == 1 else ""


def has_word_times(line: str) -> bool:
    """Whether a line carries times of single words, as `<00:00:01.500>`."""
    return "<" in line and _WORD_TIME.search(line) is not None
