"""Runs and what they refused: `sync_status` and `sync_errors`."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from shopify_sync.records import RecordError, RunResult
from shopify_sync.store.tables import Run, RunError

_RUNS = Run.__table__  # type: ignore[attr-defined]
_ERRORS = RunError.__table__  # type: ignore[attr-defined]


def start(
    conn: Connection,
    shop_id: int,
    entity: str,
    direction: str,
    *,
    trigger: str,
    holder: str,
    now: datetime,
    group: int | None = None,
) -> int:
    """A new row for a run that begins; its id. `group` is the first run of a command that makes several."""
    done = conn.execute(
        _RUNS.insert().values(
            shop_id=shop_id,
            entity=entity,
            direction=direction,
            status="running",
            trigger=trigger,
            group_id=group,
            started_at=now,
            heartbeat_at=now,
            host=socket.gethostname(),
            pid=os.getpid(),
            holder=holder,
        )
    )
    key = done.inserted_primary_key
    if key is None:
        raise AssertionError("an inserted run has an id")
    return int(key[0])


def interrupt_others(conn: Connection, shop_id: int, entity: str, direction: str, now: datetime) -> list[int]:
    """Runs of the same kind that never ended: whoever holds the lease now knows that they are gone."""
    where = (
        _RUNS.c.shop_id == shop_id,
        _RUNS.c.entity == entity,
        _RUNS.c.direction == direction,
        _RUNS.c.status == "running",
    )
    ids = [row[0] for row in conn.execute(select(_RUNS.c.id).where(*where))]
    if ids:
        conn.execute(_RUNS.update().where(_RUNS.c.id.in_(ids)).values(status="interrupted", finished_at=now))
    return ids


def progress(conn: Connection, run_id: int, result: RunResult, now: datetime) -> None:
    """The counts so far, in the transaction that made them true."""
    conn.execute(_RUNS.update().where(_RUNS.c.id == run_id).values(**_numbers(result), heartbeat_at=now))


def finish(conn: Connection, run_id: int, result: RunResult, now: datetime) -> None:
    conn.execute(
        _RUNS.update()
        .where(_RUNS.c.id == run_id)
        .values(
            **_numbers(result),
            status=result.status,
            error=result.error,
            notes=result.notes,
            finished_at=now,
            heartbeat_at=now,
        )
    )


def add_errors(
    conn: Connection,
    run_id: int,
    shop_id: int,
    entity: str,
    errors: Sequence[RecordError],
    now: datetime,
) -> None:
    """Why records were refused. Earlier reasons of the same record are thereby out of date."""
    if not errors:
        return
    for local_id in {error.local_id for error in errors if error.local_id is not None}:
        resolve_errors(conn, shop_id, entity, local_id, now)
    conn.execute(
        _ERRORS.insert(),
        [
            {
                "run_id": run_id,
                "shop_id": shop_id,
                "entity": entity,
                "local_id": error.local_id,
                "shopify_id": error.shopify_id,
                "record_key": error.record_key,
                "field_path": error.field_path,
                "code": error.code,
                "category": error.category,
                "message": error.message,
                "remedy": error.remedy,
                "created_at": now,
            }
            for error in errors
        ],
    )


def resolve_errors(conn: Connection, shop_id: int, entity: str, local_id: int, now: datetime) -> None:
    conn.execute(
        _ERRORS.update()
        .where(
            _ERRORS.c.shop_id == shop_id,
            _ERRORS.c.entity == entity,
            _ERRORS.c.local_id == local_id,
            _ERRORS.c.resolved_at.is_(None),
        )
        .values(resolved_at=now)
    )


def refused(conn: Connection, shop_id: int, run_id: int | None) -> dict[str, list[int]]:
    """Local ids of records whose refusal still stands, by entity; of one run or of all."""
    query = select(_ERRORS.c.entity, _ERRORS.c.local_id).distinct()
    query = query.where(_ERRORS.c.shop_id == shop_id, _ERRORS.c.resolved_at.is_(None), _ERRORS.c.local_id.is_not(None))
    if run_id is not None:
        query = query.where(_ERRORS.c.run_id == run_id)
    found: dict[str, list[int]] = {}
    for entity, local_id in conn.execute(query):
        found.setdefault(entity, []).append(local_id)
    return found


def together(conn: Connection, shop_id: int, run_id: int, *, alone: bool) -> list[dict[str, Any]]:
    """A run, and those of the same command, in order."""
    where = _RUNS.c.shop_id == shop_id
    chosen = conn.execute(select(_RUNS.c.id, _RUNS.c.group_id).where(where, _RUNS.c.id == run_id)).first()
    if chosen is None:
        return []
    members = _RUNS.c.id == run_id
    if not alone:
        group = chosen[1] or chosen[0]
        members = (_RUNS.c.id == group) | (_RUNS.c.group_id == group)
    rows = conn.execute(
        select(_RUNS.c.id, _RUNS.c.entity, _RUNS.c.direction, _RUNS.c.status).where(where, members).order_by(_RUNS.c.id)
    )
    return [dict(row) for row in rows.mappings()]


def pulled_before(conn: Connection, shop_id: int, entity: str, run_id: int) -> datetime | None:
    """When the last pull before a run began; None where there was none."""
    found: datetime | None = conn.execute(
        select(_RUNS.c.started_at)
        .where(
            _RUNS.c.shop_id == shop_id,
            _RUNS.c.entity == entity,
            _RUNS.c.direction == "pull",
            _RUNS.c.status.in_(("succeeded", "partial")),
            _RUNS.c.id < run_id,
        )
        .order_by(_RUNS.c.id.desc())
        .limit(1)
    ).scalar()
    return found


def prune(conn: Connection, shop_id: int, before: datetime) -> int:
    """Forget runs that ended before a moment, but for those whose refusals still stand. How many went."""
    return conn.execute(_RUNS.delete().where(*_old(shop_id, before))).rowcount


def prunable(conn: Connection, shop_id: int, before: datetime) -> int:
    """How many `prune` would forget."""
    return int(conn.execute(select(func.count()).select_from(_RUNS).where(*_old(shop_id, before))).scalar_one())


def _old(shop_id: int, before: datetime) -> tuple[ColumnElement[bool], ...]:
    open_runs = select(_ERRORS.c.run_id).where(_ERRORS.c.resolved_at.is_(None))
    return _RUNS.c.shop_id == shop_id, _RUNS.c.finished_at < before, _RUNS.c.id.not_in(open_runs)


def _numbers(result: RunResult) -> dict[str, Any]:
    return result.counts.as_json() | result.api.as_json() | {"waited_s": result.api.waited_s}
