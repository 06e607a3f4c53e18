"""Why a record is not sent at all, and what a record becomes that Shopify no longer has. Pure."""

from __future__ import annotations

from dataclasses import replace

from shopify_sync.engine.outcome import Task
from shopify_sync.records import Known, LocalRecord, RecordError
from shopify_sync.spec import Entity


def unlinked(entity: Entity, local: LocalRecord) -> LocalRecord:
    """A record that Shopify no longer has, as a new one. What it only links to is there still."""
    parts = {
        child.name: [item | {"shopify_id": None} for item in local.record.get(child.name) or ()]
        for child in entity.children
        if child.target is None
    }
    record = local.record | parts | {"shopify_id": None}
    return replace(local, record=record, shopify_id=None, node=None, seen=None, disputed=[], decisions={})


def duplicate(entity: Entity, task: Task, holder: Known | None) -> RecordError:
    """Another record has its key: the `holder`, which is on Shopify already, or one that is new here as well."""
    key = entity.natural_key
    told = (
        f"the key {task.handle!r} is that of local id {holder.local_id}, which is on Shopify already" if holder else ""
    )
    return RecordError(
        message=told or f"another new record here has the same key {task.handle!r}",
        code="DUPLICATE_KEY",
        field_path=key,
        category="validation",
        remedy=f"give this record another {key}, or delete it" if holder else f"give one of them another {key}",
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
