"""Why a record is not sent at all, and what a record becomes that Shopify no longer has. Pure."""

from __future__ import annotations

from dataclasses import replace

from shopify_sync.engine.outcome import Task
from shopify_sync.records import Known, LocalRecord, RecordError


def unlinked(local: LocalRecord) -> LocalRecord:
    """A record that Shopify no longer has, as a new one."""
    record = {
        name: [item | {"shopify_id": None} for item in value]
        if isinstance(value, list) and value and isinstance(value[0], dict) and name != "collections"
        else value
        for name, value in local.record.items()
    }
    return replace(
        local, record=record | {"shopify_id": None}, shopify_id=None, node=None, seen=None, disputed=[], decisions={}
    )


def duplicate(task: Task) -> RecordError:
    return RecordError(
        message=f"another new record here has the same key {task.handle!r}",
        code="DUPLICATE_KEY",
        field_path="handle",
        category="validation",
        remedy="give one of them another handle",
        record_key=task.name,
        local_id=task.local.local_id,
    )


def taken(task: Task, holder: Known) -> RecordError:
    """Another record here is the one that has this key on Shopify."""
    return RecordError(
        message=f"the key {task.handle!r} is that of local id {holder.local_id}, which is on Shopify already",
        code="DUPLICATE_KEY",
        field_path="handle",
        category="validation",
        remedy="give this record another handle, or delete it",
        record_key=task.name,
        local_id=task.local.local_id,
    )


def unreadable(local: LocalRecord, path: str) -> RecordError:
    return RecordError(
        message="holds a value that its column is not made for",
        code="UNREADABLE",
        field_path=path,
        category="validation",
        remedy="correct the value in the database; the next push sends the record",
        record_key=local.key,
        shopify_id=local.shopify_id,
        local_id=local.local_id,
    )
