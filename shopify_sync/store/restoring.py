"""Giving rows back what they had before a run: their fields, and the base that went with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import insert, select

from shopify_sync.columns import storage_time
from shopify_sync.records import Change, LocalRecord, Record
from shopify_sync.spec import canonical, plain
from shopify_sync.spec.mapping import parse_time
from shopify_sync.store import journal
from shopify_sync.store.merging import RowMerger
from shopify_sync.store.rows import node_of

if TYPE_CHECKING:
    from shopify_sync.store.session import DatabaseSession


def put_back(session: DatabaseSession, now: LocalRecord | None, here: Record, change: Change, *, unlink: bool) -> None:
    """Write `here` onto the rows, and the payload of before beside them.

    The time of Shopify's last change is not put back where it is not known: the next pull then asks again.
    """
    told = change.before if isinstance(change.before, dict) else {}
    payload, row = told.get("payload"), told.get("row") or {}
    if now is None:
        _again(session, here, change)
        return
    here = _in_their_rows(session, here, now.local_id, change)
    stored = session.local.reader.rows(session.conn, [now.local_id])[0]
    at = session.local.clock.now()
    journal.whole(session.conn, session.local.run_id, session.entity, now, plain(here), at, stored)
    RowMerger(session.local).apply(session.conn, now.local_id, here, node_of(payload) if payload else None)
    edited = now.dirty and not row
    values: dict[str, Any] = {
        "payload": _text(payload),
        "payload_hash": canonical(session.entity, node_of(payload))[1] if payload else None,
        "updated_at": _time(row.get("updated_at") or told.get("at")),
        "deleted_at": _time(row.get("deleted_at")),
        "synced_at": None,
        "dirty": bool(row.get("dirty")) or edited,
        "disputed": session.dialect.document(row.get("disputed")),
        "held_rev": None,
        "refused_rev": None,
        "push_started_at": None,
    }
    if unlink:
        values |= {"shopify_id": None, "payload": None, "payload_hash": None, "updated_at": None, "dirty": True}
    mark = session.dialect.mark
    sets = ", ".join(f"{name} = {mark}" for name in values)
    session.conn.exec_driver_sql(
        f"UPDATE {session.writer.name} SET {sets}, sync_rev = sync_rev + 1 WHERE id = {mark}",
        (*values.values(), now.local_id),
    )
    if unlink:
        for child in session.writer.children:
            constant = "".join(f" AND {name} = '{value}'" for name, value in child.child.fixed.items())
            session.conn.exec_driver_sql(
                f"UPDATE {child.name} SET shopify_id = NULL, sync_rev = sync_rev + 1 "
                f"WHERE {child.child.parent_column} = {mark}{constant}",
                (now.local_id,),
            )


def _again(session: DatabaseSession, here: Record, change: Change) -> None:
    """The rows are gone: they come back under the ids that they had, in step with what Shopify had."""
    table, told = session.local.reader.table, change.before
    payload = told.get("payload")
    values = {c.name: here[c.name] for c in session.entity.columns if here.get(c.name) is not None}
    values |= {"shop_id": session.local.shop_id, "sync_rev": 1, "dirty": payload is None}
    if payload is not None:
        node = node_of(payload)
        values |= {"payload": node, "payload_hash": canonical(session.entity, node)[1]}
        at = (told.get("row") or {}).get("updated_at") or told.get("at")
        values["updated_at"] = parse_time(at) if at else None
    taken = session.conn.execute(select(table.c.id).where(table.c.id == change.local_id)).first()
    if change.local_id is not None and taken is None:
        values["id"] = change.local_id
    made = session.conn.execute(insert(table).values(**values)).inserted_primary_key
    if made is None:
        raise AssertionError("an inserted row has an id")
    local_id = int(made[0])
    journal.again(session.conn, session.local.run_id, session.entity, local_id, change, session.local.clock.now())
    here = _in_their_rows(session, here, local_id, change)
    RowMerger(session.local).apply(session.conn, local_id, here, node_of(payload) if payload else None)


def _in_their_rows(session: DatabaseSession, here: Record, parent: int, change: Change) -> Record:
    """With the local ids of elements that went."""
    lists = {
        child.name: [
            item | {"local_id": known} if "local_id" not in item and known is not None else item
            for item in here.get(child.name) or []
            for known in [change.rows.get((child.table.__tablename__, parent, item.get("shopify_id")))]  # type: ignore[attr-defined]
        ]
        for child in session.entity.children
        if child.target is None
    }
    return here | lists


def _text(payload: Any) -> str | None:
    if payload is None or isinstance(payload, str):
        return payload
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS).decode()


def _time(value: Any) -> str | None:
    return storage_time(parse_time(value)) if value else None
