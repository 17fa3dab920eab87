"""`python -m actors.inspect KIND KEY`: what an entity was at a moment, what happened to it, and why.

    python -m actors.inspect BudgetLedger 1234                                 now, the last entries, why the last one
    python -m actors.inspect BudgetLedger 1234 --at 2026-01-15T12:03           as of a time; without a zone it is UTC
    python -m actors.inspect BudgetLedger 1234 --at 17 --diff                  what entry 17 changed
    python -m actors.inspect BudgetLedger 1234 --since 2026-01-15 --at 1768478400.5
    python -m actors.inspect RateLimiter tenant:1234 --at 2026-01-15T12:03 --ask '{"type":"Take","limits":{},"cost":5}'
    python -m actors.inspect BudgetLedger 1234 --verify

A moment is an entry's number (1 to 9 digits), or a time: ISO 8601, or unix seconds (10 digits or more, or with a dot).
A refusal changed nothing and so is not in the journal: --ask decides its command again, as of the moment (with an
entry's number: just after that entry, at its time), and writes nothing. The journal is only read, also while the bot
runs. Exit code: 0; 1 where --verify finds a difference; 2 where something cannot be told, with the reason on stderr.
"""

import argparse
import io
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any, NoReturn

from actors.runtime_journal import SqlJournal
from actors.runtime_walk import entity_kinds
from core.entities import EntityKind, checked_key
from core.errors import BadInput, BotError
from core.flat_paths import printable
from core.inspection import Inspection, as_json, ask, verified_document, verified_lines
from core.journal import Journal
from core.moments import parse_moment
from core.streams import stream_of
from core.time_travel import Past

DIFFERENT = 1
REFUSED = 2
_PROGRAM = "python -m actors.inspect"
_LISTED = 20
_NEAR = 5


def main(argv: Sequence[str]) -> int:
    """Print what is asked for; returns the exit code."""
    try:
        code, lines = _answer(_options(argv), time.time())
    except BotError as error:
        sys.stderr.write("".join(f"{printable(line)}\n" for line in str(error).splitlines()))
        return REFUSED
    _print("".join(f"{printable(line)}\n" for line in lines))
    return code


def _answer(options: argparse.Namespace, now: float) -> tuple[int, list[str]]:
    kinds = entity_kinds()
    if options.kind not in kinds:
        raise BadInput(f"There is no kind of entity {options.kind[:40]!r}.", f"Kinds: {', '.join(kinds)}.")
    past = _past(options, kinds[options.kind].kind)
    if options.verify:
        altered = tuple(past.altered())
        lines = [as_json(verified_document(past, altered))] if options.json else list(verified_lines(past, altered))
        return DIFFERENT if altered else 0, lines
    inspection = _inspection(options, past, now)
    return 0, [as_json(inspection.document())] if options.json else list(inspection.lines())


def _past(options: argparse.Namespace, kind: EntityKind[Any, Any, Any]) -> Past[Any, Any, Any]:
    key = checked_key(options.key)
    stream = stream_of(kind.name, key)
    with closing(SqlJournal(_journal_url(options.journal), read_only=True)) as journal:
        journal.open()
        snapshots, entries = journal.history(stream)
        # A refusal leaves no entry: so --ask may be asked of an entity that nothing has changed yet.
        if not snapshots and not entries and options.ask is None:
            raise BadInput(f"{stream} has no entries: nothing ever changed it.", _near(journal, kind.name, key))
    return Past(kind, key, snapshots, entries)


def _near(journal: Journal, kind: str, key: str) -> str:
    """Which keys of the kind begin as `key` does, as far as any does."""
    for length in range(len(key), -1, -1):
        streams = journal.streams(stream_of(kind, key[:length]), _NEAR)
        if streams:
            return f"Keys like it: {', '.join(stream.partition('/')[2] for stream in streams)}."
    return f"No {kind} has any."


def _inspection(options: argparse.Namespace, past: Past[Any, Any, Any], now: float) -> Inspection:
    moment = past.moment(None if options.at is None else parse_moment(options.at), now)
    since = None
    if options.since is not None:
        since = past.moment(parse_moment(options.since), now)
        if since.seq > moment.seq or since.at > moment.at:
            raise BadInput(
                f"--since {options.since[:40]} is after the moment that is asked for.", "Name an earlier one."
            )
    elif options.diff:
        since = past.moment(max(moment.seq - 1, 0), now)
    asked = None if options.ask is None else ask(past, moment, options.ask)
    return Inspection(past, moment, options.last, since, asked)


def _journal_url(given: str) -> str:
    """The journal that is named, or the one of the settings."""
    if given:
        return given
    from config.configuration import load_configuration  # only where the settings are asked for

    return load_configuration().settings.journal_url


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{self.prog}: {message}.", "--help tells how it is called.")


def _options(argv: Sequence[str]) -> argparse.Namespace:
    about = __doc__ or ""
    raw = argparse.RawDescriptionHelpFormatter
    parser = _Parser(_PROGRAM, description=about, formatter_class=raw, allow_abbrev=False)
    parser.add_argument("kind", metavar="KIND", help="a kind of entity, as BudgetLedger")
    parser.add_argument("key", metavar="KEY", help="the key of one entity, as a tenant's id")
    parser.add_argument("--at", metavar="TIME|SEQ", help="the moment; now without it")
    parser.add_argument("--diff", action="store_true", help="what the last entry until then changed")
    parser.add_argument("--since", metavar="TIME|SEQ", help="what changed since then")
    parser.add_argument("--ask", metavar="JSON", help="decide this command as of the moment; nothing is written")
    parser.add_argument("--last", type=_count, default=_LISTED, metavar="N", help=f"list N entries ({_LISTED})")
    parser.add_argument("--verify", action="store_true", help="replay everything and compare it with the snapshots")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--journal", default="", metavar="URL", help="another journal than that of the settings")
    options, unknown = parser.parse_known_args(argv)
    if unknown:
        # The name alone: a value may hold a password.
        parser.error(
            f"there is no option {unknown[0].partition('=')[0]}" if unknown[0].startswith("-") else "too many words"
        )
    if options.verify and (options.diff or (options.at, options.since, options.ask) != (None, None, None)):
        parser.error("--verify replays everything: no moment and no command go with it")
    return options


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not int(text):
        raise argparse.ArgumentTypeError("give a whole number from 1 on")
    return int(text)


def _print(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has read enough; the interpreter would complain when it flushes once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
