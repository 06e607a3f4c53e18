"""The system's own tables: shops, runs and what they refused, conflicts, checkpoints, breaker, leases.

Tables that hold synced records are declared with their entity.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from shopify_sync.columns import Document, UtcTime


def _id() -> Any:
    return Field(default=None, primary_key=True)


def _text(*, null: bool = True) -> Any:
    return Field(default=None, sa_column=Column(Text, nullable=null))


def _time() -> Any:
    return Field(default=None, sa_type=UtcTime)


def _json() -> Any:
    return Field(default=None, sa_column=Column(Document))


def _shop(*, null: bool = False) -> Any:
    return Field(default=None, sa_column=Column(ForeignKey("shops.id"), nullable=null))


def _count() -> Any:
    return Field(default=0, sa_column_kwargs={"server_default": text("0")})


class Shop(SQLModel, table=True):
    __tablename__ = "shops"

    id: int | None = _id()
    domain: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    name: str | None = _text()
    currency: str | None = _text()
    plan: str | None = _text()
    timezone: str | None = _text()
    api_version: str | None = _text()
    scopes: Any = _json()
    publication_id: int | None = Field(default=None, sa_type=BigInteger)
    probed_at: datetime | None = _time()
    created_at: datetime | None = _time()


class Run(SQLModel, table=True):
    __tablename__ = "sync_status"
    __table_args__ = (Index("ix_sync_status_shop_id_entity", "shop_id", "entity", "direction", "id"),)

    id: int | None = _id()
    shop_id: int = _shop()
    entity: str = _text(null=False)
    direction: str = _text(null=False)
    status: str = _text(null=False)
    group_id: int | None = None
    trigger: str | None = _text()
    started_at: datetime | None = _time()
    finished_at: datetime | None = _time()
    heartbeat_at: datetime | None = _time()
    seen: int = _count()
    created: int = _count()
    updated: int = _count()
    unchanged: int = _count()
    deleted: int = _count()
    conflicts: int = _count()
    failed: int = _count()
    requests: int = _count()
    points: int = _count()
    throttled: int = _count()
    retries: int = _count()
    waited_s: float = _count()
    error: Any = _json()
    notes: Any = _json()
    host: str | None = _text()
    pid: int | None = None
    holder: str | None = _text()


class RunError(SQLModel, table=True):
    __tablename__ = "sync_errors"
    __table_args__ = (
        Index("ix_sync_errors_run_id", "run_id"),
        Index(
            "ix_sync_errors_open",
            "shop_id",
            "entity",
            "local_id",
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )

    id: int | None = _id()
    run_id: int = Field(sa_column=Column(ForeignKey("sync_status.id", ondelete="CASCADE"), nullable=False))
    shop_id: int = _shop()
    entity: str = _text(null=False)
    local_id: int | None = None
    shopify_id: int | None = Field(default=None, sa_type=BigInteger)
    record_key: str | None = _text()
    field_path: str | None = _text()
    code: str | None = _text()
    category: str | None = _text()
    message: str | None = _text()
    remedy: str | None = _text()
    created_at: datetime | None = _time()
    resolved_at: datetime | None = _time()


class Conflict(SQLModel, table=True):
    """One dispute, or one decision that a policy took.

    `status` goes from `open` over `decided` (somebody chose; the next sync carries it out) to `closed`. `decision`
    is `local`, `shopify` or `merged` (the value is in `merged`), or `moot` where time has settled it.
    """

    __tablename__ = "conflict_log"
    __table_args__ = (
        Index(
            "ux_conflict_log_open",
            "shop_id",
            "entity",
            "local_id",
            "field_path",
            unique=True,
            sqlite_where=text("status <> 'closed'"),
            postgresql_where=text("status <> 'closed'"),
        ),
    )

    id: int | None = _id()
    shop_id: int = _shop()
    run_id: int | None = Field(default=None, sa_column=Column(ForeignKey("sync_status.id", ondelete="SET NULL")))
    entity: str = _text(null=False)
    local_id: int | None = None
    shopify_id: int | None = Field(default=None, sa_type=BigInteger)
    record_key: str | None = _text()
    type: str = _text(null=False)
    field_path: str = _text(null=False)
    base: Any = _json()
    local: Any = _json()
    remote: Any = _json()
    policy: str | None = _text()
    status: str = _text(null=False)
    decision: str | None = _text()
    merged: Any = _json()
    decided_by: str | None = _text()
    decided_at: datetime | None = _time()
    closed_reason: str | None = _text()
    created_at: datetime | None = _time()


class Change(SQLModel, table=True):
    """What a run changed on one record and side: what `undo` needs. Goes with its run.

    `side` is `local` or `shopify`; `before` and `after` hold what stood there (see `store/journal.py`).
    """

    __tablename__ = "run_changes"
    __table_args__ = (Index("ix_run_changes_run_id", "run_id"),)

    id: int | None = _id()
    run_id: int = Field(sa_column=Column(ForeignKey("sync_status.id", ondelete="CASCADE"), nullable=False))
    entity: str = _text(null=False)
    local_id: int | None = None
    shopify_id: int | None = Field(default=None, sa_type=BigInteger)
    record_key: str | None = _text()
    side: str = _text(null=False)
    action: str = _text(null=False)
    before: Any = _json()
    after: Any = _json()
    created_at: datetime | None = _time()


class Tombstone(SQLModel, table=True):
    """A record that a client deleted here. Written by a trigger; kept, so that late news bring nothing back.

    `outcome` says what became of it on Shopify: `archived`, `deleted`, `ignored`; or `restored` here.
    """

    __tablename__ = "tombstones"
    __table_args__ = (Index("ix_tombstones_shop_id_shopify_id", "shop_id", "entity", "shopify_id"),)

    id: int | None = _id()
    shop_id: int = _shop()
    entity: str = _text(null=False)
    local_id: int | None = None
    shopify_id: int | None = Field(default=None, sa_type=BigInteger)
    record_key: str | None = _text()
    payload: Any = _json()
    payload_hash: str | None = _text()
    updated_at: datetime | None = _time()
    deleted_at: datetime | None = _time()
    handled_at: datetime | None = _time()
    outcome: str | None = _text()


class Webhook(SQLModel, table=True):
    __tablename__ = "webhook_log"
    __table_args__ = (UniqueConstraint("shop_domain", "event_id", "topic"),)

    id: int | None = _id()
    shop_id: int | None = _shop(null=True)
    shop_domain: str | None = _text()
    topic: str | None = _text()
    event_id: str | None = _text()
    webhook_id: str | None = _text()
    api_version: str | None = _text()
    headers: Any = _json()
    body: str | None = _text()
    triggered_at: datetime | None = _time()
    received_at: datetime | None = _time()
    status: str | None = _text()
    attempts: int = _count()
    error: str | None = _text()
    processed_at: datetime | None = _time()


class Setting(SQLModel, table=True):
    __tablename__ = "shopify_config"
    __table_args__ = (UniqueConstraint("shop_id", "key"),)

    id: int | None = _id()
    shop_id: int | None = _shop(null=True)
    key: str = _text(null=False)
    value: Any = _json()
    updated_at: datetime | None = _time()


class Schedule(SQLModel, table=True):
    __tablename__ = "sync_schedule"

    id: int | None = _id()
    shop_id: int = _shop()
    entity: str = _text(null=False)
    direction: str = _text(null=False)
    cron: str = _text(null=False)
    timezone: str | None = _text()
    jitter_s: int = _count()
    catch_up: bool = Field(default=True, sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    enabled: bool = Field(default=True, sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    last_run_at: datetime | None = _time()
    next_run_at: datetime | None = _time()
    created_at: datetime | None = _time()


class CheckpointRow(SQLModel, table=True):
    __tablename__ = "checkpoints"
    __table_args__ = (UniqueConstraint("shop_id", "entity", "direction"),)

    id: int | None = _id()
    shop_id: int = _shop()
    entity: str = _text(null=False)
    direction: str = _text(null=False)
    watermark: datetime | None = _time()
    cursor: str | None = _text()
    query: str | None = _text()
    started_at: datetime | None = _time()
    counted: Any = _json()
    run_id: int | None = None
    updated_at: datetime | None = _time()


class Breaker(SQLModel, table=True):
    """The circuit breaker's state, by the shop's domain: it must work before a shop has a row."""

    __tablename__ = "breaker_state"

    name: str = Field(sa_column=Column(Text, primary_key=True))
    state: str = _text(null=False)
    failures: int = _count()
    opened_at: datetime | None = _time()
    probe_by: str | None = _text()
    probe_until: datetime | None = _time()
    reason: str | None = _text()
    updated_at: datetime | None = _time()


class LeaseRow(SQLModel, table=True):
    __tablename__ = "leases"

    name: str = Field(sa_column=Column(Text, primary_key=True))
    holder: str = _text(null=False)
    host: str | None = _text()
    pid: int | None = None
    run_id: int | None = None
    acquired_at: datetime | None = _time()
    expires_at: datetime | None = _time()
