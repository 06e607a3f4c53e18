"""Telling our own writes, when they are seen again, from somebody else's. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from shopify_sync.records import LocalRecord, Record
from shopify_sync.spec import Entity

# `updatedAt` has whole seconds: a second change within the same second does not show in it. A record read at least
# this long after its last change was read with all of that second's changes.
CERTAIN_AFTER = timedelta(seconds=5)
# A record found on Shopify under the key that we were about to create is ours if it is not older than the intention.
# Times there have whole seconds and the Date header rounds down.
INTENT_SLACK = timedelta(seconds=2)


def certain(read_at: datetime | None, updated_at: datetime) -> bool:
    """Whether a record that was read then, and was last changed at that second, was read with all its changes."""
    return read_at is not None and read_at >= updated_at + CERTAIN_AFTER


def created_by_us(local: LocalRecord, made_at: datetime | None) -> bool:
    """Whether a record on Shopify is the one that an earlier, interrupted run of ours created."""
    if local.push_started_at is None or made_at is None:
        return False
    return made_at >= local.push_started_at - INTENT_SLACK


def recognised(entity: Entity, local: LocalRecord, remote: Record, *, sent: bool = False) -> Record:
    """`remote`, where what Shopify made of our new elements (a picture at an address of its own) is known again.

    Just `sent`, what is new there is ours, in order. Else the file's name has to tell.
    """
    for child in entity.children:
        if child.remembers is None:
            continue
        column, copy = child.remembers
        records = (local.record, local.seen or {})
        known = {item["shopify_id"] for record in records for item in record.get(child.name, ())}
        sources = {
            item["shopify_id"]: item.get(copy) for item in local.record.get(child.name, ()) if item.get("shopify_id")
        }
        waiting = [item for item in local.record.get(child.name, ()) if item["shopify_id"] is None]
        found = []
        for item in remote[child.name]:
            source = sources.get(item["shopify_id"])
            if item["shopify_id"] not in known:
                mine = next((w for w in waiting if sent or _stem(w, column, copy) == _stem(item, column, copy)), None)
                if mine is not None:
                    waiting.remove(mine)
                    source = mine.get(copy) or mine.get(column)
            found.append(item if source is None else item | {copy: source})
        remote = remote | {child.name: found}
    return remote


def _stem(item: Record, column: str, copy: str) -> str:
    address = str(item.get(copy) or item.get(column) or "")
    return address.partition("?")[0].rpartition("/")[2].rpartition(".")[0].lower()
