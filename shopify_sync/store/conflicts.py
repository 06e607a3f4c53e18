"""Conflicts: `conflict_log`, one open row for shop, entity, record and field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from shopify_sync.store.tables import Conflict

_TABLE = Conflict.__table__  # type: ignore[attr-defined]


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
    """Write a conflict down; one that is open already gets the newest values instead of a double."""
    where = (
        _TABLE.c.shop_id == shop_id,
        _TABLE.c.entity == entity,
        _TABLE.c.local_id == local_id,
        _TABLE.c.field_path == field_path,
        _TABLE.c.status == "open",
    )
    if conn.execute(_TABLE.update().where(*where).values(**values)).rowcount == 0:
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
    """Close what has become moot. `keep` names field paths that stay open."""
    statement = _TABLE.update().where(
        _TABLE.c.shop_id == shop_id,
        _TABLE.c.entity == entity,
        _TABLE.c.local_id.in_(local_ids),
        _TABLE.c.status == "open",
    )
    if keep:
        statement = statement.where(_TABLE.c.field_path.not_in(keep))
    conn.execute(
        statement.values(status="closed", decision="moot", decided_by="sync", decided_at=now, closed_reason=reason)
    )
