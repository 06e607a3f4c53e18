"""Local children without a Shopify id, and what Shopify made of them: the same rows go on under their new ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from shopify_sync.records import Record
from shopify_sync.spec import Child, pair, record_of
from shopify_sync.store.rows import Arriving

if TYPE_CHECKING:
    from shopify_sync.store.local import DatabaseLocal


def adopt_children(conn: Connection, local: DatabaseLocal, incoming: Sequence[Arriving]) -> None:
    """Give new local children the Shopify ids of what they became, so that their own ids stay.

    For records whose rows are about to be what Shopify has: all that is here is there as well.
    """
    by_parent = {item.local_id: item for item in incoming if item.local_id is not None}
    if not by_parent:
        return
    for child in local.entity.children:
        if child.target is not None:
            continue
        unlinked: dict[int, list[Record]] = {}
        for parent, element in _unlinked(conn, local, child, list(by_parent)):
            unlinked.setdefault(parent, []).append(element)
        for parent, elements in unlinked.items():
            after = record_of(local.entity, by_parent[parent].node)[child.name]
            _match(conn, local, child, elements, _free(conn, local, child, parent, after))


def _unlinked(conn: Connection, local: DatabaseLocal, child: Child, parents: Sequence[int]) -> list[tuple[int, Record]]:
    name = child.table.__tablename__  # type: ignore[attr-defined]
    found = conn.exec_driver_sql(
        f"SELECT DISTINCT {child.parent_column} FROM {name} WHERE shopify_id IS NULL "
        f"AND {child.parent_column} IN {local.dialect.many}",
        (local.dialect.bind(list(parents)),),
    )
    concerned = [row[0] for row in found]
    if not concerned:
        return []
    rows = local.reader.children(conn, child, concerned)
    return [(parent, element) for parent, element in rows if element["shopify_id"] is None]


def _free(conn: Connection, local: DatabaseLocal, child: Child, parent: int, after: list[Record]) -> list[Record]:
    rows = local.reader.children(conn, child, [parent])
    taken = {element["shopify_id"] for _, element in rows}
    return [element for element in after if element["shopify_id"] not in taken]


def _match(conn: Connection, local: DatabaseLocal, child: Child, ours: list[Record], theirs: list[Record]) -> None:
    """By identity; what is left over on both sides belongs together in order (media answer so)."""
    matched: list[tuple[Record, Record]] = []
    left: list[Record] = []
    rest = list(theirs)
    for before, after in pair(child, ours, theirs):
        if before is not None and after is not None:
            matched.append((before, after))
            rest = [item for item in rest if item is not after]
        elif before is not None:
            left.append(before)
    left.sort(key=lambda element: (element.get("position") or 0, element["local_id"]))
    matched += list(zip(left, rest, strict=False))
    name = child.table.__tablename__  # type: ignore[attr-defined]
    mark = local.dialect.mark
    keeps = ""
    if child.remembers is not None:
        column, copy = child.remembers
        keeps = f", {copy} = coalesce({copy}, {column})"
    for before, after in matched:
        conn.exec_driver_sql(
            f"UPDATE {name} SET shopify_id = {mark}{keeps}, sync_rev = sync_rev + 1 WHERE id = {mark}",
            (after["shopify_id"], before["local_id"]),
        )
