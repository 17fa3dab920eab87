"""The log: one line a record on stderr, with no secrets and no control characters in it."""

import logging
import re
import sys
from collections.abc import Collection
from typing import TextIO

REDACTED = "[redacted]"
LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
SHORTEST_SECRET = 4
# What secrets look like, whoever issued them; a first group is what stands before the secret, and stays.
TOKENS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i)(\bbearer\s+)[\w.~+/=-]{8,}",
        r"(?i)((?:token|api_?key|secret|password)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;)}\]]{6,}",
        r"(://[^/\s:@]{0,200}:)[^/\s@]{1,500}(?=@)",
        r"()\b(?:sk|pk|lsv2|gh[opsu]|xox[abp]|hf)[-_][\w-]{8,}",
        r"()\bAIza[\w-]{20,}",
        r"()\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}",  # Discord
        r"()\beyJ[\w-]{8,2000}\.[\w-]{8,2000}\.[\w-]{8,}",  # JSON web token
    )
)


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """`text` without any of `secrets` and without anything that looks like a token or password."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, REDACTED)
    for pattern in TOKENS:
        text = pattern.sub(rf"\g<1>{REDACTED}", text)
    return text


def one_line(text: str) -> str:
    """`text` with line breaks and every other character that does not print written as an escape, such as `\\n`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)


class OneLine(logging.Formatter):
    """Writes a record, with its traceback if it has one, as one line that nobody can forge a second line with."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        super().__init__(LINE)
        self._secrets = frozenset(secrets)

    def format(self, record: logging.LogRecord) -> str:
        return one_line(redact(super().format(record), self._secrets))


def configure(level: str = "WARNING", secrets: Collection[str] = (), stream: TextIO | None = None) -> None:
    """Send every logger's records of `level` and above to `stream` (stderr), without `secrets`. May be called again."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(OneLine(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
