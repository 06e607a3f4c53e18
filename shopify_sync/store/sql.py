"""The few places where SQLite and Postgres are spelled differently. Values always go in as bound parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol, TypeVar

import orjson
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

T = TypeVar("T")

# Values bound to one statement that inserts several rows. SQLite takes 999 at the least; more of them gain nothing.
_VALUES = 500


class Into(NamedTuple):
    """Columns of a table that rows go into. Values of those in `utf8` come from `Dialect.text`."""

    table: str
    columns: Sequence[str]
    utf8: Sequence[str] = ()


class Dialect(Protocol):
    """`mark` is one parameter, `utf8_mark` one that comes from `text`; `many` and `many_texts` are a list of ids or
    texts, bound from `bind(values)`."""

    mark: str
    utf8_mark: str
    many: str
    many_texts: str

    def bind(self, values: Sequence[Any]) -> Any: ...

    def text(self, utf8: bytes) -> Any:
        """A text, as it is best handed over."""
        ...

    def quoted(self, names: Sequence[str]) -> list[str]: ...

    def upsert(
        self,
        table: str,
        columns: Sequence[str],
        *,
        key: Sequence[str],
        change: Sequence[str],
        unless_same: Sequence[str] = (),
    ) -> str: ...

    def new_ids(self, conn: Connection, table: str, count: int) -> list[int]: ...

    def load(self, conn: Connection, into: Into, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert many rows in storage form."""
        ...

    def document(self, value: Any) -> str | None:
        """A JSON value as a bound parameter."""
        ...

    def wrapped(self, *, payload: str, at: str) -> str:
        """An expression: the JSON object `{"payload": …, "at": …}` of a JSON column and one of a time."""
        ...


class _Shared:
    mark = utf8_mark = "?"

    def quoted(self, names: Sequence[str]) -> list[str]:
        return [f'"{name}"' for name in names]

    def insert(self, into: Into, rows: int = 1) -> str:
        row = ", ".join(self.utf8_mark if name in into.utf8 else self.mark for name in into.columns)
        marks = ", ".join([f"({row})"] * rows)
        return f"INSERT INTO {into.table} ({', '.join(self.quoted(into.columns))}) VALUES {marks}"

    def upsert(
        self,
        table: str,
        columns: Sequence[str],
        *,
        key: Sequence[str],
        change: Sequence[str],
        unless_same: Sequence[str] = (),
    ) -> str:
        """Insert, or change the row that has the key and move its `sync_rev`. With `unless_same`, an equal row is
        not written at all."""
        sets = [f"{name} = excluded.{name}" for name in self.quoted(change)]
        sets.append(f"sync_rev = {table}.sync_rev + 1")
        inserted = self.insert(Into(table, columns))
        text = f"{inserted} ON CONFLICT ({', '.join(self.quoted(key))}) DO UPDATE SET {', '.join(sets)}"
        if unless_same:
            differs = " OR ".join(f"{table}.{n} IS DISTINCT FROM excluded.{n}" for n in self.quoted(unless_same))
            text += f" WHERE {self.distinct(differs)}"
        return text

    def distinct(self, text: str) -> str:
        return text

    def document(self, value: Any) -> str | None:
        return None if value is None else orjson.dumps(value).decode()


class SqliteDialect(_Shared):
    """A list is one JSON parameter, so that statements stay the same whatever its length."""

    many = many_texts = "(SELECT value FROM json_each(?))"
    # Bytes are bound as they are; a str of other letters than Latin ones would be made wider first, then UTF-8 again.
    utf8_mark = "CAST(? AS TEXT)"

    def text(self, utf8: bytes) -> bytes:
        return utf8

    def bind(self, values: Sequence[Any]) -> Any:
        return orjson.dumps(list(values)).decode()

    def distinct(self, text: str) -> str:
        # SQLite before 3.39 has no IS DISTINCT FROM; its IS NOT means the same.
        return text.replace("IS DISTINCT FROM", "IS NOT")

    def wrapped(self, *, payload: str, at: str) -> str:
        parts = (
            "'{\"payload\":'",
            f"coalesce({payload}, 'null')",
            "',\"at\":'",
            f"coalesce('\"' || {at} || '\"', 'null')",
            "'}'",
        )
        return " || ".join(parts)

    def new_ids(self, conn: Connection, table: str, count: int) -> list[int]:
        """Ids never used before. The caller's transaction holds the write lock, so nobody else takes them."""
        row = conn.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).first()
        last = row[0] if row else 0
        return list(range(last + 1, last + 1 + count))

    def load(self, conn: Connection, into: Into, rows: Sequence[tuple[Any, ...]]) -> None:
        """Several rows in one statement: two thirds of the time of one statement for each, triggers and indexes
        included (measured in benchmarks/)."""
        each = max(1, _VALUES // len(into.columns))
        whole = len(rows) - len(rows) % each
        if whole:
            together = [tuple(chain.from_iterable(rows[at : at + each])) for at in range(0, whole, each)]
            conn.exec_driver_sql(self.insert(into, each), together)
        if whole < len(rows):
            conn.exec_driver_sql(self.insert(into), list(rows[whole:]))


class PostgresDialect(_Shared):
    mark = utf8_mark = "%s"
    many = "(SELECT unnest(%s::bigint[]))"
    many_texts = "(SELECT unnest(%s::text[]))"

    def wrapped(self, *, payload: str, at: str) -> str:
        return f"jsonb_build_object('payload', {payload}, 'at', {at})"

    def bind(self, values: Sequence[Any]) -> Any:
        return list(values)

    def text(self, utf8: bytes) -> str:
        return utf8.decode()

    def new_ids(self, conn: Connection, table: str, count: int) -> list[int]:
        rows = conn.exec_driver_sql(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", (table, count)
        )
        return [row[0] for row in rows]

    def load(self, conn: Connection, into: Into, rows: Sequence[tuple[Any, ...]]) -> None:
        """COPY: three times as quick as executemany (measured in benchmarks/), triggers and constraints included."""
        statement = f"COPY {into.table} ({', '.join(self.quoted(into.columns))}) FROM STDIN"
        driver: Any = conn.dialect.dbapi
        try:
            with conn.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
                for row in rows:
                    copy.write_row(row)
        except driver.Error as error:
            raise DBAPIError.instance(statement, None, error, driver.Error, dialect=conn.dialect) from error


def dialect_of(name: str) -> Dialect:
    """The dialect for SQLAlchemy's name of it."""
    return PostgresDialect() if name == "postgresql" else SqliteDialect()


def readably(conn: Connection, ask: Callable[[], T]) -> T:
    """What `ask` reads, also where SQLite holds text that is no UTF-8: such a value comes as bytes, and is told of as
    one that can't be read. Asked twice then, since a look at every text would cost more than the database does."""
    try:
        return ask()
    except OperationalError as error:
        if "Could not decode to UTF-8" not in str(error):
            raise
        raw: Any = conn.connection.dbapi_connection
        before, raw.text_factory = raw.text_factory, _as_it_can
        try:
            return ask()
        finally:
            raw.text_factory = before


def _as_it_can(stored: bytes) -> str | bytes:
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored
