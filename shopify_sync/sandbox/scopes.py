"""Which access scopes a document needs.

Source: the access that Shopify's schema documents per type and field, for the types served here. A write scope
includes the read scope of the same resource.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shopify_sync.sandbox.plan import Field, Plan

ALL_SCOPES = (
    "read_products",
    "write_products",
    "read_publications",
    "write_publications",
    "read_inventory",
    "write_inventory",
    "read_files",
    "write_files",
    "read_orders",
    "write_orders",
    "read_all_orders",
    "read_order_edits",
    "write_order_edits",
    "read_returns",
    "write_returns",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
)
_DOCS = "https://shopify.dev/api/usage/access-scopes"
_PRODUCTS = ("read_products",)
_MEDIA = (
    "read_products",
    "read_files",
    "read_themes",
    "read_orders",
    "read_draft_orders",
    "read_images",
    "read_quick_sale",
)
_STOCK = ("read_inventory",)
_PUBLICATIONS = ("read_publications",)
_ORDERS = ("read_orders", "read_marketplace_orders")
_ORDERS_ONLY = ("read_orders",)
_FULFILLMENT_ORDERS = (
    "read_assigned_fulfillment_orders",
    "read_merchant_managed_fulfillment_orders",
    "read_third_party_fulfillment_orders",
)
_FULFILLMENT_ORDERS_OR = (*_FULFILLMENT_ORDERS, "read_marketplace_fulfillment_orders")
_RETURNS = ("read_returns", "read_marketplace_returns")
_EDITS = ("read_order_edits",)
_ORDER_TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "FulfillmentLineItem", "FulfillmentOriginAddress", "LineItem", "OrderAdjustment", "OrderTransaction",
            "Refund", "RefundLineItem", "RefundShippingLine",
        ),
        _ORDERS,
    ),
    **dict.fromkeys(
        (
            "AdditionalFee", "Duty", "LineItemGroup", "LineItemSellingPlan", "OrderApp", "OrderCancellation",
            "OrderPaymentCollectionDetails", "OrderRiskAssessment", "OrderRiskSummary", "RiskFact", "TransactionFee",
        ),
        _ORDERS_ONLY,
    ),
    **dict.fromkeys(
        ("FulfillmentOrder", "FulfillmentHold", "FulfillmentOrderAssignedLocation"), _FULFILLMENT_ORDERS_OR
    ),
    **dict.fromkeys(("FulfillmentOrderDestination", "FulfillmentOrderLineItem"), _FULFILLMENT_ORDERS),
    **dict.fromkeys(
        ("Return", "ReturnLineItem", "ReturnLineItemType", "UnverifiedReturnLineItem"),
        _RETURNS,
    ),
    **dict.fromkeys(("CalculatedOrder", "CalculatedLineItem"), _EDITS),
    "Order": ("read_orders", "read_marketplace_orders", "read_quick_sale"),
    "CashRoundingAdjustment": ("read_orders", "read_quick_sale"),
    "ReturnReasonDefinition": ("read_returns",),
    "Fulfillment": (*_ORDERS, *_FULFILLMENT_ORDERS_OR),
    "FulfillmentTrackingInfo": (*_ORDERS, *_FULFILLMENT_ORDERS_OR),
}  # fmt: skip
_TYPES: dict[str, tuple[str, ...]] = {
    **_ORDER_TYPES,
    "Product": _PRODUCTS,
    "ProductVariant": _PRODUCTS,
    "Collection": _PRODUCTS,
    "CollectionRule": _PRODUCTS,
    "CollectionRuleSet": _PRODUCTS,
    "LinkedMetafield": _PRODUCTS,
    "ProductOption": _PRODUCTS,
    "ProductOptionValue": _PRODUCTS,
    "ProductOptionValueSwatch": _PRODUCTS,
    "ProductPriceRangeV2": _PRODUCTS,
    "ProductCompareAtPriceRange": _PRODUCTS,
    "ProductOperation": _PRODUCTS,
    "ProductSetOperation": _PRODUCTS,
    "ProductDeleteOperation": _PRODUCTS,
    "InventoryItem": ("read_inventory", "read_products"),
    "InventoryItemMeasurement": ("read_inventory", "read_products"),
    "Media": _MEDIA,
    "MediaImage": _MEDIA,
    "Video": _MEDIA,
    "ExternalVideo": _MEDIA,
    "Model3d": _MEDIA,
    "File": _MEDIA,
    "MediaImageOriginalSource": _MEDIA,
}
_PUBLICATION_FIELDS = frozenset(
    (
        "availablePublicationsCount",
        "resourcePublications",
        "resourcePublicationsCount",
        "resourcePublicationsV2",
        "unpublishedPublications",
        "publications",
    )
)
_STOCK_FIELDS = frozenset(("duplicateSkuCount", "inventoryHistoryUrl", "locationsCount"))
_ROOT_FIELDS = frozenset(
    (
        "collectionByIdentifier",
        "collectionsCount",
        "productByIdentifier",
        "productVariantsCount",
        "productsCount",
    )
)
_ROOTS_OF_ORDERS = {"ordersCount": _ORDERS, "orderByIdentifier": _ORDERS}
_WRITE_ORDERS = ("write_orders", "write_marketplace_orders")
_WRITE_FULFILLMENTS = (
    "write_assigned_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
    "write_third_party_fulfillment_orders",
)
_WRITE_RETURNS = ("write_returns", "write_marketplace_returns")
_ORDER_WRITES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("orderCancel", "orderCapture", "refundCreate"), _WRITE_ORDERS),
    **dict.fromkeys(("orderClose", "orderCreate", "orderDelete", "orderMarkAsPaid", "orderOpen"), ("write_orders",)),
    **dict.fromkeys(("fulfillmentCancel", "fulfillmentCreate", "fulfillmentTrackingInfoUpdate"), _WRITE_FULFILLMENTS),
    "fulfillmentOrderReportProgress": _WRITE_FULFILLMENTS[:2],
    **dict.fromkeys(("fulfillmentOrderHold", "fulfillmentOrderReleaseHold"), _WRITE_FULFILLMENTS[1:]),
    **dict.fromkeys(
        ("orderEditAddVariant", "orderEditBegin", "orderEditCommit", "orderEditSetQuantity"), ("write_order_edits",)
    ),
    **dict.fromkeys(
        (
            "returnApproveRequest", "returnCancel", "returnClose", "returnCreate", "returnDeclineRequest",
            "returnReopen", "returnRequest",
        ),
        _WRITE_RETURNS,
    ),
    "orderUpdate": (*_WRITE_ORDERS, "write_quick_sale"),
}  # fmt: skip
_WRITES: dict[str, tuple[str, ...]] = {
    **_ORDER_WRITES,
    "fileUpdate": ("write_files", "write_themes"),
    "publishablePublish": ("write_publications",),
    "publishableUnpublish": ("write_publications",),
}


_OWNERS = ("write_products", "write_orders", "write_customers")  # of what has tags and metafields


def owner_refusal(scopes: frozenset[str], kind: str, field: str) -> str | None:
    """Why tags or metafields of this type may not be written; None when they may, and for types without a rule."""
    needed = {"Order": "write_orders", "Product": "write_products", "ProductVariant": "write_products"}.get(kind)
    if needed is None or needed in scopes:
        return None
    return f"Access denied for {field} field. Required access: `{needed}` access scope."


def granted(scopes: frozenset[str]) -> frozenset[str]:
    """`scopes` with the read scopes that the write scopes among them include."""
    return scopes | {f"read_{scope.removeprefix('write_')}" for scope in scopes if scope.startswith("write_")}


def refusals(plan: Plan, scopes: frozenset[str]) -> list[dict[str, Any]]:
    """An ACCESS_DENIED entry for each place of the document that the caller may not see."""
    return list(_refused(plan.fields, (), plan.kind, granted(scopes)))


def _refused(
    fields: tuple[Field, ...], path: tuple[str, ...], root: str | None, have: frozenset[str]
) -> Iterator[dict[str, Any]]:
    for at in fields:
        here = (*path, at.key)
        needed = _needed(at, root)
        if needed and not have & set(needed):
            yield _refusal(at, here, needed)
            continue  # what is below is refused with it
        seen: set[str] = set()
        for below in at.sub.values():  # the concrete types of an interface share most of their fields
            fresh = tuple(each for each in below if each.key not in seen)
            seen.update(each.key for each in fresh)
            yield from _refused(fresh, here, None, have)


def _needed(at: Field, root: str | None) -> tuple[str, ...]:
    if root == "mutation":
        if at.name.startswith(("tags", "metafields")):  # which of them, the owner decides: `owner_refusal`
            return _OWNERS
        owner = ("write_products",) if at.name.startswith(("product", "collection")) else ()
        return _WRITES.get(at.name, owner)
    if at.name in _PUBLICATION_FIELDS:
        return _PUBLICATIONS
    if at.parent == "InventoryItem" and at.name in _STOCK_FIELDS:
        return _STOCK
    if root == "query" and at.name in _ROOT_FIELDS:
        return _PRODUCTS
    if root == "query" and at.name in _ROOTS_OF_ORDERS:
        return _ROOTS_OF_ORDERS[at.name]
    if at.parent.endswith(("Edge", "Connection")):
        return ()  # reported once, where the connection is asked for
    return _TYPES.get(at.inner.removesuffix("Connection"), ())


def _refusal(at: Field, path: tuple[str, ...], needed: tuple[str, ...]) -> dict[str, Any]:
    names = [f"`{scope}` access scope" for scope in needed]
    required = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    place = at.node.loc
    assert place is not None
    where = place.source.get_location(place.start)
    return {
        "message": f"Access denied for {at.name} field. Required access: {required}.",
        "locations": [{"line": where.line, "column": where.column}],
        "extensions": {"code": "ACCESS_DENIED", "documentation": _DOCS, "requiredAccess": f"{required}."},
        "path": list(path),
    }
