"""Writing a merged record onto its rows, as the sync's own write: only what differs, each row where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, insert, select, update

from shopify_sync.records import Node, Record
from shopify_sync.spec import Child, Column, pair, same

if TYPE_CHECKING:
    from shopify_sync.store.local import DatabaseLocal


class RowMerger:
    """Makes the rows of one record what a merge wants. Children keep their local ids where they stay."""

    def __init__(self, local: DatabaseLocal) -> None:
        self.local, self.entity, self.writer = local, local.entity, local.writer
        self.table: Table = local.entity.table.__table__  # type: ignore[attr-defined]

    def apply(self, conn: Connection, local_id: int, wanted: Record, node: Node | None) -> None:
        """`node` is where elements of shared tables come from, when the record takes some over."""
        rows = self.local.reader.rows(conn, [local_id])
        if not rows:
            return
        current = self.local.reader.records(conn, rows)[local_id]
        values = _differing(self.entity.columns, current, wanted)
        values.pop("shopify_id", None)
        if values:
            conn.execute(
                update(self.table)
                .where(self.table.c.id == local_id)
                .values(**values, sync_rev=self.table.c.sync_rev + 1)
            )
        for child in self.entity.children:
            if child.target is None:
                self._list(conn, child, local_id, current[child.name], wanted.get(child.name) or [])
            else:
                self._links(conn, child, local_id, current[child.name], wanted.get(child.name) or [], node)

    def _list(self, conn: Connection, child: Child, local_id: int, current: list[Record], wanted: list[Record]) -> None:
        table: Table = child.table.__table__  # type: ignore[attr-defined]
        places = {id(item): at for at, item in enumerate(wanted, start=1)}
        numbered = child.position_column or child.order_column
        moved = bool(numbered) and child.ordered and _moved(child, current, wanted)
        changes: list[tuple[int, dict[str, Any]]] = []
        new: list[dict[str, Any]] = []
        gone: list[int] = []
        for before, after in _paired(child, current, wanted):
            if after is None and before is not None:
                gone.append(before["local_id"])
            elif after is not None:
                values = _differing(child.columns, before, after)
                if numbered and (moved or (before is None and child.position_column)):
                    values[numbered] = places[id(after)]
                for extra in child.remembers or ():
                    if before is None and after.get(extra) is not None:
                        values[extra] = after[extra]
                if before is None:
                    if after.get("local_id") is not None and self._free(conn, table, after["local_id"]):
                        values["id"] = after["local_id"]
                    new.append(values)
                    continue
                if child.remembers is not None and before["shopify_id"] is None and "shopify_id" in values:
                    column, copy = child.remembers
                    values[copy] = before.get(copy) or before.get(column)
                if values:
                    changes.append((before["local_id"], values))
        for row in gone:
            conn.execute(update(table).where(table.c.id == row).values(sync_rev=-1))
            conn.execute(table.delete().where(table.c.id == row))
        for row, values in changes:
            conn.execute(update(table).where(table.c.id == row).values(**values, sync_rev=table.c.sync_rev + 1))
        for values in new:
            conn.execute(insert(table).values(**{child.parent_column: local_id}, **child.fixed, **values, sync_rev=1))

    def _free(self, conn: Connection, table: Table, local_id: int) -> bool:
        """Whether an element that comes back can have the row that it had."""
        return conn.execute(select(table.c.id).where(table.c.id == local_id)).first() is None

    def _links(
        self,
        conn: Connection,
        child: Child,
        local_id: int,
        current: list[Record],
        wanted: list[Record],
        node: Node | None,
    ) -> None:
        table: Table = child.table.__table__  # type: ignore[attr-defined]
        before = {item["shopify_id"]: item["local_id"] for item in current}
        after = [item["shopify_id"] for item in wanted if item["shopify_id"] is not None]
        for number in before.keys() - set(after):
            conn.execute(update(table).where(table.c.id == before[number]).values(sync_rev=-1))
            conn.execute(table.delete().where(table.c.id == before[number]))
        new = [number for number in after if number not in before]
        if not new:
            return
        writer = next(link for link in self.writer.links if link.child is child)
        if node is not None:
            writer.resolve(conn, self.local.shop_id, [node])
        targets = writer.known(conn, self.local.shop_id, new)
        for number in new:
            if number in targets:
                conn.execute(
                    insert(table).values(**{child.parent_column: local_id, child.link: targets[number]}, sync_rev=1)
                )


def _differing(columns: tuple[Column, ...], current: Record | None, wanted: Record) -> dict[str, Any]:
    """Values to be written; all of them for a row that is new."""
    if current is None:
        return {column.name: wanted.get(column.name) for column in columns if wanted.get(column.name) is not None}
    return {
        column.name: wanted.get(column.name)
        for column in columns
        if column.name in wanted and not _equal(column, current.get(column.name), wanted.get(column.name))
    }


def _equal(column: Column, old: Any, new: Any) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return old == new
    return (old == new) or (same(column, old, new, strict=True) and old is not None and new is not None)


def _moved(child: Child, current: list[Record], wanted: list[Record]) -> bool:
    """Whether what stays stands in another order, or something new stands before something old."""
    places = {id(item): at for at, item in enumerate(current)}
    order = {id(item): at for at, item in enumerate(wanted)}
    found = [(order[id(after)], before) for before, after in _paired(child, current, wanted) if after is not None]
    kept = [places[id(before)] for _, before in sorted(found, key=lambda pair: pair[0]) if before is not None]
    stays = [before is not None for _, before in sorted(found, key=lambda pair: pair[0])]
    return kept != sorted(kept) or stays != sorted(stays, reverse=True)


def _paired(child: Child, current: list[Record], wanted: list[Record]) -> list[tuple[Record | None, Record | None]]:
    """Rows and what they are to be: by the row's own number, else by Shopify id or identity."""
    rows = {item["local_id"]: item for item in current}
    known = [(rows.pop(item["local_id"]), item) for item in wanted if item.get("local_id") in rows]
    matched = {id(item) for _, item in known}
    rest = [item for item in wanted if id(item) not in matched]
    return [*known, *pair(child, list(rows.values()), rest)]
