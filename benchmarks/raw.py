"""What no program can beat on this machine: the same rows by hand, and bytes through loopback.

    python -m benchmarks.raw sqlite FILE          a database that shopify-sync has filled
    python -m benchmarks.raw postgres URL URL2    the same on Postgres; URL2 is an empty database with the same tables
    python -m benchmarks.raw wire

each print one JSON document of seconds ({"wall", "cpu"} for each piece of work). The documents that are parsed are the
`payload`s of the database: what Shopify answered, once as pages of 250 nodes and once as the lines of a bulk file. The
rows are those of all tables below `products`, indexes included, triggers, mapping, hashes and history not. On Postgres
the processor time is that of the client and of its server process.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from benchmarks.measure import NOTHING, Took, cpu_of, measured

PAGE = 250
BATCH = 1000  # rows in one transaction
_TABLES = (
    "products", "product_options", "product_variants", "product_media", "metafields", "collections",
    "product_collections",
)  # fmt: skip
_PAYLOADS = "SELECT payload FROM products WHERE payload IS NOT NULL"
_CONNECTIONS = ("variants", "media", "metafields", "collections")
_WIRE = 1 << 29  # bytes
_CHUNK = 1 << 18


def main() -> None:
    kind, *given = sys.argv[1:]
    if kind == "sqlite":
        print(json.dumps(_sqlite(Path(given[0]))))
    elif kind == "postgres":
        print(json.dumps(_postgres(*given)))
    else:
        print(json.dumps({"bytes_per_s": _wire()}))


# -- parsing


def _page(payloads: list[str]) -> list[bytes]:
    """An answer of the paged pull."""
    return [('{"data":{"nodes":[' + ",".join(payloads) + "]}}").encode()]


def _lines(payloads: list[str]) -> list[bytes]:
    """Lines of a bulk file: the record, then the nodes of its connections."""
    return [orjson.dumps(line) for payload in payloads for line in _split(orjson.loads(payload))]


def _split(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {name: value for name, value in node.items() if name not in _CONNECTIONS}
    for name in _CONNECTIONS:
        for each in node.get(name) or ():
            yield {**each, "__parentId": node["id"]}


def parsed(bodies: list[bytes]) -> Took:
    """Time to parse each and forget it."""

    def work() -> None:
        for body in bodies:
            orjson.loads(body)

    return measured(work)


def _parsing(payloads: Iterator[str]) -> dict[str, Any]:
    """Both forms, a page at a time, so that memory does not grow with the database."""
    pages = lines = NOTHING
    while some := list(islice(payloads, PAGE)):
        pages += parsed(_page(some))
        lines += parsed(_lines(some))
    return {"pages": asdict(pages), "lines": asdict(lines)}


# -- SQLite


@dataclass(frozen=True)
class ByHand:
    """Time to read all rows with plain `sqlite3`, and to upsert them into the same tables of a new file."""

    read: Took
    upsert: Took
    rows: int


def by_hand(path: Path) -> ByHand:
    """The limit of a database file that shopify-sync has filled; a batch at a time."""
    read = upsert = NOTHING
    count = 0
    with closing(_reader(path)) as filled, closing(sqlite3.connect(path.with_suffix(".raw"))) as raw:
        raw.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -65536"):
            raw.execute(f"PRAGMA {pragma}")
        for name in _TABLES:
            for (statement,) in filled.execute(
                "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('table', 'index') AND sql IS NOT NULL "
                "ORDER BY type DESC",
                (name,),
            ):
                raw.execute(statement)
            info = filled.execute(f"PRAGMA table_xinfo({name})").fetchall()
            columns, keys = [row[1] for row in info if row[6] == 0], [row[1] for row in info if row[5]]
            values = f"VALUES ({', '.join('?' * len(columns))})"
            insert = f"INSERT INTO {name} ({_listed(columns)}) {values} {_on_conflict(keys, columns)}"
            cursor = filled.execute(f"SELECT {_listed(columns)} FROM {name}")
            while True:
                rows: list[Any] = []
                read += measured(partial(_fetch, cursor, rows))
                if not rows:
                    break
                upsert += measured(partial(_upsert, raw, insert, rows))
                count += len(rows)
    path.with_suffix(".raw").unlink()
    return ByHand(read, upsert, count)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def _fetch(cursor: sqlite3.Cursor, rows: list[Any]) -> None:
    rows += cursor.fetchmany(BATCH)


def _upsert(raw: sqlite3.Connection, insert: str, rows: list[Any]) -> None:
    raw.execute("BEGIN")
    raw.executemany(insert, rows)
    raw.execute("COMMIT")


def _sqlite(path: Path) -> dict[str, Any]:
    with closing(_reader(path)) as filled:
        found = _parsing(row[0] for row in filled.execute(_PAYLOADS))
    return {**found, **asdict(by_hand(path))}


def _listed(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _on_conflict(keys: list[str], columns: list[str]) -> str:
    changed = ", ".join(f'"{column}" = excluded."{column}"' for column in columns if column not in keys)
    return f"ON CONFLICT ({_listed(keys)}) DO " + (f"UPDATE SET {changed}" if changed else "NOTHING")


# -- Postgres


def _postgres(filled_url: str, raw_url: str) -> dict[str, Any]:
    """COPY into a temporary table and merge from there, a batch in one transaction."""
    import psycopg

    took, count = NOTHING, 0
    with psycopg.connect(filled_url) as filled, psycopg.connect(raw_url) as raw:
        with filled.cursor("payloads") as payloads:
            found = _parsing(row[0] for row in payloads.execute(_PAYLOADS.replace("payload ", "payload::text ", 1)))
        pid = int(raw.info.backend_pid)
        before = cpu_of(pid)
        for name in ("shops", *_TABLES):
            columns, keys = _columns(filled, name)
            listed, texts = _listed(columns), ", ".join(f'"{column}"::text' for column in columns)
            raw.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER".encode())
            raw.execute(f"CREATE TEMP TABLE t_{name} (LIKE {name}) ON COMMIT DELETE ROWS".encode())
            raw.commit()
            copy = f"COPY t_{name} ({listed}) FROM STDIN".encode()
            into = f"INSERT INTO {name} ({listed}) OVERRIDING SYSTEM VALUE SELECT {listed} FROM t_{name} "
            merge = (into + _on_conflict(keys, columns)).encode()
            with filled.cursor("rows") as cursor:
                cursor.execute(f"SELECT {texts} FROM {name}".encode())
                while rows := cursor.fetchmany(BATCH):
                    took += measured(partial(_copy_and_merge, raw, copy, merge, rows))
                    count += len(rows)
        took += Took(0, cpu_of(pid) - before)
    return {**found, "upsert": asdict(took), "rows": count}


def _columns(filled: Any, name: str) -> tuple[list[str], list[str]]:
    """Of a table: those that are stored, and the primary key."""
    info = filled.execute(
        "SELECT c.column_name, EXISTS (SELECT 1 FROM information_schema.key_column_usage k "
        "JOIN information_schema.table_constraints t USING (constraint_name, table_name) WHERE "
        "t.constraint_type = 'PRIMARY KEY' AND k.table_name = c.table_name AND k.column_name = c.column_name) "
        "FROM information_schema.columns c WHERE c.table_name = %s AND c.is_generated = 'NEVER' "
        "ORDER BY c.ordinal_position",
        (name,),
    ).fetchall()
    return [row[0] for row in info], [row[0] for row in info if row[1]]


def _copy_and_merge(raw: Any, copying: bytes, merging: bytes, rows: list[Any]) -> None:
    with raw.cursor().copy(copying) as copy:
        for row in rows:
            copy.write_row(row)
    raw.execute(merging)
    raw.commit()


# -- loopback


def _wire() -> float:
    """Bytes a second through one TCP connection between two processes of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if os.fork() == 0:
            with socket.create_connection(listener.getsockname()) as sender:
                chunk = bytes(_CHUNK)
                for _ in range(_WIRE // _CHUNK):
                    sender.sendall(chunk)
            os._exit(0)
        connection, _ = listener.accept()
        buffer = bytearray(_CHUNK)
        got, began = 0, time.perf_counter()
        with connection:
            while count := connection.recv_into(buffer):
                got += count
        took = time.perf_counter() - began
        os.wait()
    return got / took


if __name__ == "__main__":
    main()
