"""`run_changes`: what each run changed, on which side, and what stood there before and after; what `undo` reads.

On the side `local` a row holds, as `before` and `after`, `{"record", "row"}` (the record in our words and the
system's columns), or `{"payload", "at"}` and `{"hash"}` where the payload of that hash says it all, so that a bulk
write of thousands of rows stays one. On the side `shopify` it holds `{"node"}`, or `{"sent"}` while the answer is
not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from shopify_sync.columns import storage_time
from shopify_sync.records import Change as Told
from shopify_sync.records import Incoming, LocalRecord, Node, Settlement, Tomb
from shopify_sync.spec import Entity, canonical, plain, shopify_id
from shopify_sync.store.sql import Dialect
from shopify_sync.store.tables import Change

_TABLE = Change.__table__  # type: ignore[attr-defined]
_COLUMNS = (
    "run_id", "entity", "local_id", "shopify_id", "record_key", "side", "action", "before", "after", "created_at",
)  # fmt: skip
_ELEMENTS = "elements"
# What of a row is restored beside its fields.
SYSTEM = ("shopify_id", "updated_at", "deleted_at", "synced_at", "dirty", "payload_hash", "edited_at", "disputed")


def created(
    conn: Connection,
    run_id: int,
    entity: Entity,
    local_ids: Sequence[int],
    incoming: Sequence[Incoming],
    now: datetime,
) -> None:
    """Records that are new here: nothing stood there before. One row tells of them all."""
    if not incoming or not run_id:
        return
    told = [
        [local_id, item.shopify_id, item.key, item.payload_hash]
        for local_id, item in zip(local_ids, incoming, strict=True)
    ]
    _insert(conn, run_id, entity, None, None, "", "local", "create", None, {"created": told}, now)


def rows(
    conn: Connection,
    dialect: Dialect,
    run_id: int,
    entity: Entity,
    local_ids: Sequence[int],
    action: str,
    now: datetime,
    hashes: Mapping[int, str] | None = None,
) -> None:
    """Records whose rows are about to be replaced or go, and which nobody edited here: their payload says it all."""
    if not local_ids or not run_id:
        return
    table: str = entity.table.__tablename__  # type: ignore[attr-defined]
    mark = dialect.mark
    payload = dialect.wrapped(payload="payload", at="updated_at")
    at = storage_time(now)
    conn.exec_driver_sql(
        "INSERT INTO run_changes "
        "(run_id, entity, local_id, shopify_id, record_key, side, action, before, after, created_at) "
        f"SELECT {mark}, {mark}, id, shopify_id, {entity.natural_key}, 'local', {mark}, {payload}, {mark}, {mark} "
        f"FROM {table} WHERE id = {mark}",
        [(run_id, entity.name, action, _hashed(hashes, local_id), at, local_id) for local_id in local_ids],
    )


def _hashed(hashes: Mapping[int, str] | None, local_id: int) -> str | None:
    return '{"hash":"' + hashes[local_id] + '"}' if hashes else None


def elements(
    conn: Connection, run_id: int, entity: Entity, gone: Sequence[tuple[str, int, int, int | None]], now: datetime
) -> None:
    """Which rows elements of lists had that went (table, local id, parent's local id, Shopify id): a payload does not
    tell, and they are to come back as they were."""
    if gone and run_id:
        before = {"elements": [list(one) for one in gone]}
        _insert(conn, run_id, entity, None, None, "", "local", _ELEMENTS, before, None, now)


def record(
    conn: Connection,
    run_id: int,
    entity: Entity,
    one: Settlement,
    digest: str | None,
    now: datetime,
    row: Mapping[str, Any],
) -> None:
    """A record that a merge writes: both sides of it in full."""
    if not run_id:
        return
    system = {name: plain(row.get(name)) for name in SYSTEM}
    after: dict[str, Any] = {"record": plain(one.here)} if digest is None else {"hash": digest}
    _insert(
        conn,
        run_id,
        entity,
        one.local_id,
        one.shopify_id,
        one.key,
        "local",
        "update",
        {"record": plain(one.before), "row": system, "payload": _payload(row)},
        after,
        now,
    )


def _payload(row: Mapping[str, Any]) -> Any:
    return row.get("payload")


def whole(
    conn: Connection,
    run_id: int,
    entity: Entity,
    local: LocalRecord,
    here: Any,
    now: datetime,
    stored: Mapping[str, Any],
) -> None:
    """A record whose rows are about to be given back what they once had; `stored` is its row."""
    if not run_id:
        return
    row = {name: plain(stored.get(name)) for name in SYSTEM} | {"disputed": local.disputed or None}
    before = {"record": plain(local.record), "row": row, "payload": local.node}
    after = {"record": here}
    _insert(conn, run_id, entity, local.local_id, local.shopify_id, local.key, "local", "update", before, after, now)


def again(conn: Connection, run_id: int, entity: Entity, local_id: int, change: Told, now: datetime) -> None:
    """A record that is about to come back, of which nothing is here."""
    if run_id:
        after = {"hash": canonical(entity, change.before["payload"])[1]} if change.before.get("payload") else None
        _insert(conn, run_id, entity, local_id, change.shopify_id, change.key, "local", "create", None, after, now)


def intended(
    conn: Connection,
    run_id: int,
    entity: Entity,
    local: LocalRecord,
    action: str,
    before: Node | None,
    sent: Any,
    now: datetime,
) -> int:
    """What is about to be sent to Shopify, and what stands there."""
    earlier = {"node": before} if before is not None else None
    return _insert(
        conn,
        run_id,
        entity,
        local.local_id,
        local.shopify_id,
        local.key,
        "shopify",
        action,
        earlier,
        {"sent": sent},
        now,
    )


def unlinked(conn: Connection, run_id: int, entity: Entity, local: LocalRecord, now: datetime) -> None:
    """A record that was never on Shopify, as it is before it goes there."""
    before = {"record": plain(local.record), "row": {"dirty": True}, "payload": None}
    _insert(conn, run_id, entity, local.local_id, None, local.key, "local", "update", before, None, now)


def burial(conn: Connection, run_id: int, entity: Entity, tomb: Tomb, action: str, now: datetime) -> int:
    from shopify_sync.store import tombs

    node = tombs.payload(conn, tomb)
    before = {"node": node} if node is not None else None
    return _insert(conn, run_id, entity, tomb.local_id, tomb.shopify_id, tomb.key, "shopify", action, before, None, now)


def outcome(conn: Connection, journal_id: int, after: Node | None) -> None:
    """What Shopify answered."""
    values: dict[str, Any] = {"after": {"node": after}}
    if after is not None:
        values["shopify_id"] = shopify_id(after)
    conn.execute(_TABLE.update().where(_TABLE.c.id == journal_id).values(**values))


def of_runs(conn: Connection, run_ids: Sequence[int], entity: str) -> list[Told]:
    """Everything that these runs changed, in order; with what later runs found, where only a hash was kept."""
    rows = conn.execute(
        select(_TABLE).where(_TABLE.c.run_id.in_(list(run_ids)), _TABLE.c.entity == entity).order_by(_TABLE.c.id)
    )
    told = [dict(row) for row in rows.mappings()]
    went = {
        (table, parent, number): local_id
        for row in told
        if row["action"] == _ELEMENTS
        for table, local_id, parent, number in row["before"]["elements"]
    }
    found = [replace(change, rows=went) for row in told if row["action"] != _ELEMENTS for change in _told(row)]
    last = max(run_ids, default=0)
    later = conn.execute(
        select(_TABLE.c.local_id, _TABLE.c.before)
        .where(_TABLE.c.run_id > last, _TABLE.c.entity == entity, _TABLE.c.side == "local")
        .order_by(_TABLE.c.id)
    )
    firsts: dict[int, Any] = {}
    for local_id, before in later:
        firsts.setdefault(local_id, before)
    return [
        replace(change, later=firsts[change.local_id])
        if change.side == "local" and change.local_id in firsts
        else change
        for change in found
    ]


def _told(row: dict[str, Any]) -> list[Told]:
    """The changes of one row."""
    side, action, after = row["side"], row["action"], row["after"]
    if isinstance(after, dict) and "created" in after:
        return [
            Told(local_id, number, key or "", side, action, None, {"hash": digest})
            for local_id, number, key, digest in after["created"]
        ]
    return [Told(row["local_id"], row["shopify_id"], row["record_key"] or "", side, action, row["before"], after)]


def _insert(
    conn: Connection,
    run_id: int,
    entity: Entity,
    local_id: int | None,
    number: int | None,
    key: str,
    side: str,
    action: str,
    before: Any,
    after: Any,
    now: datetime,
) -> int:
    values = (run_id or None, entity.name, local_id, number, key, side, action, before, after, now)
    done = conn.execute(_TABLE.insert().values(**dict(zip(_COLUMNS, values, strict=True))))
    made = done.inserted_primary_key
    if made is None:
        raise AssertionError("an inserted row has an id")
    return int(made[0])
