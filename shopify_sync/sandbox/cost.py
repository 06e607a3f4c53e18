"""What a document costs, in points: requested before it runs, actual after.

Rules fitted to about 8,200 recorded pairs of document and `requestedQueryCost` (Shopify's docs give an outline):
a connection costs 2 + m(n) × (one node, its own 1 included) with n = first or last and m(n) = floor(2·ln n), at
least 1; a list of objects costs as one of them; an interface as its dearest type; some objects are free; `Count`
costs 10 at the root and 1 below; a mutation costs 10 plus what is below its payload's objects. How the actual
cost is counted is not documented: here the same rules with the number of nodes that came back, 0 for null.
"""

from __future__ import annotations

import math
from typing import Any

from shopify_sync.sandbox.plan import Field, Plan, Variables

MAX_QUERY_COST = 1000  # Shopify docs: a single query may not cost more, on any plan
_FREE = frozenset(
    (
        "CollectionRuleSet",
        "CustomerEmailMarketingConsentState",
        "CustomerSmsMarketingConsentState",
        "InventoryItemMeasurement",
        "LocationAddress",
        "MoneyBag",
        "MoneyV2",
        "PageInfo",
        "Weight",
    )
)
_FREE_HERE = frozenset((("Customer", "defaultAddress"),))  # recorded: an order's addresses cost 1 each, this one not
_DEAR_SCALARS = frozenset((("Location", "hasUnfulfilledOrders"),))  # recorded: costs 1
_MUTATION = 10
_DEARER = {
    "fileCreate": 20,
    "fulfillmentTrackingInfoUpdate": 50,
    "orderCapture": 20,
    "productCreateMedia": 20,
    "refundCreate": 20,
}
# Points per element of the input. Source: description of productSet in Shopify's schema; the share of a variant in
# the bulk mutations was recorded.
_VARIANT, _METAFIELD, _FILE, _VARIANT_FILE = 0.2, 0.4, 1.9, 0.6


def multiplier(count: int) -> int:
    """By how much a page of `count` nodes multiplies the cost of one."""
    return 0 if count <= 0 else max(1, math.floor(2 * math.log(count)))


def requested_cost(plan: Plan, variables: Variables) -> int:
    """The points that must be in the bucket before the operation runs."""
    if plan.kind == "mutation":
        total = 0.0
        for root in plan.fields:
            own = _DEARER.get(root.name, _MUTATION)
            total += own + _input_cost(root, variables) + _payload(root, variables)
        return round(total)
    return max(1, sum(_field(root, variables, root=True) for root in plan.fields))


def actual_cost(plan: Plan, variables: Variables, data: dict[str, Any] | None) -> int:
    """The points that the answer `data` was worth; never above the requested cost for the same arguments."""
    if data is None:
        return 0
    if plan.kind == "mutation":
        total = 0.0
        for root in plan.fields:
            payload = data.get(root.key)
            total += _DEARER.get(root.name, _MUTATION) + _input_cost(root, variables)
            if payload is not None:
                total += sum(_came(below, payload[below.key], free=True) for below in _only(root))
        return round(total)
    return max(1, sum(_came(root, data.get(root.key), root=True) for root in plan.fields))


def cost_fields(plan: Plan, variables: Variables) -> list[dict[str, Any]]:
    """The breakdown that the header `Shopify-GraphQL-Cost-Debug: 1` asks for: one entry per field with a price."""
    found: list[dict[str, Any]] = []

    def walk(at: Field, path: list[str], root: bool) -> None:
        total = _field(at, variables, root=root)
        if not at.sub:
            return
        here = [*path, at.key]
        own = _own(at, root=root)
        found.append(
            {
                "path": here,
                "definedCost": own,
                "requestedTotalCost": total,
                "requestedChildrenCost": total - own,
            }
        )
        for fields in at.sub.values():
            for below in fields:
                walk(below, here, False)

    for each in plan.fields:
        walk(each, [], True)
    return found


def _only(at: Field) -> tuple[Field, ...]:
    return next(iter(at.sub.values()), ())


def _own(at: Field, *, root: bool) -> int:
    if at.is_connection:
        return 2
    if at.inner == "Count":
        return 10 if root else 1
    return 0 if at.inner in _FREE or (at.parent, at.name) in _FREE_HERE else 1


def _children(at: Field, variables: Variables) -> int:
    return max((sum(_field(below, variables) for below in fields) for fields in at.sub.values()), default=0)


def _field(at: Field, variables: Variables, *, root: bool = False) -> int:
    if not at.sub:
        return int((at.parent, at.name) in _DEAR_SCALARS)
    if not at.is_connection:
        return _own(at, root=root) + _children(at, variables)
    args = at.arguments(variables)
    size = args.get("first") if args.get("first") is not None else args.get("last")
    return 2 + multiplier(size or 0) * _node(at, variables)


def _node(connection: Field, variables: Variables) -> int:
    """The cost of one node of a connection: what `nodes` and `edges` ask, added up."""
    total = 0
    for part in _only(connection):
        if part.name == "nodes":
            total += 1 + _children(part, variables)
        elif part.name == "edges":
            below = (1 + _children(each, variables) for each in _only(part) if each.name == "node")
            total += sum(below)
    return total


def _payload(root: Field, variables: Variables) -> int:
    """Objects directly in a mutation's payload are free, what is below them is not."""
    total = 0
    for below in _only(root):
        if below.is_connection:
            total += _field(below, variables)
        elif below.sub:
            total += _children(below, variables)
    return total


def _input_cost(root: Field, variables: Variables) -> float:
    """What the input adds; metafields were recorded to count in productCreate and the bulk mutations as well."""
    if not root.name.startswith("product"):
        return 0.0
    args = root.arguments(variables)
    given = args.get("input") or args.get("product") or {}
    variants = given.get("variants") or args.get("variants") or ()
    metafields = [given.get("metafields") or (), *(each.get("metafields") or () for each in variants)]
    return (
        _VARIANT * len(variants)
        + _METAFIELD * sum(map(len, metafields))
        + _FILE * len(given.get("files") or ())
        + _VARIANT_FILE * sum(1 for each in variants if each.get("file"))
    )


def _came(at: Field, value: Any, *, root: bool = False, free: bool = False) -> int:
    """The cost of what came back for a field."""
    if value is None or not at.sub:
        return 0
    if at.is_connection:
        return _came_page(at, value)
    items = value if isinstance(value, list) else [value]
    below = max((_came_object(at, item) for item in items if item is not None), default=0)
    return (0 if free else _own(at, root=root)) + below


def _came_object(at: Field, item: dict[str, Any]) -> int:
    if len(at.sub) == 1:
        return sum(_came(below, item[below.key]) for below in _only(at) if below.sub)
    best = 0  # the concrete type is not in the answer: the dearest reading of the keys that are there
    for fields in at.sub.values():
        if all(below.key in item for below in fields):
            best = max(best, sum(_came(below, item[below.key]) for below in fields if below.sub))
    return best


def _came_page(at: Field, value: dict[str, Any]) -> int:
    total = 2
    for part in _only(at):
        items = value.get(part.key)
        if not items or part.name not in ("nodes", "edges"):
            continue
        if part.name == "nodes":
            total += multiplier(len(items)) * (1 + max(_came_object(part, item) for item in items))
        else:
            for each in _only(part):
                if each.name == "node":
                    below = max(_came_object(each, item[each.key]) for item in items)
                    total += multiplier(len(items)) * (1 + below)
    return total
