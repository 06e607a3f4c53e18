"""Conflicts: `conflict_log`, one row for shop, entity, record and field in dispute, and one for each decision taken.

A row goes from `open` over `decided` (somebody chose; the next sync carries it out) to `closed`. At most one row of
a field is not closed; the closed ones are the audit trail and are never changed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, func, select, text

from shopify_sync.columns import storage_json
from shopify_sync.records import AMBIGUOUS, Decision
from shopify_sync.store.tables import Conflict

_TABLE = Conflict.__table__  # type: ignore[attr-defined]
_UNDECIDED: dict[str, Any] = {
    "status": "open",
    "decision": None,
    "merged": None,
    "decided_by": None,
    "decided_at": None,
}


def note(
    conn: Connection,
    *,
    shop_id: int,
    entity: str,
    local_id: int | None,
    field_path: str,
    now: datetime,
    **values: Any,
) -> None:
    """Write a conflict down; one that waits already gets the newest values instead of a double.

    A decision was made about the values that were shown: where a side has moved since, the row is open again.
    """
    waiting = _waiting(conn, shop_id, entity, local_id, field_path, values.get("shopify_id"))
    if waiting is None:
        conn.execute(
            _TABLE.insert().values(
                shop_id=shop_id,
                entity=entity,
                local_id=local_id,
                field_path=field_path,
                status="open",
                created_at=now,
                **values,
            )
        )
        return
    moved = any(side in values and _json(values[side]) != waiting[side] for side in ("local", "remote"))
    reopened = _UNDECIDED if waiting["status"] == "decided" and moved else {}
    conn.execute(_TABLE.update().where(_TABLE.c.id == waiting["id"]).values(**values, **reopened))


def close(
    conn: Connection,
    shop_id: int,
    entity: str,
    local_ids: Sequence[int],
    *,
    reason: str,
    now: datetime,
    keep: Sequence[str] = (),
) -> None:
    """Close what has become moot. `keep` names field paths that stay as they are.

    What somebody had decided keeps saying so: the audit trail is not rewritten because the sides met first.
    """
    statement = _TABLE.update().where(
        _TABLE.c.shop_id == shop_id,
        _TABLE.c.entity == entity,
        _TABLE.c.local_id.in_(local_ids),
        _TABLE.c.status != "closed",
    )
    if keep:
        statement = statement.where(_TABLE.c.field_path.not_in(keep))
    conn.execute(
        statement.values(
            status="closed",
            decision=func.coalesce(_TABLE.c.decision, "moot"),
            decided_by=func.coalesce(_TABLE.c.decided_by, "sync"),
            decided_at=func.coalesce(_TABLE.c.decided_at, now),
            closed_reason=reason,
        )
    )


def told_apart(conn: Connection, shop_id: int, entity: str, table: str, now: datetime) -> None:
    """Close what was said of several records here that are the same one on Shopify, where that one is linked now, or
    the row that the conflict stands for is gone."""
    rows = text(f"(SELECT id FROM {table})")
    linked = text(f"(SELECT shopify_id FROM {table} WHERE shop_id = :shop AND shopify_id IS NOT NULL)")
    conn.execute(
        _TABLE.update()
        .where(
            *_alike(shop_id, entity),
            _TABLE.c.shopify_id.in_(linked.bindparams(shop=shop_id)) | _TABLE.c.local_id.not_in(rows),
        )
        .values(
            status="closed", decision="moot", decided_by="sync", decided_at=now, closed_reason="one is linked, or gone"
        )
    )


def _alike(shop_id: int, entity: str) -> tuple[ColumnElement[bool], ...]:
    c = _TABLE.c
    return c.shop_id == shop_id, c.entity == entity, c.policy == AMBIGUOUS, c.status != "closed"


def ambiguous(conn: Connection, shop_id: int, entity: str) -> tuple[dict[int, int], dict[int, int]]:
    """Open conflicts about records that can't be told apart: {local id: conflict id}, {Shopify id: conflict id}."""
    here: dict[int, int] = {}
    there: dict[int, int] = {}
    rows = conn.execute(select(_TABLE.c.id, _TABLE.c.local, _TABLE.c.shopify_id).where(*_alike(shop_id, entity)))
    for number, local, shopify_id in rows:
        there[shopify_id] = number
        for name in local or ():
            here[int(str(name).rpartition(" ")[2])] = number
    return here, there


def decided(conn: Connection, shop_id: int, entity: str, local_ids: Sequence[int]) -> dict[int, dict[str, Decision]]:
    """What somebody chose and no run has carried out yet: {local id: {field path: decision}}."""
    found: dict[int, dict[str, Decision]] = {}
    if not local_ids:
        return found
    rows = conn.execute(
        select(_TABLE)
        .where(
            _TABLE.c.shop_id == shop_id,
            _TABLE.c.entity == entity,
            _TABLE.c.local_id.in_(local_ids),
            _TABLE.c.status == "decided",
        )
        .order_by(_TABLE.c.id)
    )
    for row in rows.mappings():
        found.setdefault(row["local_id"], {})[row["field_path"]] = Decision(
            row["id"], row["decision"], row["merged"], row["local"], row["remote"]
        )
    return found


def carried_out(conn: Connection, ids: Sequence[int], now: datetime, reason: str) -> None:
    """Close decisions that a run has carried out; rows that are not `decided` (any more) are left alone."""
    if ids:
        conn.execute(
            _TABLE.update()
            .where(_TABLE.c.id.in_(ids), _TABLE.c.status == "decided")
            .values(status="closed", closed_reason=reason, decided_at=func.coalesce(_TABLE.c.decided_at, now))
        )


def record_decided(
    conn: Connection,
    *,
    shop_id: int,
    entity: str,
    local_id: int | None,
    field_path: str,
    now: datetime,
    decision: str,
    decided_by: str,
    reason: str,
    **values: Any,
) -> None:
    """Write down what a policy decided and the run carried out: a row that is closed from the start.

    A row of the same field that waits (the policy is newer than it) is the one that closes so.
    """
    done = values | {
        "status": "closed",
        "decision": decision,
        "decided_by": decided_by,
        "decided_at": now,
        "closed_reason": reason,
    }
    waiting = _waiting(conn, shop_id, entity, local_id, field_path, values.get("shopify_id"))
    if waiting is not None:
        conn.execute(_TABLE.update().where(_TABLE.c.id == waiting["id"]).values(**done))
        return
    conn.execute(
        _TABLE.insert().values(
            shop_id=shop_id, entity=entity, local_id=local_id, field_path=field_path, created_at=now, **done
        )
    )


def find(
    conn: Connection,
    shop_id: int,
    ids: Sequence[int] | None = None,
    *,
    entity: str | None = None,
    record: str | None = None,
    field_path: str | None = None,
    statuses: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Rows of one shop in the order of their ids, locked until the transaction ends. None leaves a filter out."""
    where: list[ColumnElement[bool]] = [_TABLE.c.shop_id == shop_id]
    for column, value in (("entity", entity), ("record_key", record), ("field_path", field_path)):
        if value is not None:
            where.append(_TABLE.c[column] == value)
    for column, chosen in (("id", ids), ("status", statuses)):
        if chosen is not None:
            where.append(_TABLE.c[column].in_(chosen))
    rows = conn.execute(select(_TABLE).where(*where).order_by(_TABLE.c.id).with_for_update())
    return [dict(row) for row in rows.mappings()]


def decide(conn: Connection, number: int, *, take: str, merged: Any, by: str, now: datetime) -> None:
    """Queue a decision; the next sync carries it out. One that waits already is replaced."""
    conn.execute(
        _TABLE.update()
        .where(_TABLE.c.id == number, _TABLE.c.status != "closed")
        .values(status="decided", decision=take, merged=merged, decided_by=by, decided_at=now)
    )


def reopen(conn: Connection, number: int) -> None:
    """Take a decision back that nothing has carried out yet."""
    conn.execute(_TABLE.update().where(_TABLE.c.id == number, _TABLE.c.status == "decided").values(**_UNDECIDED))


def _waiting(
    conn: Connection, shop_id: int, entity: str, local_id: int | None, field_path: str, shopify_id: int | None
) -> dict[str, Any] | None:
    """The row of a field that is not closed, locked: a person may be deciding it at this moment."""
    statement = select(_TABLE).where(
        _TABLE.c.shop_id == shop_id,
        _TABLE.c.entity == entity,
        _TABLE.c.local_id == local_id,
        _TABLE.c.field_path == field_path,
        _TABLE.c.status != "closed",
    )
    if local_id is None:  # a record without a row here is told by its Shopify id
        statement = statement.where(_TABLE.c.shopify_id == shopify_id)
    row = conn.execute(statement.order_by(_TABLE.c.id).limit(1).with_for_update()).mappings().first()
    return dict(row) if row is not None else None


def _json(value: Any) -> Any:
    """A value as it reads back."""
    return None if value is None else orjson.loads(storage_json(value))


def waiting_records(conn: Connection, shop_id: int, entity: str, table: str = "") -> int:
    """How many records have something in dispute that nobody has decided.

    With `table`, the one that holds the records: those that were edited since are left out, as the push that follows
    looks at them again.
    """
    where = [_TABLE.c.shop_id == shop_id, _TABLE.c.entity == entity, _TABLE.c.status == "open"]
    if table:
        edited = text(f"(SELECT id FROM {table} WHERE dirty AND (held_rev IS NULL OR held_rev <> local_rev))")
        where.append(_TABLE.c.local_id.is_(None) | _TABLE.c.local_id.not_in(edited))
    counted = func.count(func.distinct(func.coalesce(_TABLE.c.local_id, -_TABLE.c.id)))
    return int(conn.execute(select(counted).where(*where)).scalar() or 0)
