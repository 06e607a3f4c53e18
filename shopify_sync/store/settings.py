"""Small things to be remembered between runs, one row each: for a shop, by name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from shopify_sync.store.tables import Setting

_TABLE = Setting.__table__  # type: ignore[attr-defined]


def load(conn: Connection, shop_id: int, key: str) -> dict[str, Any] | None:
    """What is stored; None where nothing is, or not such a thing."""
    where = (_TABLE.c.shop_id == shop_id) & (_TABLE.c.key == key)
    found = conn.execute(select(_TABLE.c.value).where(where)).scalar()
    return found if isinstance(found, dict) else None


def save(conn: Connection, shop_id: int, key: str, value: dict[str, Any], now: datetime) -> None:
    """Replace what is stored, inside the caller's transaction."""
    where = (_TABLE.c.shop_id == shop_id) & (_TABLE.c.key == key)
    if conn.execute(_TABLE.update().where(where).values(value=value, updated_at=now)).rowcount == 0:
        conn.execute(_TABLE.insert().values(shop_id=shop_id, key=key, value=value, updated_at=now))
