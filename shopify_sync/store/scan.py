"""Rows held against their own base, fast: what no trigger saw, and what is damaged.

What Shopify had when a record was last read is stored with it (`payload`). The same compiled functions that once made
rows of it make them again, in storage form, and what stands in the tables is compared with that as it comes from the
driver. Equal tuples are equal records; others may still mean the same, and are looked at by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Connection

from shopify_sync.records import Node, content_hash
from shopify_sync.spec import Child, Column, Entity, Form, row_maker
from shopify_sync.store.rows import node_of
from shopify_sync.store.sql import Dialect, PostgresDialect, readably

BATCH = 500
Row: TypeAlias = tuple[Any, ...]
# What Postgres' driver makes of a value that goes in as text.
_POSTGRES: dict[Form, Callable[[Any], Any]] = {
    Form.DECIMAL: Decimal,
    Form.TIME: datetime.fromisoformat,
    Form.JSON: orjson.loads,
}


@dataclass(slots=True)
class Scanned:
    """One batch: local ids of rows that differ, and of those whose base is missing or not what its hash says."""

    last: int
    count: int
    altered: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)


class _List:
    """One child: how its rows are read, and what a node says they are."""

    def __init__(self, child: Child, dialect: Dialect) -> None:
        self.child = child
        name: str = child.table.__tablename__  # type: ignore[attr-defined]
        if child.target is not None:
            # Only who is in the list: the rows themselves are shared, and renewed with any record that has them.
            target: str = child.target.__tablename__  # type: ignore[attr-defined]
            columns = [column for column in child.columns if column.name == "shopify_id"]
            source, prefix = f"{name} l JOIN {target} t ON t.id = l.{child.link}", "t."
        else:
            columns, source, prefix = list(child.columns), f"{name} l", "l."
        listed = ", ".join(f'{prefix}"{column.name}"' for column in columns)
        constant = "".join(f" AND l.{key} = '{value}'" for key, value in child.fixed.items())
        place = child.position_column or child.order_column
        self.ordered = child.ordered and bool(place)
        order = f", l.{place}, l.id" if self.ordered else ""
        self.sql = (
            f"SELECT l.{child.parent_column}, {listed} FROM {source} "
            f"WHERE l.{child.parent_column} BETWEEN {dialect.mark} AND {dialect.mark}{constant} "
            f"ORDER BY l.{child.parent_column}{order}"
        )
        self.make = _maker(columns, dialect)
        self.at = [column.name for column in columns].index("shopify_id")

    def same(self, rows: list[Row], node: Node) -> bool:
        expected = [_made(self.make, item) for item in node.get(self.child.path) or ()]
        if len(rows) != len(expected):
            return False
        if not self.ordered:
            rows.sort(key=self._key)
            expected.sort(key=self._key)
        return rows == expected

    def _key(self, row: Row) -> int:
        value = row[self.at] if row else 0
        return value if isinstance(value, int) else 0


class Scan:
    """Reads all unchanged records of one shop and entity in batches, in order of their local ids."""

    def __init__(self, entity: Entity, shop_id: int, dialect: Dialect) -> None:
        self.entity, self.shop_id, self.dialect = entity, shop_id, dialect
        self.make = _maker(list(entity.columns), dialect)
        name: str = entity.table.__tablename__  # type: ignore[attr-defined]
        listed = ", ".join(f'"{column.name}"' for column in entity.columns)
        self._sql = (
            f"SELECT id, payload, payload_hash, {listed} FROM {name} WHERE shop_id = {dialect.mark} "
            f"AND id > {dialect.mark} AND deleted_at IS NULL AND shopify_id IS NOT NULL AND NOT dirty"
        )
        self._lists = [_List(child, dialect) for child in entity.children]

    def batch(self, conn: Connection, after: int, only: Sequence[int] | None) -> Scanned | None:
        """The records behind `after`; None when there are no more."""
        chosen, values = "", list[Any]()
        if only is not None:
            chosen, values = f" AND id IN {self.dialect.many}", [self.dialect.bind(list(only))]
        statement = f"{self._sql}{chosen} ORDER BY id LIMIT {BATCH}"
        given = (self.shop_id, after, *values)
        rows = readably(conn, lambda: conn.exec_driver_sql(statement, given).fetchall())
        if not rows:
            return None
        found = Scanned(last=rows[-1][0], count=len(rows))
        nodes: dict[int, Node] = {}
        for row in rows:
            node = self._base(row[1], row[2])
            if node is None:
                found.damaged.append(row[0])
                continue
            nodes[row[0]] = node
        altered = {row[0] for row in rows if row[0] in nodes and tuple(row[3:]) != _made(self.make, nodes[row[0]])}
        for one in self._lists:
            below: dict[int, list[Row]] = {}
            for row in self._below(conn, one, rows[0][0], rows[-1][0]):
                below.setdefault(row[0], []).append(tuple(row[1:]))
            altered |= {local_id for local_id, node in nodes.items() if not one.same(below.get(local_id, []), node)}
        found.altered = sorted(altered)
        return found

    def _below(self, conn: Connection, one: _List, first: int, last: int) -> Sequence[Any]:
        return readably(conn, lambda: conn.exec_driver_sql(one.sql, (first, last)).fetchall())

    def _base(self, payload: Any, digest: str | None) -> Node | None:
        """The base as a node; None where it is not what its hash was made of."""
        if payload is None or digest is None:
            return None
        try:
            node = node_of(payload)
            raw = payload.encode() if isinstance(payload, str) else orjson.dumps(node, option=orjson.OPT_SORT_KEYS)
        except (ValueError, TypeError):
            return None
        return node if isinstance(node, dict) and content_hash(raw) == digest else None


def _made(make: Callable[[Node], Row], node: Node) -> Row:
    """No row is equal to the empty one: a base of another version of this program may lack a field."""
    try:
        return make(node)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        return ()


def _maker(columns: list[Column], dialect: Dialect) -> Callable[[Node], Row]:
    """From a node to the tuple that the driver reads back."""
    make = row_maker(tuple(columns))
    if not isinstance(dialect, PostgresDialect):
        return make
    turns = [(at, _POSTGRES[column.form]) for at, column in enumerate(columns) if column.form in _POSTGRES]

    def read_back(node: Node) -> Row:
        row = list(make(node))
        for at, turn in turns:
            if row[at] is not None:
                row[at] = turn(row[at])
        return tuple(row)

    return read_back
