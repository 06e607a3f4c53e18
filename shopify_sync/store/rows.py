"""Bulk writes of one entity's rows: a record, its children, and what they are linked to.

Round the ORM, with statements built once from the declaration and tuples in storage form (`columns.py`): mapping
and hashing are then most of the work (measured in benchmarks/). Each write moves `sync_rev`, by which the triggers
tell the sync's own writes from everybody else's; children that go are marked with -1 first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import orjson
from sqlalchemy import Connection

from shopify_sync.columns import storage_time
from shopify_sync.records import Node
from shopify_sync.spec import Child, Entity, row_maker, rows_maker
from shopify_sync.store.sql import Dialect, Into

_OURS = 1  # sync_rev of a row that the sync made
_GOING = -1  # sync_rev of a row that the sync is about to delete


class Arriving(Protocol):
    """What is written: a node with its payload text and hash, and the local id it gets."""

    @property
    def node(self) -> Node: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def payload_hash(self) -> str: ...
    @property
    def updated_at(self) -> datetime: ...
    @property
    def local_id(self) -> int | None: ...
    @property
    def rows(self) -> Any: ...


class Element(NamedTuple):
    """An element of a list that was deleted: its table, local id, parent's local id and Shopify id."""

    table: str
    local_id: int
    parent: int
    shopify_id: int | None


@dataclass(frozen=True, slots=True)
class Rows:
    """What becomes of a record that is new here, in storage form: its own columns, a tuple for each element of each
    child (without the parent's id, which is not known yet) and for each thing that it is linked to."""

    own: tuple[Any, ...]
    children: list[list[tuple[Any, ...]]]
    targets: list[list[tuple[Any, ...]]]


class ChildWriter:
    """The statements of one child table."""

    def __init__(self, child: Child, dialect: Dialect) -> None:
        self.child = child
        self.name: str = child.table.__tablename__  # type: ignore[attr-defined]
        numbered = bool(child.position_column)
        self.make = rows_maker(child.columns, (*child.fixed.values(), _OURS), numbered=numbered)
        self.columns = [column.name for column in child.columns]
        fixed, placed = list(child.fixed), [child.position_column] if child.position_column else []
        everything = [*self.columns, *placed, *fixed, "sync_rev", child.parent_column]
        self.into = Into(self.name, everything)
        self.upsert = dialect.upsert(
            self.name,
            everything,
            key=[child.parent_column, *child.key],
            change=[*(c for c in self.columns if c not in child.key), *placed],
        )
        self.mark = f"UPDATE {self.name} SET sync_rev = {_GOING} WHERE id = {dialect.mark}"
        self.delete = f"DELETE FROM {self.name} WHERE id = {dialect.mark}"
        keys = ", ".join(dialect.quoted(["shopify_id", *(k for k in child.key if k not in child.fixed)]))
        constant = "".join(f" AND {name} = '{value}'" for name, value in child.fixed.items())
        self.existing = (
            f"SELECT id, {child.parent_column}, {keys} FROM {self.name} "
            f"WHERE {child.parent_column} IN {dialect.many}{constant}"
        )

    def rows(self, pairs: Iterable[tuple[int, Node]]) -> list[tuple[Any, ...]]:
        """One tuple for each element of this list, of all these records (local id, node)."""
        make, path = self.make, self.child.path
        return below((parent, make(items)) for parent, node in pairs if (items := node[path]))


def below(made: Iterable[tuple[int, list[tuple[Any, ...]]]]) -> list[tuple[Any, ...]]:
    """Rows of children, with the local ids of the records that they belong to."""
    found: list[tuple[Any, ...]] = []
    for parent, rows in made:
        own = (parent,)
        found += [row + own for row in rows]
    return found


class LinkWriter:
    """The statements of a child whose elements are rows of a shared table."""

    def __init__(self, child: Child, dialect: Dialect) -> None:
        if child.target is None:
            raise TypeError(f"{child.name} links to no table")
        self.child, self.dialect = child, dialect
        self.name: str = child.table.__tablename__  # type: ignore[attr-defined]
        self.target: str = child.target.__tablename__  # type: ignore[attr-defined]
        self.make = row_maker(child.columns)
        columns = [column.name for column in child.columns]
        self.place = columns.index("shopify_id")
        changing = [name for name in columns if name != "shopify_id"]
        self.upsert = dialect.upsert(
            self.target,
            ["shop_id", *columns, "sync_rev"],
            key=["shop_id", "shopify_id"],
            change=changing,
            unless_same=changing,
        )
        self.ids = (
            f"SELECT shopify_id, id FROM {self.target} WHERE shop_id = {dialect.mark} AND shopify_id IN {dialect.many}"
        )
        self.into = Into(self.name, [child.parent_column, child.link, "sync_rev"])
        self.existing = (
            f"SELECT id, {child.parent_column}, {child.link} FROM {self.name} "
            f"WHERE {child.parent_column} IN {dialect.many}"
        )
        self.mark = f"UPDATE {self.name} SET sync_rev = {_GOING} WHERE id = {dialect.mark}"
        self.delete = f"DELETE FROM {self.name} WHERE id = {dialect.mark}"

    def resolve(self, conn: Connection, shop_id: int, nodes: Iterable[Node]) -> dict[int, int]:
        """Store the targets of these nodes; their local ids by Shopify id."""
        return self.store(conn, shop_id, (row for node in nodes for row in self.rows(node)))

    def rows(self, node: Node) -> list[tuple[Any, ...]]:
        """One tuple for each target of a node."""
        return [self.make(item) for item in node[self.child.path]]

    def store(self, conn: Connection, shop_id: int, rows: Iterable[tuple[Any, ...]]) -> dict[int, int]:
        """Store targets, each once; their local ids by Shopify id."""
        place = self.place
        targets = {row[place]: row for row in rows}
        if not targets:
            return {}
        conn.exec_driver_sql(self.upsert, [(shop_id, *row, _OURS) for row in targets.values()])
        return self.known(conn, shop_id, list(targets))

    def known(self, conn: Connection, shop_id: int, numbers: Sequence[int]) -> dict[int, int]:
        """Local ids of stored targets by Shopify id."""
        found = conn.exec_driver_sql(self.ids, (shop_id, self.dialect.bind(list(numbers))))
        return {row[0]: row[1] for row in found}


class RowWriter:
    """Writes whole records of one entity and shop. All methods run inside the caller's transaction."""

    def __init__(self, entity: Entity, shop_id: int, dialect: Dialect) -> None:
        self.entity, self.shop_id, self.dialect = entity, shop_id, dialect
        self.name: str = entity.table.__tablename__  # type: ignore[attr-defined]
        self.make = row_maker(entity.columns)
        self.columns = [column.name for column in entity.columns]
        self.children = [ChildWriter(child, dialect) for child in entity.children if child.target is None]
        self.links = [LinkWriter(child, dialect) for child in entity.children if child.target is not None]

    @cached_property
    def _everything(self) -> list[str]:
        system = ["updated_at", "synced_at", "payload", "payload_hash", "dirty", "local_rev", "sync_rev"]
        return ["id", "shop_id", *self.columns, *system]

    @cached_property
    def _update(self) -> str:
        mark = self.dialect.mark
        mapped = [*self.columns, "updated_at", "synced_at", "payload", "payload_hash"]
        sets = ", ".join(self._sets(mapped))
        return (
            f"UPDATE {self.name} SET {sets}, deleted_at = NULL, refused_rev = NULL, push_started_at = NULL, "
            f"held_rev = NULL, disputed = NULL, dirty = false, sync_rev = sync_rev + 1 WHERE id = {mark}"
        )

    @cached_property
    def _rebase(self) -> str:
        mark = self.dialect.mark
        sets = ", ".join(self._sets(["shopify_id", "updated_at", "synced_at", "payload", "payload_hash"]))
        return f"UPDATE {self.name} SET {sets}, sync_rev = sync_rev + 1 WHERE id = {mark}"

    def _sets(self, names: Sequence[str]) -> list[str]:
        dialect = self.dialect
        marks = (dialect.utf8_mark if name == "payload" else dialect.mark for name in names)
        return [f"{name} = {mark}" for name, mark in zip(dialect.quoted(names), marks, strict=True)]

    def create(self, conn: Connection, incoming: Sequence[Arriving], read_at: datetime) -> list[int]:
        """Insert records that are new here, with everything below them; their local ids."""
        if not incoming:
            return []
        ids = self.dialect.new_ids(conn, self.name, len(incoming))
        at, shop_id, dialect = storage_time(read_at), self.shop_id, self.dialect
        made: list[Rows] = [item.rows or self.made(item.node) for item in incoming]
        dialect.load(
            conn,
            Into(self.name, self._everything, utf8=("payload",)),
            [
                (
                    local_id,
                    shop_id,
                    *rows.own,
                    storage_time(item.updated_at),
                    at,
                    dialect.text(item.payload),
                    item.payload_hash,
                    False,
                    0,
                    _OURS,
                )
                for local_id, item, rows in zip(ids, incoming, made, strict=True)
            ],
        )
        for place, child in enumerate(self.children):
            if found := below((parent, rows.children[place]) for parent, rows in zip(ids, made, strict=True)):
                dialect.load(conn, child.into, found)
        for place, link in enumerate(self.links):
            targets = link.store(conn, shop_id, (row for rows in made for row in rows.targets[place]))
            number = link.place
            wanted = {
                (local_id, targets[row[number]])
                for local_id, rows in zip(ids, made, strict=True)
                for row in rows.targets[place]
            }
            self._link(conn, link, wanted, [])
        return ids

    def made(self, node: Node) -> Rows:
        """What `create` will write of a node."""
        return Rows(
            self.make(node),
            [child.make(node[child.child.path]) for child in self.children],
            [link.rows(node) for link in self.links],
        )

    def update(self, conn: Connection, incoming: Sequence[Arriving], read_at: datetime) -> list[Element]:
        """Make rows that are here equal to their nodes; which elements of lists went. The caller has linked new
        children first."""
        if not incoming:
            return []
        at, dialect = storage_time(read_at), self.dialect
        pairs = [(_id(item), item.node) for item in incoming]
        conn.exec_driver_sql(
            self._update,
            [
                (
                    *self.make(item.node),
                    storage_time(item.updated_at),
                    at,
                    dialect.text(item.payload),
                    item.payload_hash,
                    _id(item),
                )
                for item in incoming
            ],
        )
        parents = self.dialect.bind([local_id for local_id, _ in pairs])
        gone: list[Element] = []
        for child in self.children:
            gone += self._replace(conn, child, pairs, parents)
        for link in self.links:
            targets = link.resolve(conn, self.shop_id, (node for _, node in pairs))
            existing = [tuple(row) for row in conn.exec_driver_sql(link.existing, (parents,))]
            number = link.place
            wanted = {(local_id, targets[row[number]]) for local_id, node in pairs for row in link.rows(node)}
            self._link(conn, link, wanted, existing)
        return gone

    def rebase(self, conn: Connection, item: Arriving, shopify_id: int, read_at: datetime) -> None:
        """Move the base of one record only: its rows stay as somebody wants them, and it stays dirty."""
        conn.exec_driver_sql(
            self._rebase,
            (
                shopify_id,
                storage_time(item.updated_at),
                storage_time(read_at),
                self.dialect.text(item.payload),
                item.payload_hash,
                _id(item),
            ),
        )

    def touch(self, conn: Connection, moments: Sequence[tuple[int, datetime]], read_at: datetime) -> None:
        if not moments:
            return
        mark = self.dialect.mark
        conn.exec_driver_sql(
            f"UPDATE {self.name} SET updated_at = {mark}, synced_at = {mark}, sync_rev = sync_rev + 1 "
            f"WHERE id = {mark}",
            [(storage_time(moment), storage_time(read_at), local_id) for local_id, moment in moments],
        )

    def bury(self, conn: Connection, local_ids: Sequence[int], at: datetime) -> None:
        """Shopify no longer has them: the rows stay, with `deleted_at`."""
        if not local_ids:
            return
        mark = self.dialect.mark
        conn.exec_driver_sql(
            f"UPDATE {self.name} SET deleted_at = {mark}, dirty = false, held_rev = NULL, disputed = NULL, "
            f"sync_rev = sync_rev + 1 WHERE id = {mark}",
            [(storage_time(at), local_id) for local_id in local_ids],
        )

    def drop(self, conn: Connection, local_ids: Sequence[int]) -> list[Element]:
        """The same, where the rows are to go: with all below them, and without a tombstone. Which elements went."""
        if not local_ids:
            return []
        mark = self.dialect.mark
        gone = [(local_id,) for local_id in local_ids]
        parents = self.dialect.bind(list(local_ids))
        below = [
            Element(child.name, row[0], row[1], row[2])
            for child in self.children
            for row in conn.exec_driver_sql(child.existing, (parents,))
        ]
        tables: list[ChildWriter | LinkWriter] = [*self.children, *self.links]
        for table in tables:
            constant = "".join(f" AND {name} = '{value}'" for name, value in table.child.fixed.items())
            where = f"WHERE {table.child.parent_column} = {mark}{constant}"
            conn.exec_driver_sql(f"UPDATE {table.name} SET sync_rev = {_GOING} {where}", gone)
            conn.exec_driver_sql(f"DELETE FROM {table.name} {where}", gone)
        conn.exec_driver_sql(f"UPDATE {self.name} SET sync_rev = {_GOING} WHERE id = {mark}", gone)
        conn.exec_driver_sql(f"DELETE FROM {self.name} WHERE id = {mark}", gone)
        return below

    def _replace(
        self, conn: Connection, child: ChildWriter, pairs: Sequence[tuple[int, Node]], parents: Any
    ) -> list[Element]:
        rows = child.rows(pairs)
        at = child.columns.index("shopify_id")
        coming = {(row[-1], row[at]) for row in rows}
        stale = [row for row in conn.exec_driver_sql(child.existing, (parents,)) if (row[1], row[2]) not in coming]
        self._drop(conn, child, [(row[0],) for row in stale])
        if rows:
            conn.exec_driver_sql(child.upsert, rows)
        return [Element(child.name, row[0], row[1], row[2]) for row in stale]

    def _link(
        self,
        conn: Connection,
        link: LinkWriter,
        wanted: set[tuple[int, int]],
        existing: Sequence[tuple[Any, ...]],
    ) -> None:
        self._drop(conn, link, [(row[0],) for row in existing if (row[1], row[2]) not in wanted])
        new = wanted - {(row[1], row[2]) for row in existing}
        if new:
            self.dialect.load(conn, link.into, [(*pair, _OURS) for pair in sorted(new)])

    def _drop(self, conn: Connection, table: ChildWriter | LinkWriter, ids: Sequence[tuple[int]]) -> None:
        if ids:
            conn.exec_driver_sql(table.mark, list(ids))
            conn.exec_driver_sql(table.delete, list(ids))


def _id(item: Arriving) -> int:
    if item.local_id is None:
        raise AssertionError("a row that is here has an id")
    return item.local_id


def node_of(payload: Any) -> Node:
    """The stored base as a node, whichever way the driver hands JSON over."""
    node: Node = orjson.loads(payload) if isinstance(payload, str | bytes) else payload
    return node
