"""How far each pull has come: one row for shop, entity and direction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from shopify_sync.records import Checkpoint
from shopify_sync.store.tables import CheckpointRow

_TABLE = CheckpointRow.__table__  # type: ignore[attr-defined]


def load(conn: Connection, shop_id: int, entity: str, direction: str) -> Checkpoint:
    """What is stored; an empty checkpoint where nothing is."""
    row = (
        conn.execute(
            select(_TABLE).where(
                _TABLE.c.shop_id == shop_id, _TABLE.c.entity == entity, _TABLE.c.direction == direction
            )
        )
        .mappings()
        .first()
    )
    if row is None:
        return Checkpoint()
    return Checkpoint(row["watermark"], row["cursor"], row["query"], row["started_at"], row["counted"])


def save(
    conn: Connection,
    shop_id: int,
    entity: str,
    direction: str,
    checkpoint: Checkpoint,
    *,
    run_id: int,
    now: datetime,
) -> None:
    """Replace what is stored, inside the caller's transaction."""
    values = {
        "watermark": checkpoint.watermark,
        "cursor": checkpoint.cursor,
        "query": checkpoint.query,
        "started_at": checkpoint.started_at,
        "counted": checkpoint.counted,
        "run_id": run_id,
        "updated_at": now,
    }
    where = (_TABLE.c.shop_id == shop_id, _TABLE.c.entity == entity, _TABLE.c.direction == direction)
    if conn.execute(_TABLE.update().where(*where).values(**values)).rowcount == 0:
        conn.execute(_TABLE.insert().values(shop_id=shop_id, entity=entity, direction=direction, **values))


def rewind(conn: Connection, shop_id: int, entity: str, watermark: datetime | None) -> None:
    """Let the next pull begin earlier; from the very beginning with None."""
    conn.execute(
        _TABLE.update()
        .where(_TABLE.c.shop_id == shop_id, _TABLE.c.entity == entity, _TABLE.c.direction == "pull")
        .values(watermark=watermark, cursor=None, query=None, started_at=None)
    )
