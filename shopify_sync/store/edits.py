"""Edits of records by the user's own hand: what an import writes. They count as local changes, as anybody's would.

Nothing here touches `sync_rev`, so the triggers mark each record that changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from shopify_sync.records import Record
from shopify_sync.spec import Child, Column, Entity, Form, Merge, pair
from shopify_sync.spec.compare import same
from shopify_sync.store.reader import RecordReader


class Editor:
    """Writes whole records of one entity as local edits, inside the caller's transaction."""

    def __init__(self, entity: Entity, shop_id: int) -> None:
        self.entity, self.shop_id = entity, shop_id
        self.table: Table = entity.table.__table__  # type: ignore[attr-defined]
        self.reader = RecordReader(entity)

    def put(self, conn: Connection, record: Record, defaults: Record | None = None) -> str:
        """Insert or change the record that has this natural key: `created`, `updated` or `unchanged`.

        Only what `record` names is looked at. Lists that are `complete` are the whole truth: what they leave out
        goes; to others is only added.
        """
        natural = self.table.c[self.entity.natural_key]
        found = conn.execute(
            select(self.table.c.id)
            .where(self.table.c.shop_id == self.shop_id, natural == record[self.entity.natural_key])
            .where(self.table.c.deleted_at.is_(None))
            .order_by(self.table.c.id)
            .limit(1)
        ).scalar()
        if found is None:
            self.insert(conn, {**(defaults or {}), **record})
            return "created"
        return "updated" if self._change(conn, found, record) else "unchanged"

    def insert(self, conn: Connection, record: Record) -> None:
        """A new record with everything below it."""
        values = self._values(self.entity.columns, record)
        result = conn.execute(insert(self.table).values(shop_id=self.shop_id, **values))
        local_id = result.inserted_primary_key[0] if result.inserted_primary_key else None
        for child in self.entity.children:
            for item in record.get(child.name) or []:
                self._add(conn, child, local_id, item)

    def _change(self, conn: Connection, local_id: int, record: Record) -> bool:
        rows = self.reader.rows(conn, [local_id])
        current = self.reader.records(conn, rows)[local_id]
        values = self._differing(self.entity.columns, current, record)
        if values:
            conn.execute(update(self.table).where(self.table.c.id == local_id).values(**values))
        changed = bool(values)
        for child in self.entity.children:
            if child.name in record and child.target is None:
                changed |= self._change_list(conn, child, local_id, current[child.name], record[child.name])
        return changed

    def _change_list(
        self, conn: Connection, child: Child, local_id: int, current: list[Record], wanted: list[Record]
    ) -> bool:
        table: Table = child.table.__table__  # type: ignore[attr-defined]
        changed = False
        for old, new in pair(child, current, wanted):
            if old is None and new is not None:
                self._add(conn, child, local_id, new)
                changed = True
            elif new is None and old is not None and child.complete:
                conn.execute(delete(table).where(table.c.id == old["local_id"]))
                changed = True
            elif old is not None and new is not None:
                values = self._differing(child.columns, old, new)
                if values:
                    conn.execute(update(table).where(table.c.id == old["local_id"]).values(**values))
                    changed = True
        return changed

    def _add(self, conn: Connection, child: Child, parent: int | None, item: Record) -> None:
        table: Table = child.table.__table__  # type: ignore[attr-defined]
        values = {name: value for name, value in item.items() if name in table.c}
        conn.execute(insert(table).values(**{child.parent_column: parent}, **child.fixed, **values))

    def _values(self, columns: tuple[Column, ...], record: Record) -> dict[str, Any]:
        return {column.name: record[column.name] for column in columns if column.name in record}

    def _differing(self, columns: tuple[Column, ...], current: Record, wanted: Mapping[str, Any]) -> dict[str, Any]:
        values = {}
        for column in columns:
            if column.name not in wanted or column.maps.merge is Merge.READ_ONLY:
                continue
            old, new = current.get(column.name), wanted[column.name]
            # A file says whether a product is published, not since when.
            state_only = column.form is Form.TIME and old is not None and new is not None
            if not state_only and not same(column, old, new):
                values[column.name] = new
        return values
