"""The journal on SQLAlchemy: one code path for SQLite (a file, this machine) and PostgreSQL (a cluster)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import chain

from sqlalchemy import Connection, and_, bindparam, delete, func, select

from actors.runtime_journal_changes import Changes, Row, changes_of, effect_rows, gone, record_rows
from actors.runtime_journal_database import Conflict, Database
from actors.runtime_journal_schema import check_schema, prepare_schema
from actors.runtime_tables import entries, outbox, owners, placements, records, snapshots
from core.entities import Effect, Find, Record
from core.errors import BadInput, Fenced, WriteFailed
from core.journal import AtStep, Due, Entry, Loaded, Placement, Snapshot, Step, Write, no_step

_CHUNK = 500  # streams in one query
_PIECE = 10_000  # entries that one compaction deletes: other commits wait for it

# FOR SHARE: a claim waits for this commit, so that who has claimed sees all that was committed before.
_OWNER = select(owners.c.incarnation).where(owners.c.shard == bindparam("shard")).with_for_update(read=True)

# The driver's own SQL where speed asks for it; ? is the placeholder.
# How many entries one statement takes. The interpreter goes to another thread with each statement, and is late to come
# back from a busy one: so there are few.
_ENTRIES = {
    count: "INSERT INTO entries VALUES " + ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * count)
    for count in (256, 128, 64, 32, 16, 8, 4, 2, 1)
}
_SNAPSHOT = """INSERT INTO snapshots VALUES (?, ?, ?, ?, ?) ON CONFLICT (stream, seq)
    DO UPDATE SET at = excluded.at, version = excluded.version, state = excluded.state"""
_RECORD = """INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream, record_id)
    DO UPDATE SET at = excluded.at, kind = excluded.kind, "user" = excluded."user", channel = excluded.channel,
    body = excluded.body"""
_EFFECT = """INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (stream, effect_id)
    DO UPDATE SET target = excluded.target, body = excluded.body, due_at = excluded.due_at"""
_AGE = "DELETE FROM records WHERE stream = ? AND at < ?"
_ERASE = "DELETE FROM records WHERE stream = ? AND record_id = ?"
_SETTLE = "DELETE FROM outbox WHERE stream = ? AND effect_id = ?"
_CLAIM = """INSERT INTO owners VALUES (?, ?)
    ON CONFLICT (shard) DO UPDATE SET incarnation = excluded.incarnation"""
_PLACE_FIRST = "INSERT INTO placements VALUES (?, ?, 1) ON CONFLICT (kind) DO NOTHING"
_PLACE = """INSERT INTO placements VALUES (?, ?, 1)
    ON CONFLICT (kind) DO UPDATE SET shards = excluded.shards, epoch = placements.epoch + 1 RETURNING shards, epoch"""
_SNAPSHOTS_OF = """WITH wanted (stream) AS (VALUES {})
    SELECT s.* FROM wanted JOIN snapshots s ON s.stream = wanted.stream
    AND s.seq = (SELECT max(seq) FROM snapshots WHERE stream = wanted.stream)"""
# What a stream needs begins after its snapshot, or after its last entry before `since` if that is earlier. Both are
# found at the end of the stream's keys, so a long history costs nothing.
_ENTRIES_OF = """WITH wanted (stream) AS (VALUES {}), known (stream, snapshot, old) AS (SELECT stream,
        coalesce((SELECT max(seq) FROM snapshots s WHERE s.stream = wanted.stream), 0),
        coalesce((SELECT seq FROM entries e WHERE e.stream = wanted.stream AND e.at < ? ORDER BY seq DESC LIMIT 1), 0)
        FROM wanted)
    SELECT e.* FROM known JOIN entries e ON e.stream = known.stream
    AND e.seq > CASE WHEN old < snapshot THEN old ELSE snapshot END ORDER BY e.stream, e.seq"""
# Snapshots that stand for entries that only times before `before` need. The newest first: what was compacted before
# and has nothing left to delete comes last, so a piece is found at once.
_STALE = """SELECT stream, seq FROM snapshots s WHERE at <= ? AND EXISTS
    (SELECT * FROM entries e WHERE e.stream = s.stream AND e.seq <= s.seq AND e.at < ?)
    ORDER BY at DESC, stream, seq DESC LIMIT ?"""
_DELETE_ENTRIES = """DELETE FROM entries WHERE stream = ? AND seq <= ? AND at < ?
    AND seq < ? + (SELECT min(seq) FROM entries WHERE stream = ?)"""
_DELETE_SNAPSHOTS = "DELETE FROM snapshots WHERE stream = ? AND seq < ?"


class SqlJournal:
    """A `core.journal.Journal` on `sqlite:///FILE` or `postgresql+psycopg://…`.

    What a call wrote is on disk when it returns. SQLite: write-ahead log, each commit synced, deleted rows overwritten.
    `at_step` is called at the named steps of a write. `read_only` opens what is there and changes nothing.
    """

    def __init__(self, url: str, at_step: AtStep = no_step, read_only: bool = False) -> None:
        self._database = Database(url, read_only)
        self._at_step = at_step
        self._read_only = read_only

    def open(self) -> None:
        if self._read_only:
            check_schema(self._database)
        else:
            prepare_schema(self._database)

    def close(self) -> None:
        self._database.close()

    def claim(self, shard: str, incarnation: str) -> None:
        with self._database.writing() as connection:
            self._execute(connection, _CLAIM, [(shard, incarnation)])

    def commit(self, shard: str, incarnation: str, writes: Sequence[Write]) -> frozenset[str]:
        self._at_step(Step.BEFORE_APPEND)
        try:
            with self._database.writing() as connection:
                self._check_owner(connection, shard, incarnation)
                self._write(connection, changes_of(writes))
                self._at_step(Step.BEFORE_COMMIT)
            return frozenset()
        except Conflict:
            return self._commit_apart(shard, incarnation, writes)

    def _commit_apart(self, shard: str, incarnation: str, writes: Sequence[Write]) -> frozenset[str]:
        """As `commit`, with the writes of each stream in a savepoint of their own."""
        of_stream: defaultdict[str, list[Write]] = defaultdict(list)
        for write in writes:
            of_stream[write.stream].append(write)
        lost = set()
        with self._database.writing() as connection:
            self._check_owner(connection, shard, incarnation)
            for stream, its_writes in of_stream.items():
                try:
                    with self._database.errors(WriteFailed), connection.begin_nested():
                        self._write(connection, changes_of(its_writes))
                except Conflict:
                    lost.add(stream)
            self._at_step(Step.BEFORE_COMMIT)
        return frozenset(lost)

    def _check_owner(self, connection: Connection, shard: str, incarnation: str) -> None:
        if connection.scalar(_OWNER, {"shard": shard}) != incarnation:
            raise Fenced(f"This incarnation of {shard}", "Call again: the one that took over answers.")

    def _write(self, connection: Connection, changes: Changes) -> None:
        self._append(connection, changes.entries)
        self._execute(connection, _AGE, changes.ages)
        self._execute(connection, _ERASE, gone(changes.records))
        self._execute(connection, _RECORD, record_rows(changes.records))
        self._execute(connection, _SETTLE, gone(changes.effects))
        self._execute(connection, _EFFECT, effect_rows(changes.effects))
        if changes.snapshots:
            self._execute(connection, _SNAPSHOT, changes.snapshots)
            self._at_step(Step.SNAPSHOT)

    def _append(self, connection: Connection, rows: Sequence[Row]) -> None:
        first = 0
        for count, statement in _ENTRIES.items():
            while len(rows) - first >= count:
                values = tuple(chain.from_iterable(rows[first : first + count]))
                connection.exec_driver_sql(self._sql(statement), values)
                first += count

    def _execute(self, connection: Connection, statement: str, rows: Sequence[Row]) -> None:
        if rows:
            connection.exec_driver_sql(self._sql(statement), list(rows))

    def _sql(self, statement: str) -> str:
        return statement.replace("?", self._database.placeholder)

    def load(self, streams: Collection[str], since: float) -> Mapping[str, Loaded]:
        wanted = list(dict.fromkeys(streams))
        found: dict[str, Snapshot] = {}
        entries_of: defaultdict[str, list[Entry]] = defaultdict(list)
        with self._database.reading() as connection:
            for first in range(0, len(wanted), _CHUNK):
                chunk = tuple(wanted[first : first + _CHUNK])
                values = ", ".join(["(?)"] * len(chunk))
                for row in connection.exec_driver_sql(self._sql(_SNAPSHOTS_OF.format(values)), chunk):
                    found[row[0]] = Snapshot(*row)
                for row in connection.exec_driver_sql(self._sql(_ENTRIES_OF.format(values)), (*chunk, since)):
                    entries_of[row[0]].append(Entry(*row))
        return {stream: Loaded(found.get(stream), tuple(entries_of.get(stream, ()))) for stream in wanted}

    def history(self, stream: str) -> tuple[Sequence[Snapshot], Sequence[Entry]]:
        with self._database.reading() as connection:
            kept = connection.execute(select(snapshots).filter_by(stream=stream).order_by(snapshots.c.seq))
            its_entries = connection.execute(select(entries).filter_by(stream=stream).order_by(entries.c.seq))
            return [Snapshot(*row) for row in kept], [Entry(*row) for row in its_entries]

    def streams(self, prefix: str, limit: int) -> Sequence[str]:
        found: list[str] = []
        with self._database.reading() as connection:
            while len(found) < limit:
                # The next name after the last one: a step for each stream, however long it is. One that was compacted
                # may have a snapshot alone.
                firsts = (
                    connection.scalar(select(func.min(of)).where(of > found[-1] if found else of >= prefix))
                    for of in (entries.c.stream, snapshots.c.stream)
                )
                stream = min((name for name in firsts if name is not None), default=None)
                if stream is None or not stream.startswith(prefix):
                    break
                found.append(stream)
        return found

    def find(self, stream: str, find: Find) -> Sequence[Record]:
        of = records.c
        fields = {name: getattr(find, name) for name in ("record_id", "kind", "user", "channel")}
        query = select(of.record_id, of.at, of.kind, of.body, of.user, of.channel).where(
            of.stream == stream,
            of.at >= find.since,
            of.at < find.until,
            *(of[name] == value for name, value in fields.items() if value),
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(of.at.desc(), of.record_id).limit(find.limit))
            return [Record(*row) for row in rows]

    def due(self, kind: str, now: float, limit: int, skip: int = 0) -> Sequence[Due]:
        of = outbox.c
        query = select(of.stream, of.effect_id, of.target, of.body, of.due_at).where(of.kind == kind, of.due_at <= now)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(of.due_at, of.stream, of.effect_id).limit(limit).offset(skip))
            return [Due(stream, Effect(*effect)) for stream, *effect in rows]

    def next_due(self, kind: str) -> float | None:
        with self._database.reading() as connection:
            soonest: float | None = connection.scalar(select(func.min(outbox.c.due_at)).where(outbox.c.kind == kind))
            return soonest

    def compact(self, before: float, limit: int) -> int:
        with self._database.reading() as connection:
            stale: dict[str, int] = {}
            for stream, seq in connection.exec_driver_sql(self._sql(_STALE), (before, before, limit)):
                stale.setdefault(stream, seq)
        if not stale:
            return 0
        room = _PIECE
        with self._database.writing() as connection:
            for stream, seq in stale.items():
                which = (stream, seq, before, room, stream)
                room -= connection.exec_driver_sql(self._sql(_DELETE_ENTRIES), which).rowcount
                self._at_step(Step.COMPACTION)
                self._execute(connection, _DELETE_SNAPSHOTS, [(stream, seq)])
                if room <= 0:
                    break
        return _PIECE - room

    def scrub(self) -> None:
        self._database.scrub()

    def placement(self, kind: str) -> Placement | None:
        query = select(placements.c.shards, placements.c.epoch).where(placements.c.kind == kind)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return Placement(*row) if row else None

    def placed(self, kind: str, shards: int) -> Placement:
        found = self.placement(kind)
        if found is not None:
            return found
        with self._database.writing() as connection:
            self._execute(connection, _PLACE_FIRST, [(kind, shards)])
        # Somebody else may have been first.
        return self.placement(kind) or Placement(shards)

    def place(self, kind: str, shards: int) -> Placement:
        if shards < 1:
            raise BadInput(f"{kind} cannot be spread over {shards} shards.", "Take 1 or more.")
        shard = owners.c.shard
        of_kind = and_(shard >= f"{kind}-", shard < f"{kind}.")  # "." is the character after "-"
        with self._database.writing() as connection:
            placed = Placement(*connection.exec_driver_sql(self._sql(_PLACE), (kind, shards)).one())
            # It waits for commits that are under way, and whoever comes after it has lost its shard.
            connection.execute(delete(owners).where(of_kind))
        return placed
