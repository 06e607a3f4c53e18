"""The connection to the database, and the one place where its errors become ours."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool

from shopify_sync.errors import DatabaseError, UsageError

BUSY_TIMEOUT_S = 10.0
# 64 MB of pages: flat in size, and enough that a batch's index pages stay in memory (measured in benchmarks/).
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16384",
    "PRAGMA temp_store = MEMORY",
)


class Database:
    """One database. `dialect` is `sqlite` or `postgresql`; `transaction` and `read` give connections.

    Raises `DatabaseError` (exit 7) for everything a driver says, never with the URL's password.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.url = _parsed(url)
        self.read_only = read_only
        self.dialect = "postgresql" if self.url.get_backend_name() == "postgresql" else "sqlite"
        self.name = shown(self.url)
        self.engine = self._engine()

    def _engine(self) -> Engine:
        if self.dialect == "postgresql":
            return create_engine(
                self.url,
                connect_args={
                    "options": "-c timezone=UTC" + " -c default_transaction_read_only=on" * self.read_only,
                    "connect_timeout": 10,
                },
                pool_pre_ping=True,
                pool_size=3,
            )
        # How long to wait for another program's lock: ours, unless the URL says `?timeout=`, in seconds.
        try:
            wait_s = float(str(self.url.query.get("timeout", BUSY_TIMEOUT_S)))
        except ValueError:
            raise UsageError(
                "the timeout in the database URL is no number of seconds", next="give for instance `?timeout=30`"
            ) from None
        engine = create_engine(
            self.url,
            connect_args={"timeout": wait_s, "check_same_thread": False},
            # In memory there is a database for each connection, so there must be one connection.
            poolclass=StaticPool if self.url.database in (None, "", ":memory:") else QueuePool,
        )
        event.listen(engine, "connect", _prepare_reader if self.read_only else _prepare_sqlite)
        return engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing. On SQLite the write lock is taken at the start, so nobody is refused half-way."""
        with self._connected() as conn:
            if self.dialect == "sqlite":
                conn.exec_driver_sql("BEGIN" if self.read_only else "BEGIN IMMEDIATE")
            try:
                yield conn
            except BaseException:
                with contextlib.suppress(SQLAlchemyError):
                    self._end(conn, "ROLLBACK")
                raise
            self._end(conn, "COMMIT")

    def _end(self, conn: Connection, word: str) -> None:
        if self.dialect == "sqlite":
            raw: Any = conn.connection.dbapi_connection
            if raw.in_transaction:
                conn.exec_driver_sql(word)
            conn.rollback()
        elif word == "COMMIT":
            conn.commit()
        else:
            conn.rollback()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading only."""
        with self._connected() as conn:
            yield conn

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            self._make_room()
            with self.engine.connect() as conn:
                yield conn
        except IntegrityError:
            raise  # a meaning of its own for whoever wrote
        except (SQLAlchemyError, OSError) as error:
            raise translated(error, self.name) from None

    def _make_room(self) -> None:
        """A new SQLite file is for its owner only: it holds customers' data."""
        path = self.path
        if path is None or path.exists() or self.read_only:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))

    @property
    def path(self) -> Path | None:
        """Where a SQLite database lies; None for Postgres and for one in memory."""
        if self.dialect != "sqlite" or self.url.database in (None, "", ":memory:"):
            return None
        if "uri" in self.url.query:  # SQLite's own kind, `file:…?mode=ro`: whoever writes that knows what is there
            return None
        return Path(str(self.url.database))

    def dispose(self) -> None:
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are ours alone: the driver's own begin would come too late for DDL and take no write lock.
    connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)


def _prepare_reader(connection: Any, _record: Any) -> None:
    """A connection that can't write, whatever it is asked to; the journal's mode is left as it is."""
    connection.isolation_level = None
    for pragma in (*_SQLITE_PRAGMAS[1:], "PRAGMA query_only = ON"):
        if "journal_mode" not in pragma:
            connection.execute(pragma)


def _parsed(url: str) -> URL:
    text = re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", url)
    if "://" not in text:
        text = f"sqlite:///{text}"
    try:
        parsed = make_url(text)
    except SQLAlchemyError:
        raise UsageError(
            "the database URL can't be read",
            next="give sqlite:///path/to/file.db or postgresql://user@host/name",
        ) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(
            f"{parsed.get_backend_name()} is no database that shopify-sync knows",
            next="give sqlite:///path/to/file.db or postgresql://user@host/name",
        )
    return parsed


def shown(url: URL) -> str:
    """The database's name for people: never with user or password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database or ":memory:")
    # An "@" in a password has to be written %40; where it was not, the rest of the password comes before the host.
    host = (url.host or "").rpartition("@")[2]
    return f"{host or 'localhost'}:{url.port or 5432}/{url.database or ''}"


_CAUSES: tuple[tuple[str, str, str, str], ...] = (
    (
        r"database is locked|could not obtain lock|lock timeout|deadlock detected",
        "database-locked",
        "another program holds a lock on it",
        "end the other program's transaction, then run the command again",
    ),
    (
        r"readonly database|read-only|permission denied|unable to open database file",
        "database-read-only",
        "it can't be written or opened with this user's rights",
        "check owner and mode of the file and its folder, or the rights of the database user",
    ),
    (
        r"not a database|malformed|disk image|is encrypted",
        "database-corrupt",
        "the file is damaged or is no SQLite database",
        "restore it from a backup, or give another file with --database",
    ),
    (
        r"disk is full|no space left|database or disk is full",
        "database-full",
        "there is no room left on its disk",
        "make room, then run the command again; nothing is half-written",
    ),
    (
        r"no such table|does not exist|undefined ?table|no such column",
        "database-empty",
        "its tables are missing or older than this program",
        "run `shopify-sync db upgrade`",
    ),
    (
        r"password authentication failed|no password supplied|role .* does not exist",
        "database-refused",
        "the database server does not accept this user",
        "check the user and password in SHOPIFY_SYNC_DATABASE_URL",
    ),
    (
        r'database "[^"]*" does not exist',
        "database-missing",
        "the database server has no database of that name",
        "create it, or correct its name in SHOPIFY_SYNC_DATABASE_URL",
    ),
    (
        r"connection refused|could not translate|failed to resolve|timeout expired|connection failed|"
        r"server closed|terminating",
        "database-unreachable",
        "the database server does not answer",
        "check host and port in SHOPIFY_SYNC_DATABASE_URL and that the server runs",
    ),
)


def translated(error: BaseException, name: str) -> DatabaseError:
    """A driver's error as ours. Only words known to be harmless are taken over from its text."""
    original = getattr(error, "orig", None) or error
    text = str(original).lower()
    # Postgres names a missing database or role in the same words as a missing table: the more special ones first.
    ordered = sorted(_CAUSES, key=lambda cause: cause[1] == "database-empty")
    for pattern, code, why, following in ordered:
        if re.search(pattern, text):
            return DatabaseError(f"the database {name} can't be used", code=code, why=why, next=following)
    kind = type(original).__name__
    why = _harmless(str(original)) if isinstance(error, DBAPIError | OSError) else kind
    return DatabaseError(
        f"the database {name} refused a statement ({kind})",
        why=why,
        next="run `shopify-sync db check`; if it finds nothing, report this with `-vv` output",
    )


def _harmless(text: str) -> str:
    """The first line of a driver's message, without what stands between quotes (values may be personal data)."""
    first = text.strip().splitlines()[0] if text.strip() else ""
    return re.sub(r"""'[^']*'|"[^"]*\"""", "'…'", first)[:200]
