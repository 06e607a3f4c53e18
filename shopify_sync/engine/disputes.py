"""The base of a record whose fields are partly in dispute. Pure.

What Shopify last had is the base of everything both sides agree on; a field in dispute keeps the base that it had
when the dispute began, until somebody decides. `entries` writes that down as JSON beside the record, `overlaid` lays
it over what Shopify had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shopify_sync.records import Dispute, Record
from shopify_sync.spec import Child, Entity, plain, revived
from shopify_sync.spec.compare import label
from shopify_sync.spec.mapping import revived_record


def entries(disputes: Sequence[Dispute]) -> list[dict[str, Any]]:
    """What is kept of each dispute: where it is, and the base."""
    return [
        {
            "path": dispute.path,
            "child": dispute.child,
            "element": dispute.element,
            "column": dispute.column,
            "base": plain(dispute.base),
        }
        for dispute in disputes
    ]


def overlaid(entity: Entity, record: Record, kept: Sequence[dict[str, Any]]) -> Record:
    """A record with the bases of its disputes laid over."""
    if not kept:
        return record
    result = dict(record)
    for entry in kept:
        if not entry["path"]:
            return revived_record(entity, entry["base"])
        if not entry["child"]:
            result |= revived(entity.columns, {entry["column"]: entry["base"]})
        elif entry["column"] == "order":
            pass  # when all elements are there again
        elif entry["element"] is not None:
            child = entity.child[entry["child"]]
            result[child.name] = _element(child, result.get(child.name) or [], entry)
        else:
            for name, items in entry["base"].items():
                result[name] = [revived(entity.child[name].columns, item) for item in items]
    for entry in kept:
        if entry["column"] == "order" and entry["child"]:
            child = entity.child[entry["child"]]
            result[child.name] = _ranked(child, result.get(child.name) or [], entry["element"]["order"])
    return result


def _element(child: Child, items: list[Record], entry: dict[str, Any]) -> list[Record]:
    key, base = entry["element"], entry["base"]
    at = _find(child, items, key)
    if entry["column"]:
        if at is None:
            return items
        changed = items[at] | revived(child.columns, {entry["column"]: base})
        return [*items[:at], changed, *items[at + 1 :]]
    if base is None:
        return [item for place, item in enumerate(items) if place != at]
    element = revived(child.columns, base)
    if at is None:
        own = revived(child.columns, key.get("own") or {})
        return [*items, own | element | {"shopify_id": key["shopify_id"]}]
    return [*items[:at], items[at] | element, *items[at + 1 :]]


def _find(child: Child, items: Sequence[Record], key: dict[str, Any]) -> int | None:
    if key["shopify_id"] is not None:
        for at, item in enumerate(items):
            if item.get("shopify_id") == key["shopify_id"]:
                return at
    for at, item in enumerate(items):
        if label(child, item) == key["label"] and (item.get("shopify_id") is None or key["shopify_id"] is None):
            return at
    return None


def _ranked(child: Child, items: Sequence[Record], keys: Sequence[dict[str, Any]]) -> list[Record]:
    """The elements of `keys` in that order, in the places that they have; what was not there then stays."""
    places = [at for key in keys if (at := _find(child, items, key)) is not None]
    ranked = list(items)
    for at, source in zip(sorted(set(places)), dict.fromkeys(places), strict=True):
        ranked[at] = items[source]
    return ranked
