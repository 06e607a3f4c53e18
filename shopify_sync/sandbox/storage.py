"""The file a simulated store may live in: SQLite, one row per record, written through."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson


class Storage:
    """Records as (type, id, json) and a few named values. One writer; the caller serialises access."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises sqlite3.Error when it is no database or cannot be written."""
        self.path = path
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
            CREATE TABLE IF NOT EXISTS record (type TEXT, id INTEGER, json BLOB NOT NULL, PRIMARY KEY (type, id));
            CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, json BLOB NOT NULL) WITHOUT ROWID;
            """
        )

    def records(self) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """All records, in the order in which they were first written."""
        for name, number, text in self._db.execute("SELECT type, id, json FROM record ORDER BY rowid"):
            yield name, number, orjson.loads(text)

    def meta(self, name: str, default: Any) -> Any:
        """A named value, or `default`."""
        row = self._db.execute("SELECT json FROM meta WHERE name = ?", (name,)).fetchone()
        return default if row is None else orjson.loads(row[0])

    def write(self, rows: Iterable[tuple[str, int, dict[str, Any] | None]], meta: dict[str, Any]) -> None:
        """Write records (None: delete) and named values in one transaction."""
        upserts, deletes = [], []
        for name, number, record in rows:
            if record is None:
                deletes.append((name, number))
            else:
                upserts.append((name, number, orjson.dumps(record)))
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("DELETE FROM record WHERE type = ? AND id = ?", deletes)
        self._db.executemany(
            "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (type, id) DO UPDATE SET json = excluded.json",
            upserts,
        )
        self._db.executemany(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET json = excluded.json",
            [(name, orjson.dumps(value)) for name, value in meta.items()],
        )
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()
