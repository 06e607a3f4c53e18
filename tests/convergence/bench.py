"""What histories are played on: one sandbox shop over HTTP, databases, and a process that forks runs to be killed.

Shops and databases are copied from templates, so that a history begins with a shop that has been pulled (or not) at
the cost of a file copy.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox import SandboxServer
from shopify_sync.store import migrate
from shopify_sync.store.database import Database
from tests.convergence.hands_there import There
from tests.convergence.runs import Zygote, carry_out, settings_of

TEMPLATES = 8
_START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Time(ManualClock):
    """A clock that each history finds at the same hour."""

    def set(self, moment: datetime) -> None:
        self._now = moment  # the monotonic time goes on, as buckets need it
        self.slept.clear()


class SqliteCursor:
    """Another program's connection to the file, by the standard library."""

    def __init__(self, path: Path) -> None:
        self._conn = sqlite3.connect(path, isolation_level=None)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._conn.execute(statement, values).fetchall()

    def run(self, statement: str, *values: Any) -> int:
        return self._conn.execute(statement, values).rowcount

    @contextmanager
    def edit(self) -> Iterator[None]:
        """All or nothing, as an app writes."""
        self._conn.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self._conn.execute("COMMIT")

    def close(self) -> None:
        self._conn.close()


class PostgresCursor:
    """The same for Postgres."""

    def __init__(self, url: str) -> None:
        import psycopg

        self._conn = psycopg.connect(url, autocommit=True)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._conn.execute(statement.replace("?", "%s"), values).fetchall()

    def run(self, statement: str, *values: Any) -> int:
        return self._conn.execute(statement.replace("?", "%s"), values).rowcount

    @contextmanager
    def edit(self) -> Iterator[None]:
        with self._conn.transaction():
            yield

    def close(self) -> None:
        self._conn.close()


class Bench:
    """A context manager. `postgres` is the URL of a server's maintenance database; None plays on SQLite only."""

    def __init__(self, folder: Path, postgres: str | None = None) -> None:
        self.folder, self.postgres = folder, postgres
        self.clock = Time(_START)
        self.server = SandboxServer(clock=self.clock, bucket=1_000_000, restore=100_000.0)
        self.zygote = Zygote()
        self._shops: dict[int, bytes] = {}
        self._pulled: dict[tuple[int, bool], str] = {}
        self._empty: dict[bool, str] = {}
        self._played: dict[bool, Database] = {}

    def __enter__(self) -> Bench:
        self.zygote.__enter__()  # before the server's threads: a process that forks has none
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()
        self.zygote.__exit__(kind, error, trace)

    @contextmanager
    def world(self, template: int, *, pulled: bool, postgres: bool) -> Iterator[Database]:
        """The shop put back, and a database of its own that has been pulled, or is empty."""
        self._begin()
        if template not in self._shops:
            self._shops[template] = self._make_shop(template)
        self.server.restore(self._shops[template])
        source = self._database(template, postgres) if pulled else self._migrated(postgres)
        name = self._new(postgres, source, self._name("played", postgres))
        if postgres not in self._played:  # one engine for all histories: it remembers the statements it has compiled
            self._played[postgres] = Database(self._url(name, postgres))
        try:
            self.clock.advance(3600)
            yield self._played[postgres]
        finally:
            self._played[postgres].dispose()
            self._drop(name, postgres)

    def _begin(self) -> None:
        self.clock.set(_START)
        self.server.faults.replace([])
        self.server.bucket.fill()
        self.server.rest_bucket.fill()

    def _make_shop(self, template: int) -> bytes:
        """Three to six products with options, variants, tags, metafields, media and collections."""
        self.server.reset()
        chosen = random.Random(template)
        for name in ("Summer", "Winter"):
            self.server.edit(createCollection={"title": name})
        hand = There(self.server, set())
        for at in range(3 + template % 4):
            hand.insert(chosen)
            for kind in ("collection", "publish", "metafield", "add_media", "add_media", "tags"):
                if chosen.random() < 0.6:
                    hand.edit(kind, random.Random(template * 100 + at))
        one = self.server.shop.table("Product")
        self.server.edit(
            product=next(iter(one.values()))["handle"], addOptions={"Colour": ["Red", "Blue"]},
        ) if template % 2 else None  # fmt: skip
        return self.server.snapshot()

    def _migrated(self, postgres: bool) -> str:
        if postgres not in self._empty:
            self._empty[postgres] = self._new(postgres, None, self._name("empty", postgres))
            database = Database(self._url(self._empty[postgres], postgres))
            migrate.upgrade(database)
            _closed(database)
        return self._empty[postgres]

    def _database(self, template: int, postgres: bool) -> str:
        """The name of a database that has just been synced with a template."""
        if (template, postgres) not in self._pulled:
            name = self._new(postgres, self._migrated(postgres), self._name(f"template{template}", postgres))
            url = self._url(name, postgres)
            database = Database(url)
            settings = settings_of(self.server.url, self.server.token, url)
            results = carry_out(settings, database, self.clock, "sync", 1)
            assert [one.status for one in results] == ["succeeded"] * 2, [one.as_json() for one in results]
            _closed(database)
            self._begin()
            self._pulled[template, postgres] = name
        return self._pulled[template, postgres]

    def _name(self, name: str, postgres: bool) -> str:
        return (
            f"{self.folder.name}_{os.getpid()}_{name}".replace("-", "_")
            if postgres
            else str(self.folder / f"{name}.db")
        )

    def _new(self, postgres: bool, source: str | None, name: str) -> str:
        if not postgres:
            if source is not None:
                shutil.copyfile(source, name)
            return name
        self._admin(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{source}"' if source else ""))
        return name

    def _drop(self, name: str, postgres: bool) -> None:
        if postgres:
            self._admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        else:
            for end in ("", "-wal", "-shm"):
                Path(name + end).unlink(missing_ok=True)

    def _url(self, name: str, postgres: bool) -> str:
        if not postgres:
            return f"sqlite:///{name}"
        assert self.postgres is not None
        return f"{self.postgres.rpartition('/')[0]}/{name}"

    def _admin(self, statement: str) -> None:
        import psycopg

        assert self.postgres is not None
        with psycopg.connect(self.postgres, autocommit=True) as conn:
            conn.execute(statement)


def _closed(database: Database) -> None:
    """Nothing left in a journal beside the file, so that it can be copied."""
    if database.dialect == "sqlite":
        with database.read() as conn:
            conn.exec_driver_sql("PRAGMA journal_mode = DELETE")
    database.dispose()
