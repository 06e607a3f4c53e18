"""One variant and its inventory item: the defaults, and how an input is checked and written into them.

`ProductVariantSetInput` (productSet) and `ProductVariantsBulkInput` share most fields; where they part, the docstring
says so. Defaults are recorded in product-create-inventory-read-parity and
product-options-create-variant-strategy-leave-as-is-parity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from shopify_sync.sandbox.resources.checks import (
    AMOUNT_LIMIT,
    TEXT_LIMIT,
    Path,
    decimal,
    error,
    money,
    too_long,
)
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.state import Record

_PLAIN = ("barcode", "taxable", "inventoryPolicy", "requiresComponents", "showUnitPrice", "taxCode")
_ITEM_PLAIN = ("tracked", "requiresShipping", "countryCodeOfOrigin", "provinceCodeOfOrigin")
_NOT_NULL = {
    "taxable",
    "inventoryPolicy",
    "requiresComponents",
    "showUnitPrice",
    "tracked",
    "requiresShipping",
}


@dataclass(frozen=True)
class Codes:
    """The error codes that one mutation uses for a wrong amount, a wrong text, and an amount below zero."""

    amount: str
    text: str
    negative: str


SET_CODES = Codes("INVALID_VARIANT", "INVALID_VARIANT", "INVALID_VARIANT")
BULK_CODES = Codes("INVALID_INPUT", "INVALID_INPUT", "GREATER_THAN_OR_EQUAL_TO")


def add_variant(draft: Draft) -> Record:
    """A new variant with defaults at the end of the list; its option values are the caller's to set."""
    shop, now = draft.shop, draft.shop.now_iso()
    number, item = shop.next_id("ProductVariant"), shop.next_id("InventoryItem")
    variant = {
        "id": number,
        "productId": draft.product["id"],
        "title": "",
        "sku": None,
        "barcode": None,
        "position": 1,
        "price": "0.00",
        "compareAtPrice": None,
        "taxable": True,
        "inventoryPolicy": "DENY",
        "inventoryQuantity": 0,
        "inventoryItemId": item,
        "selectedOptions": [],
        "createdAt": now,
        "updatedAt": now,
        "mediaIds": [],
        "requiresComponents": False,
        "showUnitPrice": False,
        "unitPriceMeasurement": None,
        "taxCode": None,
    }
    draft.variants[number] = variant
    draft.items[item] = {
        "id": item,
        "variantId": number,
        "sku": None,
        "tracked": False,
        "requiresShipping": True,
        "cost": None,
        "weight": {"value": 0.0, "unit": "KILOGRAMS"},
        "countryCodeOfOrigin": None,
        "provinceCodeOfOrigin": None,
        "harmonizedSystemCode": None,
        "createdAt": now,
        "updatedAt": now,
    }
    draft.product["variantIds"].append(number)
    return variant


def write_variant(draft: Draft, variant: Record, given: Record, path: Path, codes: Codes) -> list[Record]:
    """Write the present fields of an input into a variant and its item; returns what is wrong with them.

    Options, media and metafields are not touched here. Sources: product-variants-bulk-create-parity (an HS code loses
    its dots), product-set-shape-validator-parity (limits of the cost).
    """
    errors: list[Record] = []
    for key in _PLAIN:
        if key in given and not (given[key] is None and key in _NOT_NULL):
            variant[key] = given[key]
    if given.get("barcode") is not None and len(given["barcode"]) > TEXT_LIMIT:
        errors.append(error([*path, "barcode"], too_long("Barcode"), codes.text))
    if given.get("price") is not None:
        errors += _amount(variant, "price", given["price"], [*path, "price"], "Price", codes)
    if "compareAtPrice" in given:
        label = "Compare at price"
        errors += _amount(variant, "compareAtPrice", given["compareAtPrice"], [*path, "compareAtPrice"], label, codes)
    if "unitPriceMeasurement" in given:
        measure = given["unitPriceMeasurement"]
        variant["unitPriceMeasurement"] = None if measure is None else dict(measure)
    if "sku" in given:
        errors += _sku(draft, variant, given["sku"], [*path, "sku"], codes)
    if given.get("inventoryItem") is not None:
        errors += _write_item(draft, variant, given["inventoryItem"], [*path, "inventoryItem"], codes)
    _write_quantities(variant, given)
    return errors


def _write_item(draft: Draft, variant: Record, given: Record, path: Path, codes: Codes) -> list[Record]:
    errors: list[Record] = []
    item = draft.item_of(variant)
    for key in _ITEM_PLAIN:
        if key in given and not (given[key] is None and key in _NOT_NULL):
            item[key] = given[key]
    if "sku" in given:
        errors += _sku(draft, variant, given["sku"], [*path, "sku"], codes)
    if "cost" in given:
        errors += _amount(item, "cost", given["cost"], [*path, "cost"], "Cost per item", codes)
    if "harmonizedSystemCode" in given:
        code = given["harmonizedSystemCode"]
        item["harmonizedSystemCode"] = None if code is None else re.sub(r"\D", "", code) or None
    weight = (given.get("measurement") or {}).get("weight")
    if weight is not None:
        if weight["value"] < 0:
            message = "Weight must be greater than or equal to 0"
            errors.append(error([*path, "measurement", "weight", "value"], message, codes.negative))
        else:
            item["weight"] = {"value": float(weight["value"]), "unit": weight["unit"]}
    return errors


def _sku(draft: Draft, variant: Record, sku: str | None, path: Path, codes: Codes) -> list[Record]:
    if sku is not None and len(sku) > TEXT_LIMIT:
        return [error(path, too_long("SKU"), codes.text)]
    variant["sku"] = draft.item_of(variant)["sku"] = sku
    return []


def _amount(record: Record, key: str, given: object, path: Path, label: str, codes: Codes) -> list[Record]:
    if given is None:
        record[key] = None
        return []
    try:
        value = decimal(given)
    except ValueError:
        return [error(path, f"{label} is not a number", codes.amount)]
    if value < Decimal(0):
        return [error(path, f"{label} must be greater than or equal to 0", codes.negative)]
    if value >= AMOUNT_LIMIT:
        return [error(path, f"{label} must be less than {AMOUNT_LIMIT}", codes.amount)]
    record[key] = money(value)
    return []


def _write_quantities(variant: Record, given: Record) -> None:
    """Stock is the sum over locations here: the sandbox has no locations yet, its variants have a quantity."""
    levels = given.get("inventoryQuantities")
    if levels is not None:
        variant["inventoryQuantity"] = sum(
            level["quantity"] if "quantity" in level else level["availableQuantity"] for level in levels
        )


def clone_variant(draft: Draft, source: Record) -> Record:
    """A new variant with the price, policy and shipping data of `source`, without its SKU, barcode and stock."""
    made = add_variant(draft)
    for key in ("price", "compareAtPrice", "taxable", "inventoryPolicy", "requiresComponents", "taxCode"):
        made[key] = source[key]
    theirs, ours = draft.item_of(source), draft.item_of(made)
    for key in ("tracked", "requiresShipping", "cost", "countryCodeOfOrigin", "harmonizedSystemCode"):
        ours[key] = theirs[key]
    ours["weight"] = dict(theirs["weight"])
    made["selectedOptions"] = [dict(row) for row in source["selectedOptions"]]
    return made
