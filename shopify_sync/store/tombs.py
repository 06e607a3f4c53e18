"""Tombstones: what was deleted here, and what became of it on Shopify."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Table, and_, exists, select

from shopify_sync.records import Decision, Incoming, Tomb, Unmade
from shopify_sync.spec import Entity, canonical
from shopify_sync.store import conflicts
from shopify_sync.store.sql import Dialect
from shopify_sync.store.tables import Tombstone

_TABLE = Tombstone.__table__  # type: ignore[attr-defined]
# A record that was brought back, or that Shopify no longer has, is not in the way of anything.
_OVER = ("restored", "deleted")


def waiting(conn: Connection, shop_id: int, entity: str, alive: Table, after: int, limit: int) -> list[Tomb]:
    """Deletions that nothing was done about yet, with what was decided about them. One whose row is there again is
    none (see `returned`)."""
    rows = conn.execute(
        select(_TABLE)
        .where(
            _TABLE.c.shop_id == shop_id,
            _TABLE.c.entity == entity,
            _TABLE.c.handled_at.is_(None),
            _TABLE.c.shopify_id.is_not(None),
            ~exists().where(*_same(alive)),
            _TABLE.c.id > after,
        )
        .order_by(_TABLE.c.id)
        .limit(limit)
    )
    found = [dict(row) for row in rows.mappings()]
    local_ids = [row["local_id"] for row in found if row["local_id"] is not None]
    decided = conflicts.decided(conn, shop_id, entity, local_ids)
    return [_tomb(row, decided.get(row["local_id"], {}).get("")) for row in found]


def _same(alive: Table) -> tuple[ColumnElement[bool], ...]:
    """A living row of the same record on Shopify."""
    c = alive.c
    return c.shop_id == _TABLE.c.shop_id, c.shopify_id == _TABLE.c.shopify_id, c.deleted_at.is_(None)


def returned(conn: Connection, shop_id: int, entity: str, alive: Table) -> list[int]:
    """Local ids of rows that somebody deleted and put back whole, or replaced: their deletion waits, and they live."""
    rows = conn.execute(
        select(alive.c.id)
        .join(_TABLE, and_(*_same(alive)))
        .where(_TABLE.c.shop_id == shop_id, _TABLE.c.entity == entity, _TABLE.c.handled_at.is_(None))
    )
    return [row[0] for row in rows]


def forget(conn: Connection, shop_id: int, entity: str, alive: Table) -> None:
    """Deletions of rows that are there again are none."""
    conn.execute(
        _TABLE.delete().where(
            _TABLE.c.shop_id == shop_id,
            _TABLE.c.entity == entity,
            _TABLE.c.handled_at.is_(None),
            exists().where(*_same(alive)),
        )
    )


def unmade(conn: Connection, shop_id: int, entity: str) -> list[Unmade]:
    """Records that were deleted here while their creation on Shopify was under way."""
    rows = conn.execute(
        select(_TABLE.c.id, _TABLE.c.record_key, _TABLE.c.updated_at).where(
            _TABLE.c.shop_id == shop_id,
            _TABLE.c.entity == entity,
            _TABLE.c.handled_at.is_(None),
            _TABLE.c.shopify_id.is_(None),
        )
    )
    return [Unmade(row[0], row[1] or "", row[2]) for row in rows]


def made(conn: Connection, tomb: int, left: Incoming | None) -> None:
    """What became of such a creation: nothing, or a record that is to be deleted."""
    if left is None:
        conn.execute(_TABLE.delete().where(_TABLE.c.id == tomb))
        return
    conn.execute(
        _TABLE.update()
        .where(_TABLE.c.id == tomb)
        .values(
            shopify_id=left.shopify_id,
            payload=orjson.loads(left.payload),
            payload_hash=left.payload_hash,
            updated_at=left.updated_at,
        )
    )


def of(conn: Connection, dialect: Dialect, shop_id: int, entity: str, ids: Sequence[int]) -> dict[int, Tomb]:
    """Those of these Shopify ids that must not be brought back."""
    rows = conn.execute(
        select(_TABLE).where(
            _TABLE.c.shop_id == shop_id,
            _TABLE.c.entity == entity,
            _TABLE.c.shopify_id.in_(list(ids)),
            _TABLE.c.outcome.is_(None) | _TABLE.c.outcome.not_in(_OVER),
        )
    )
    return {row["shopify_id"]: _tomb(dict(row), None) for row in rows.mappings()}


def handled(conn: Connection, tomb: Tomb, outcome: str, left: Incoming | None, now: datetime) -> None:
    """What became of it; with what Shopify has now, so that a later change there shows."""
    values: dict[str, Any] = {"handled_at": now, "outcome": outcome}
    if left is not None:
        values |= {"payload_hash": left.payload_hash, "updated_at": left.updated_at}
    conn.execute(_TABLE.update().where(_TABLE.c.id == tomb.id).values(**values))


def over(conn: Connection, shop_id: int, entity: str, ids: Sequence[int], now: datetime) -> list[int]:
    """Records that were deleted here are linked to other rows: nothing is left to do about their deletion. The local
    ids that they had."""
    mine = [
        _TABLE.c.shop_id == shop_id,
        _TABLE.c.entity == entity,
        _TABLE.c.shopify_id.in_(ids),
        _TABLE.c.outcome.is_(None) | _TABLE.c.outcome.not_in(_OVER),
    ]
    found = [row[0] for row in conn.execute(select(_TABLE.c.local_id).where(*mine)) if row[0] is not None]
    conn.execute(_TABLE.update().where(*mine).values(handled_at=now, outcome="restored"))
    return found


def reopen(conn: Connection, dialect: Dialect, ids: Sequence[int]) -> None:
    """Shopify changed these after they were archived there: they wait again."""
    if ids:
        conn.execute(_TABLE.update().where(_TABLE.c.id.in_(list(ids))).values(handled_at=None, outcome=None))


def unbury(conn: Connection, shop_id: int, entity: Entity, local_id: int, before: Any, made: int | None) -> None:
    """What was done about a deletion was undone: it waits again, for what Shopify has now."""
    values: dict[str, Any] = {"handled_at": None, "outcome": None, "updated_at": None}
    if isinstance(before, dict) and before.get("node"):
        values["payload_hash"] = canonical(entity, before["node"])[1]
    if made is not None:
        values["shopify_id"] = made
    conn.execute(
        _TABLE.update()
        .where(_TABLE.c.shop_id == shop_id, _TABLE.c.entity == entity.name, _TABLE.c.local_id == local_id)
        .values(**values)
    )


def undelete(conn: Connection, shop_id: int, entity: str) -> int:
    """Forget the deletions made here that wait; how many. The next whole comparison brings the records back."""
    done = conn.execute(
        _TABLE.delete().where(_TABLE.c.shop_id == shop_id, _TABLE.c.entity == entity, _TABLE.c.handled_at.is_(None))
    )
    return done.rowcount


def payload(conn: Connection, tomb: Tomb) -> Any:
    return conn.execute(select(_TABLE.c.payload).where(_TABLE.c.id == tomb.id)).scalar()


def _tomb(row: dict[str, Any], decision: Decision | None) -> Tomb:
    return Tomb(
        id=row["id"],
        local_id=row["local_id"],
        shopify_id=row["shopify_id"],
        key=row["record_key"] or "",
        payload_hash=row["payload_hash"],
        updated_at=row["updated_at"],
        handled=row["handled_at"] is not None,
        decision=decision,
    )
