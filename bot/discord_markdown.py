"""Lines as Discord markdown, with other people's words escaped: they can't ping, link or pose as the bot.

Discord's own rules: backslash escapes (support.discord.com, "Markdown Text 101"), mentions `<@1>`, `<#1>`, `<:name:1>`,
`</name:1>`, `<t:1>`, `@everyone`, `@here` (discord.com/developers/docs/reference, "Message Formatting").
"""

import re
from urllib.parse import quote, urlsplit

from bot.page import Line, Span, Style
from bot.plain_text import one_line

_ZERO_WIDTH = "\u200b"
_MARKUP = re.compile(r"([\\`*_~|\[\]])")
_AT_START = re.compile(r"^(\d*)([#>+.-])")  # headings, quotes and lists are markup at a line's start alone
_MENTION = re.compile(r"([@<])(?=\S)")
_ADDRESS = re.compile(r"(?i)(https?:|discord:|steam:)(?=//)|(discord(?:app)?)(?=\.(?:gg|com))")


def escape(text: str) -> str:
    """`text` on one line such that Discord shows it as it is: no markdown, no mention, no link, no invite."""
    escaped = _AT_START.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", one_line(text)))
    return _ADDRESS.sub(lambda match: match[0] + _ZERO_WIDTH, _MENTION.sub(rf"\1{_ZERO_WIDTH}", escaped))


def without_pings(text: str) -> str:
    """For places that show no markdown (footers): one line, and mentions taken apart."""
    return _MENTION.sub(rf"\1{_ZERO_WIDTH}", one_line(text))


def web_address(url: str) -> str:
    """The address, safe to stand in `[label](address)`; "" for anything that is not http or https."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    return quote(one_line(url), safe="%/:=&?~#+!$,;'@*-._[]")


def markdown(line: Line) -> str:
    """One line as markdown; a quoted one stands behind `> `."""
    return ("> " if line.quoted else "") + "".join(_span(span) for span in line.spans)


def _span(span: Span) -> str:
    lead, text, tail = _edges(span.text)
    shown = escape(text)
    if not shown:
        return lead or tail
    if span.style is Style.BOLD:
        shown = f"**{shown}**"
    elif span.style is Style.ITALIC:
        shown = f"*{shown}*"
    address = web_address(span.url)
    return f"{lead}[{shown}]({address}){tail}" if address else f"{lead}{shown}{tail}"


def _edges(text: str) -> tuple[str, str, str]:
    """The space before, the text, the space after: one_line would drop the spaces between spans."""
    return " " if text[:1].isspace() else "", text, " " if len(text) > 1 and text[-1:].isspace() else ""
