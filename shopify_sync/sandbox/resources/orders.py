"""`orderCreate`, `orderUpdate`, `orderClose`, `orderOpen`, `orderDelete`."""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Context, TopLevelError, mutation
from shopify_sync.sandbox.resources import order_effects as effects
from shopify_sync.sandbox.resources.checks import error, id_in
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.fulfillment_model import assign, close_all, fulfill
from shopify_sync.sandbox.resources.metafield_model import Rows
from shopify_sync.sandbox.resources.order_checks import address_problems, phone_problem
from shopify_sync.sandbox.resources.order_input import built, problems
from shopify_sync.sandbox.resources.order_log import note_order
from shopify_sync.sandbox.resources.order_model import TABLE, archive_soon, find_order, parts_of, reopen, save
from shopify_sync.sandbox.resources.tags import normalised, refusal
from shopify_sync.sandbox.state import Record, Shop

MISSING = "Order does not exist"  # recorded: order-update-unknown-id
_UPDATED = ("email", "note", "phone", "poNumber")
_PARTS = {
    "fulfillmentOrderIds": "FulfillmentOrder",
    "fulfillmentIds": "Fulfillment",
    "refundIds": "Refund",
    "returnIds": "Return",
}
_KEPT_GATEWAYS = ("shopify_payments",)  # Shopify's help: orders paid through these can't be deleted


_NOT_CREATED = ("companyLocationId",)
_NOT_UPDATED = ("localizationExtensions", "localizedFields")


def _served(given: dict[str, Any], others: tuple[str, ...]) -> None:
    """Raise TopLevelError for input that the sandbox has no answer to."""
    for key in others:
        if given.get(key) is not None:
            raise TopLevelError(f"The sandbox does not serve {key}", "NOT_IMPLEMENTED")


def order_missing(field: str = "id", code: str | None = None) -> Record:
    return error([field], MISSING, code)


@mutation("orderCreate")
def order_create(ctx: Context, args: Record) -> Record:
    """Make an order, and with `options.inventoryBehaviour` claim its stock; see order_input.py.

    Raises TopLevelError.
    """
    given, options = args["order"], args.get("options") or {}
    _served(given, _NOT_CREATED)
    wrong = problems(ctx, given, options)
    if wrong:
        return {"order": None, "userErrors": wrong}
    order = built(ctx, given)
    rows = Rows(ctx, ctx.shop.gid(TABLE, order["id"]), "ORDER")
    wrong = rows.write_inputs(given.get("metafields") or [], ["order", "metafields"], "INVALID", whole=False)
    if wrong:
        return {"order": None, "userErrors": wrong}
    for row in rows.changed.values():
        ctx.shop.put("Metafield", row)
    claim = (options.get("inventoryBehaviour") or "BYPASS") != "BYPASS"
    _fulfil_as_given(ctx.shop, order, given, claim=claim)
    note_order(ctx.shop, "placed", order)
    save(ctx.shop, order, financial=order["financial"] is None)
    archive_soon(ctx.shop, order)
    return {"order": order, "userErrors": []}


def _fulfil_as_given(shop: Shop, order: Record, given: dict[str, Any], *, claim: bool) -> None:
    """The order's fulfilment orders, and what `fulfillment` or `fulfillmentStatus` says of them.

    A status alone makes no fulfilment; recorded: order-create-parity.
    """
    made = assign(shop, order, order["lines"], claim=claim)
    wanted = given.get("fulfillment")
    if wanted is not None:
        rows = [(record, row, row["remaining"]) for record in made for row in record["lines"]]
        company, number = wanted.get("trackingCompany"), wanted.get("trackingNumber")
        numbers = wanted.get("trackingNumbers") or ([number] if number else [])
        tracked = [{"company": company, "number": each, "url": None} for each in numbers]
        place = id_in(wanted["locationId"], "Location")
        fulfill(shop, order, rows, tracking=tracked, locationId=place, displayStatus=_shown(wanted))
        return
    status = given.get("fulfillmentStatus")
    if status == "RESTOCKED":
        order["cancelledAt"] = shop.now_iso()
        order["cancelReason"] = "OTHER"
        close_all(shop, order, restock=True)
        for line in order["lines"]:
            line["cancelled"] = line["quantity"]
    for record in made if status in ("FULFILLED", "PARTIAL") else ():
        for row in record["lines"]:
            line = next(line for line in order["lines"] if line["id"] == row["lineId"])
            if status == "FULFILLED" or line is order["lines"][0]:
                line["fulfilled"], row["remaining"] = line["quantity"], 0
                row.pop("claimed", None)
        if not any(row["remaining"] for row in record["lines"]):
            record["status"] = "CLOSED"
        shop.put("FulfillmentOrder", record)


def _shown(wanted: dict[str, Any]) -> str:
    return wanted.get("shipmentStatus") or "FULFILLED"


@mutation("orderUpdate")
def order_update(ctx: Context, args: Record) -> Record:
    """Change contact details, note, tags, attributes, address and metafields; a refusal changes nothing.

    Recorded: order-update-parity, orderUpdate-input-validation, order-update-unknown-id. That a new address changes the
    taxes of an unfulfilled order (2026-10) is not simulated: the sandbox has no tax rates. Raises TopLevelError.
    """
    given = args["input"]
    found = find_order(ctx, given["id"])
    if found is None:
        return {"order": None, "userErrors": [order_missing()]}
    _served(given, _NOT_UPDATED)
    if given.keys() <= {"id"}:
        row = error(None, "No valid update parameters have been provided")
        return {"order": found, "userErrors": [row]}
    wrong = phone_problem(given.get("phone"), ["phone"])
    wrong += address_problems(given.get("shippingAddress"), ["shippingAddress"])
    tagged = refusal(given.get("tags") or [], ["tags"])
    rows = Rows(ctx, ctx.shop.gid(TABLE, found["id"]), "ORDER")
    wrong += [{**tagged, "message": "Tags is invalid"}] if tagged else []
    wrong += rows.write_inputs(given.get("metafields") or [], ["metafields"], None, whole=False)
    if wrong:
        return {"order": found, "userErrors": wrong}
    order = copied(found)
    for key in _UPDATED:
        if key in given:
            order[key] = given[key]
    if "tags" in given:
        order["tags"] = normalised(given["tags"] or [])
    if "customAttributes" in given:
        order["customAttributes"] = [dict(row) for row in given["customAttributes"] or []]
    if given.get("shippingAddress") is not None:
        order["shippingAddress"] = effects.address_of(ctx.shop, given["shippingAddress"])
    for row in rows.changed.values():
        ctx.shop.put("Metafield", row)
    note_order(ctx.shop, "update", order)
    return {"order": save(ctx.shop, order, financial=False), "userErrors": []}


@mutation("orderClose")
def order_close(ctx: Context, args: Record) -> Record:
    """Archive. A closed order stays as it is, its times too; recorded: orderClose-noop-on-already-closed."""
    found = find_order(ctx, args["input"]["id"])
    if found is None:
        return {"order": None, "userErrors": [order_missing()]}
    if found["closedAt"] is not None:
        return {"order": found, "userErrors": []}
    order = copied(found)
    order["closedAt"] = ctx.shop.now_iso()
    note_order(ctx.shop, "closed", order)
    return {"order": save(ctx.shop, order, financial=False), "userErrors": []}


@mutation("orderOpen")
def order_open(ctx: Context, args: Record) -> Record:
    """Take a closed order out of the archive; recorded: orderOpen-parity."""
    found = find_order(ctx, args["input"]["id"])
    if found is None:
        return {"order": None, "userErrors": [order_missing()]}
    if found["closedAt"] is None:
        return {"order": found, "userErrors": []}
    order = copied(found)
    reopen(order)
    note_order(ctx.shop, "re_opened", order)
    return {"order": save(ctx.shop, order, financial=False), "userErrors": []}


@mutation("orderDelete")
def order_delete(ctx: Context, args: Record) -> Record:
    """Remove an order with all that belongs to it. Recorded for test orders, paid and fulfilled ones too:
    fulfillment-create-preconditions. Which others can't be deleted: Shopify's help, "Delete an order".
    """
    found = find_order(ctx, args["orderId"])
    if found is None:
        return {"deletedId": None, "userErrors": [order_missing("orderId", "NOT_FOUND")]}
    paid = [row for row in found.get("transactions") or [] if row["gateway"] in _KEPT_GATEWAYS]
    if paid and not found.get("test"):  # the text was not recorded
        row = error(["orderId"], "Order can't be deleted", "INVALID")
        return {"deletedId": None, "userErrors": [row]}
    delete_order(ctx.shop, copied(found))
    return {"deletedId": ctx.shop.gid(TABLE, found["id"]), "userErrors": []}


def delete_order(shop: Shop, order: Record) -> None:
    """Remove an order, its parts and its metafields; stock that it had committed can be sold again."""
    close_all(shop, order, restock=True)
    for key, kind in _PARTS.items():
        for part in parts_of(shop, order, key):
            shop.drop(kind, part["id"])
    for row in shop.metafields_of(shop.gid(TABLE, order["id"])):
        shop.drop("Metafield", row["id"])
    effects.note_customer(shop, order, gone=True)
    note_order(shop, "destroy", order)
    shop.drop(TABLE, order["id"])
