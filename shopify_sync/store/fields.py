"""One field by its path, as `conflict_log` and plans name it: found in a declaration, read and written in the tables.

Paths are `title`, `variants[S / Red].price`, `variants[S / Red]` (an element), `media.order`, `variants` (a list) and
the empty one (a record). A write is an edit by the user's own hand: it leaves `sync_rev` alone, so triggers mark it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Table, select, update

from shopify_sync.records import Record
from shopify_sync.spec import Child, Column, Entity, Form
from shopify_sync.spec.compare import label
from shopify_sync.store.reader import RecordReader

# The label is whatever an element is called: it may hold brackets and dots, and ends at the last bracket.
_ELEMENT = re.compile(r"(\w+)\[(.*)\](?:\.(\w+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """What a path means. `kind` is `field`, `element field`, `element`, `order`, `list` or `record`."""

    kind: str
    path: str
    owner: type  # the table class that has the column
    column: Column | None = None
    child: Child | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a field stands in the tables, and its value now."""

    table: Table
    row_id: int
    column: Column
    value: Any


class Gone(LookupError):
    """The record or the element that a path names is not in the tables; the text says which."""


def place_of(entity: Entity, path: str) -> Place | None:
    """A path's meaning; None for one that this entity does not have."""
    if path == "":
        return Place("record", path, entity.table)
    columns = {column.name: column for column in entity.columns}
    if path in columns:
        return Place("field", path, entity.table, columns[path])
    if path in entity.child:
        return Place("list", path, entity.child[path].table, child=entity.child[path])
    if path.endswith(".order") and (name := path.removesuffix(".order")) in entity.child:
        return Place("order", path, entity.child[name].table, child=entity.child[name])
    found = _ELEMENT.fullmatch(path)
    if found is None or found[1] not in entity.child:
        return None
    child = entity.child[found[1]]
    owner = child.target or child.table
    if found[3] is None:
        return Place("element", path, owner, child=child, label=found[2])
    column = next((column for column in child.columns if column.name == found[3]), None)
    return Place("element field", path, owner, column, child, found[2]) if column is not None else None


def shape(path: str) -> str:
    """A path without the element's label: `variants.price` for the price of any variant."""
    found = _ELEMENT.fullmatch(path)
    return path if found is None else ".".join(part for part in (found[1], found[3]) if part)


def typed(column: Column, value: Any) -> Any:
    """A value from JSON as the tables have it: Decimal, aware datetime."""
    if value is None:
        return None
    match column.form:
        case Form.DECIMAL:
            return Decimal(str(value))
        case Form.TIME:
            return datetime.fromisoformat(value) if isinstance(value, str) else value
        case _:
            return value


def nullable(place: Place) -> bool:
    """Whether the database takes a null there."""
    table: Table = place.owner.__table__  # type: ignore[attr-defined]
    return place.column is not None and bool(table.c[place.column.name].nullable)


def locate(conn: Connection, entity: Entity, shop_id: int, local_id: int | None, place: Place) -> Spot:
    """A single field of a record that is here, its row locked. Raises Gone."""
    table: Table = entity.table.__table__  # type: ignore[attr-defined]
    row = (
        conn.execute(
            select(table)
            .where(table.c.id == local_id, table.c.shop_id == shop_id, table.c.deleted_at.is_(None))
            .with_for_update()
        )
        .mappings()
        .first()
    )
    if row is None or local_id is None:
        raise Gone("the record is gone from the database")
    if place.column is None:
        raise ValueError(f"{place.path!r} is no single field")
    if place.child is None:
        return Spot(table, local_id, place.column, row[place.column.name])
    child = place.child
    items = [item for _, item in RecordReader(entity).children(conn, child, [local_id])]
    matching = [item for item in items if label(child, item) == place.label]
    if not matching:  # Postgres keeps the keys of a document in an order of its own
        parts = sorted(place.label.split(" / "))
        matching = [item for item in items if _parts(child, item) == parts]
    if len(matching) != 1:
        few = "is gone from the record" if not matching else "is there more than once"
        raise Gone(f"{child.name}[{place.label}] {few}")
    below: Table = child.table.__table__  # type: ignore[attr-defined]
    return Spot(below, matching[0]["local_id"], place.column, matching[0][place.column.name])


def put(conn: Connection, spot: Spot, value: Any) -> None:
    """Write one value as any client would."""
    conn.execute(update(spot.table).where(spot.table.c.id == spot.row_id).values({spot.column.name: value}))


def _parts(child: Child, item: Record) -> list[str] | None:
    if len(child.identity) != 1 or child.identify is not None:
        return None
    value = item.get(child.identity[0])
    return sorted(map(str, value.values())) if isinstance(value, dict) else None
