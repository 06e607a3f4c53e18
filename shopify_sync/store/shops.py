"""The shops of a database, by domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from shopify_sync.clock import Clock
from shopify_sync.store.database import Database
from shopify_sync.store.tables import Shop

_TABLE = Shop.__table__  # type: ignore[attr-defined]


def get_or_create(database: Database, domain: str, clock: Clock) -> dict[str, Any]:
    """The shop's row as a dict; made where it is new."""
    row: Any = find(database, domain)
    if row is None:
        try:
            with database.transaction() as conn:
                conn.execute(_TABLE.insert().values(domain=domain, created_at=clock.now()))
        except IntegrityError:
            pass  # somebody else was first
        with database.read() as conn:
            row = conn.execute(select(_TABLE).where(_TABLE.c.domain == domain)).mappings().one()
    return dict(row)


def find(database: Database, domain: str) -> dict[str, Any] | None:
    """The shop's row as a dict, where there is one."""
    with database.read() as conn:
        row = conn.execute(select(_TABLE).where(_TABLE.c.domain == domain)).mappings().first()
    return dict(row) if row is not None else None


def domains(database: Database) -> list[str]:
    """Those of all shops, in order of their ids."""
    with database.read() as conn:
        return [row.domain for row in conn.execute(select(_TABLE.c.domain).order_by(_TABLE.c.id))]


def update(database: Database, shop_id: int, at: datetime, **facts: Any) -> None:
    """Keep what Shopify told about the shop, and when."""
    with database.transaction() as conn:
        conn.execute(_TABLE.update().where(_TABLE.c.id == shop_id).values(probed_at=at, **facts))
