"""From the input of `orderCreate` to an order record: lines, discounts, taxes, shipping, payments.

Recorded: order-create-parity, order-create-line-item-fields, orderMarkAsPaid-state-and-money (two currencies),
order-create-validation-matrix-extended (codes and fields of the errors; their texts were not recorded).
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shopify_sync.sandbox.registry import Context
from shopify_sync.sandbox.resources import order_effects as effects
from shopify_sync.sandbox.resources.amounts import Bag, Currencies, market_rate, parse, total_of
from shopify_sync.sandbox.resources.checks import TEXT_LIMIT, error, find, id_in
from shopify_sync.sandbox.resources.order_checks import phone_problem
from shopify_sync.sandbox.resources.order_model import add_transaction, new_order
from shopify_sync.sandbox.resources.order_money import net_total, original_total, tax_on
from shopify_sync.sandbox.resources.tags import normalised
from shopify_sync.sandbox.state import Record, iso

Given = dict[str, Any]
_PLAIN = ("email", "note", "phone", "poNumber", "sourceIdentifier", "sourceName")
_CONTROL = ("AUTHORIZATION", "SALE", "CAPTURE", "REFUND", "VOID")


def problems(ctx: Context, given: Given, options: Given) -> list[Record]:
    """What keeps the order from being made; fields and codes of `OrderCreateUserError`."""
    found = []
    moment = given.get("processedAt")
    if moment is not None and _time(moment) > ctx.shop.now_iso():
        found.append(error(["order", "processedAt"], "Processed at must not be in the future", "PROCESSED_AT_INVALID"))
    if given.get("customerId") is not None and given.get("customer") is not None:
        message = "Only one of customer and customer_id may be given"
        found.append(error(["order"], message, "REDUNDANT_CUSTOMER_FIELDS"))
    named = given.get("customerId") or ((given.get("customer") or {}).get("toAssociate") or {}).get("id")
    if named is not None and not effects.knows_customer(ctx.shop, named):
        found.append(error(["order", "customerId"], "Customer does not exist", "INVALID"))
    if not given.get("lineItems"):
        found.append(error(["order", "lineItems"], "Line items must have at least one line item", "INVALID"))
    found += [{**row, "code": "INVALID"} for row in phone_problem(given.get("phone"), ["order", "phone"])]
    if any(len(tag) > TEXT_LIMIT for tag in given.get("tags") or []):
        found.append(error(["order", "tags"], "Tags is invalid", "INVALID"))
    lines = given.get("lineItems") or []
    if given.get("taxLines") and any(line.get("taxLines") for line in lines):
        message = "Tax lines can be specified on the order or on the line items, not on both"
        found.append(error(["order", "taxLines"], message, "INVALID"))
    for place, line in enumerate(lines):
        found += _line_problems(ctx, line, ["order", "lineItems", str(place)], options)
    return found


def _time(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _line_problems(ctx: Context, line: Given, path: list[str], options: Given) -> list[Record]:
    variant = find(ctx.shop, "ProductVariant", line.get("variantId"))
    found = []
    if line["quantity"] <= 0:
        found.append(error([*path, "quantity"], "Quantity must be greater than 0", "INVALID"))
    if variant is None and not (line.get("title") or "").strip():
        found.append(error([*path, "title"], "Title can't be blank", "INVALID"))
    if variant is None and line.get("priceSet") is None:
        found.append(error([*path, "priceSet"], "Price can't be blank", "INVALID"))
    if line.get("fulfillmentService") not in (None, "", "manual"):
        found.append(
            error([*path, "fulfillmentService"], "Fulfillment service is invalid", "FULFILLMENT_SERVICE_INVALID")
        )
    obeying = options.get("inventoryBehaviour") == "DECREMENT_OBEYING_POLICY"
    if obeying and variant is not None and not effects.can_sell(ctx.shop, variant, line["quantity"]):
        found.append(error(path, "Unable to reserve inventory", "INVENTORY_CLAIM_FAILED"))
    return found


def built(ctx: Context, given: Given) -> Record:
    """The order, not yet stored and without fulfilment orders; the input has no problems."""
    shop = ctx.shop
    money = _currencies(ctx, given)
    order = new_order(shop, currency=money.shop, presentment=money.presentment)
    if not money.same:
        order["rate"] = str(money.rate)
    for key in _PLAIN:
        if given.get(key) is not None:
            order[key] = given[key]
    for key in ("test", "taxesIncluded"):
        if given.get(key):
            order[key] = True
    if given.get("name"):
        order["name"] = given["name"]
    order["tags"] = normalised(given.get("tags") or [])
    order["customAttributes"] = [dict(row) for row in given.get("customAttributes") or []]
    for key in ("processedAt", "closedAt"):
        if given.get(key) is not None:
            order[key] = _time(given[key])
    for key in ("shippingAddress", "billingAddress"):
        order[key] = effects.address_of(shop, given.get(key))
    order["customerId"] = _customer(ctx, given)
    order["lines"] = [_line(ctx, order, line, money) for line in given["lineItems"]]
    order["shipping"] = [_shipping(ctx, order, line, money) for line in given.get("shippingLines") or []]
    if given.get("discountCode"):
        _discount(order, given["discountCode"], money)
    _taxes(order, given, money)
    _transactions(ctx, order, given.get("transactions") or [], money)
    order["financial"] = given.get("financialStatus")
    return order


def _currencies(ctx: Context, given: Given) -> Currencies:
    """The order's currencies; the rate is that of the first amount given in both, else the market's."""
    shop = given.get("currency") or ctx.shop.currency
    presentment = given.get("presentmentCurrency") or shop
    rate = market_rate(shop, presentment)
    for row in [*given["lineItems"], *(given.get("shippingLines") or [])]:
        both = row.get("priceSet") or {}
        if both.get("presentmentMoney") and Decimal(both["shopMoney"]["amount"]):
            rate = Decimal(both["presentmentMoney"]["amount"]) / Decimal(both["shopMoney"]["amount"])
            break
    return Currencies(shop, presentment, Decimal(1) if shop == presentment else rate)


def bag_of(given: Given, money: Currencies) -> Bag:
    """The amount of a `MoneyBagInput`."""
    other = given.get("presentmentMoney")
    return money.bag(Decimal(given["shopMoney"]["amount"]), Decimal(other["amount"]) if other else None)


def _customer(ctx: Context, given: Given) -> int | None:
    if given.get("customerId") is not None:
        return id_in(given["customerId"], "Customer")
    chosen = given.get("customer") or {}
    if chosen.get("toAssociate"):
        named = chosen["toAssociate"]
        if named.get("id") is not None:
            return id_in(named["id"], "Customer")
        return effects.customer_by_email(ctx, named["email"]) if named.get("email") else None
    if chosen.get("toUpsert"):
        return effects.customer_from(ctx, chosen["toUpsert"])
    return effects.customer_by_email(ctx, given["email"]) if given.get("email") else None


def line_from_variant(ctx: Context, variant: Record) -> Record:
    """What a line item takes from its variant at the time of the order."""
    product = ctx.shop.table("Product")[variant["productId"]]
    item = ctx.shop.table("InventoryItem")[variant["inventoryItemId"]]
    return {
        "title": product["title"],
        "variantTitle": None if variant["title"] == "Default Title" else variant["title"],
        "sku": variant["sku"],
        "vendor": product["vendor"],
        "productId": product["id"],
        "variantId": variant["id"],
        "requiresShipping": item["requiresShipping"],
        "taxable": variant["taxable"],
        "isGiftCard": product["isGiftCard"],
        "weight": item["weight"],
    }


def _line(ctx: Context, order: Record, given: Given, money: Currencies) -> Record:
    variant = find(ctx.shop, "ProductVariant", given.get("variantId"))
    line: Record = {"id": ctx.shop.next_id("LineItem"), "orderId": order["id"], "quantity": given["quantity"]}
    if variant is not None:
        line.update(line_from_variant(ctx, variant))
    else:
        line["productId"] = id_in(given.get("productId"), "Product")
        line["requiresShipping"] = bool(given.get("requiresShipping"))
    for key in ("title", "variantTitle", "sku", "vendor", "weight"):
        if given.get(key) is not None:
            line[key] = given[key]
    line["taxable"] = given.get("taxable", True) is not False and line.get("taxable", True)
    if given.get("requiresShipping"):
        line["requiresShipping"] = True
    if given.get("giftCard"):
        line.update(isGiftCard=True, taxable=False)
    price = bag_of(given["priceSet"], money) if given.get("priceSet") else money.bag(Decimal((variant or {})["price"]))
    line["price"] = money.text(price)
    rows = given.get("properties") or []
    if rows:
        line["customAttributes"] = [{"key": row["name"], "value": row["value"]} for row in rows]
    return line


def _shipping(ctx: Context, order: Record, given: Given, money: Currencies) -> Record:
    row: Record = {
        "id": ctx.shop.next_id("ShippingLine"),
        "orderId": order["id"],
        "title": given["title"],
        "price": money.text(bag_of(given["priceSet"], money)),
    }
    for key in ("code", "source"):
        if given.get(key) is not None:
            row[key] = given[key]
    return row


# -- discounts


def application(kind: str, value: Given, **given: Any) -> Record:
    """A discount of the whole order, unless `given` says otherwise."""
    made = {
        "_type": kind,
        "targetType": "LINE_ITEM",
        "targetSelection": "ALL",
        "allocationMethod": "ACROSS",
        "value": value,
    }
    return {**made, **given}


def allocate(order: Record, index: int, whole: Bag, rows: list[Record], money: Currencies) -> None:
    """Spread a discount over lines or shipping lines by what they still cost, not more than that."""
    weights = [_cost(row) for row in rows]
    limit = total_of({"amount": money.text(weight)} for weight in weights)
    whole = Bag(min(whole.shop, limit.shop), min(whole.presentment, limit.presentment))
    for row, part in zip(rows, money.split(whole, weights), strict=True):
        if part:
            row.setdefault("allocations", []).append({"index": index, "amount": money.text(part)})


def _cost(row: Record) -> Bag:
    if "quantity" in row:
        return net_total(row)
    return parse(row["price"]) - total_of(row.get("allocations") or ())


def _discount(order: Record, given: Given, money: Currencies) -> None:
    """The one code of an input. Kinds: descriptions of `OrderCreateDiscountCodeInput`."""
    order["discounts"] = rows = []
    fixed, percent = given.get("itemFixedDiscountCode"), given.get("itemPercentageDiscountCode")
    free = given.get("freeShippingDiscountCode")
    if fixed:
        amount = bag_of(fixed["amountSet"], money) if fixed.get("amountSet") else Bag(Decimal(0), Decimal(0))
        value: Record = {"amount": money.text(amount)}
        rows.append(application("DiscountCodeApplication", value, code=fixed["code"]))
        allocate(order, 0, amount, order["lines"], money)
    elif percent:
        share = Decimal(str(percent.get("percentage") or 0))
        rows.append(application("DiscountCodeApplication", {"percentage": float(share)}, code=percent["code"]))
        allocate(order, 0, percentage_of(order["lines"], share, money), order["lines"], money)
    elif free:
        value = {"percentage": 100.0}
        kind = "DiscountCodeApplication"
        rows.append(application(kind, value, code=free["code"], targetType="SHIPPING_LINE", allocationMethod="EACH"))
        whole = total_of(order["shipping"], "price")
        allocate(order, 0, whole, order["shipping"], money)


def percentage_of(lines: list[Record], share: Decimal, money: Currencies) -> Bag:
    """A percentage of all lines together, rounded once."""
    whole = Bag(Decimal(0), Decimal(0))
    for line in lines:
        whole += original_total(line)
    return money.bag(whole.shop * share / 100, whole.presentment * share / 100)


# -- taxes and payments


def _taxes(order: Record, given: Given, money: Currencies) -> None:
    for line, row in zip(order["lines"], given["lineItems"], strict=True):
        _tax_lines(order, line, row.get("taxLines"), net_total(line), money)
    for line, row in zip(order["shipping"], given.get("shippingLines") or [], strict=True):
        _tax_lines(order, line, row.get("taxLines"), _cost(line), money)
    taxable = [line for line in order["lines"] if line["taxable"]]
    for row in given.get("taxLines") or []:
        nets = [net_total(line) for line in taxable]
        if row.get("priceSet"):
            parts = money.split(bag_of(row["priceSet"], money), nets) if taxable else []
        else:
            parts = [_tax_on(order, net, row, money) for net in nets]
        for line, part in zip(taxable, parts, strict=True):
            line.setdefault("taxes", []).append(_tax_row(row, part, money))


def _tax_lines(order: Record, line: Record, given: list[Given] | None, net: Bag, money: Currencies) -> None:
    for row in given or []:
        amount = bag_of(row["priceSet"], money) if row.get("priceSet") else _tax_on(order, net, row, money)
        line.setdefault("taxes", []).append(_tax_row(row, amount, money))


def _tax_on(order: Record, net: Bag, row: Given, money: Currencies) -> Bag:
    return tax_on(net, Decimal(row["rate"]), money, included=bool(order.get("taxesIncluded")))


def _tax_row(row: Given, amount: Bag, money: Currencies) -> Record:
    made = {"title": row["title"], "rate": float(row["rate"]), "amount": money.text(amount)}
    return {**made, "channelLiable": True} if row.get("channelLiable") else made


def _transactions(ctx: Context, order: Record, given: list[Given], money: Currencies) -> None:
    """Captures and refunds follow the payment before them, as nothing in the input says which they belong to."""
    parents: dict[str, int] = {}
    for row in given:
        kind = row.get("kind") or "SALE"
        needs = {"CAPTURE": ("AUTHORIZATION",), "VOID": ("AUTHORIZATION",), "REFUND": ("CAPTURE", "SALE")}
        parent = next((parents[each] for each in needs.get(kind, ()) if each in parents), None)
        extra = {} if parent is None else {"parentId": parent}
        moment = row.get("processedAt")
        made = add_transaction(
            ctx.shop,
            order,
            kind,
            bag_of(row["amountSet"], money),
            status=row.get("status") or "SUCCESS",
            gateway=row.get("gateway") or "",
            test=bool(row.get("test")),
            processedAt=_time(moment) if moment else ctx.shop.now_iso(),
            **extra,
        )
        if kind in _CONTROL and made["status"] == "SUCCESS":
            parents[kind] = made["id"]
