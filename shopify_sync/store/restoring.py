"""Giving rows back what they had before a run: their fields, and the base that went with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from shopify_sync.columns import storage_time
from shopify_sync.records import Change, LocalRecord, Record
from shopify_sync.spec import canonical, plain
from shopify_sync.spec.mapping import parse_time
from shopify_sync.store import journal
from shopify_sync.store.edits import Editor
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
        _again(session, here, payload)
        return
    journal.whole(session.conn, session.local.run_id, session.entity, now, plain(here), session.local.clock.now())
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


def _again(session: DatabaseSession, here: Record, payload: Any) -> None:
    """The rows are gone: they come back as a record of their own, in step with what Shopify had."""
    editor = Editor(session.entity, session.local.shop_id)
    editor.insert(session.conn, here)


def _text(payload: Any) -> str | None:
    if payload is None or isinstance(payload, str):
        return payload
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS).decode()


def _time(value: Any) -> str | None:
    return storage_time(parse_time(value)) if value else None
