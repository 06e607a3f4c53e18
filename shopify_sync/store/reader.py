"""Reading whole records back: rows and children as the engine compares them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from shopify_sync.records import Record
from shopify_sync.spec import Child, Column, Entity, Form
from shopify_sync.store.sql import readably


class RecordReader:
    """Reads records of one entity with typed values: Decimal, aware datetime, lists. Children carry `local_id`."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.table: Table = entity.table.__table__  # type: ignore[attr-defined]
        self._own = select(self.table)
        self._children = {child.name: self._statement(child) for child in entity.children}

    def rows(self, conn: Connection, local_ids: Sequence[int]) -> list[dict[str, Any]]:
        """The rows themselves, in the order of their ids, with every column."""
        statement = self._own.where(self.table.c.id.in_(local_ids)).order_by(self.table.c.id)
        return readably(conn, lambda: [dict(row) for row in conn.execute(statement).mappings()])

    def records(self, conn: Connection, rows: Sequence[dict[str, Any]]) -> dict[int, Record]:
        """Each row's record by local id."""
        found: dict[int, Record] = {
            row["id"]: {column.name: row[column.name] for column in self.entity.columns}
            | {child.name: [] for child in self.entity.children}
            for row in rows
        }
        if found:
            for child in self.entity.children:
                for parent, item in self.children(conn, child, list(found)):
                    found[parent][child.name].append(item)
        return found

    def unreadable(self, record: Record) -> tuple[str, ...]:
        """Take what is not of its column's kind out of a record, and tell where it stood: `variants[12].price`."""
        found = _emptied(self.entity.columns, record, "")
        for child in self.entity.children:
            for item in record[child.name]:
                found += _emptied(child.columns, item, f"{child.name}[{item['local_id']}].")
        return tuple(found)

    def children(self, conn: Connection, child: Child, parents: Sequence[int]) -> list[tuple[int, Record]]:
        """(parent's local id, element) of one list, in order."""
        statement, parent = self._children[child.name]
        chosen = statement.where(parent.in_(parents))
        rows = readably(conn, lambda: [dict(row) for row in conn.execute(chosen).mappings()])
        return [(item.pop("parent_id"), item) for item in rows]

    def _statement(self, child: Child) -> tuple[Select[Any], Any]:
        table: Table = child.table.__table__  # type: ignore[attr-defined]
        parent = table.c[child.parent_column]
        own = [table.c.id.label("local_id"), parent.label("parent_id")]
        if child.target is not None:
            target: Table = child.target.__table__  # type: ignore[attr-defined]
            columns = [target.c[column.name] for column in child.columns]
            joined = select(*own, *columns).join(target, table.c[child.link] == target.c.id)
            return joined.order_by(parent, target.c.shopify_id), parent
        extra = {child.position_column} | set(child.remembers or ())
        names = [column.name for column in child.columns]
        names += sorted(name for name in extra if name and name not in names)
        statement = select(*own, *(table.c[name] for name in names))
        for name, value in child.fixed.items():
            statement = statement.where(table.c[name] == value)
        order = [table.c.position.nulls_last()] if "position" in table.c else []
        return statement.order_by(parent, *order, table.c.id), parent


def _emptied(columns: Sequence[Column], record: Record, prefix: str) -> list[str]:
    found = []
    for column in columns:
        if not column.reads(record[column.name]):
            record[column.name] = column.kind() if column.form is Form.JSON else None
            found.append(f"{prefix}{column.name}")
    return found
