"""`productVariantsBulkCreate`, `...Update`, `...Delete`, `...Reorder`.

Recorded: product-variants-bulk-*, productVariantsBulkCreate-*. A refusal answers with the product unchanged and
`productVariants` null. Field paths and codes of refused variants: Admin API reference D.3, D.4 and the Admin schema
2026-10.
"""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Context, mutation
from shopify_sync.sandbox.resources.checks import VARIANT_LIMIT, Path, error, find, id_in, product_missing
from shopify_sync.sandbox.resources.draft import Draft, copied
from shopify_sync.sandbox.resources.media import media_errors
from shopify_sync.sandbox.resources.media_model import add_created, number_of
from shopify_sync.sandbox.resources.metafield_model import Rows
from shopify_sync.sandbox.resources.option_model import (
    DELIMITER,
    by_key,
    chosen,
    gid_number,
    is_default,
    name_problem,
    new_value,
    relabel,
    select,
    used_values,
)
from shopify_sync.sandbox.resources.variant_model import BULK_CODES, add_variant, write_variant
from shopify_sync.sandbox.state import Record

Given = dict[str, Any]
_MISSING = "PRODUCT_DOES_NOT_EXIST"
_NO_STOCK = (
    "Inventory quantities can only be provided during create. To update inventory for existing variants, use "
    "inventoryAdjustQuantities."
)


def write_metafields(ctx: Context, draft: Draft, variant: Record, given: Given, path: Path, code: str) -> list[Record]:
    """Write the metafields of a variant's input; in productSet (`INVALID_METAFIELD`) the list is the whole truth."""
    if given.get("metafields") is None:
        return []
    rows = Rows(ctx, ctx.shop.gid("ProductVariant", variant["id"]), "PRODUCTVARIANT")
    whole = code == "INVALID_METAFIELD"
    errors = rows.write_inputs(given["metafields"], [*path, "metafields"], code, whole=whole)
    draft.metafields.update(rows.changed)
    draft.dropped += rows.dropped
    return errors


@mutation("productVariantsBulkCreate")
def bulk_create(ctx: Context, args: Record) -> Record:
    """Add variants, all or none; option values that are new are added to their options.

    The strategy decides about a standalone variant: DEFAULT removes the one titled "Default Title", as recorded in
    productVariantsBulkCreate-*.
    """
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        return _refused(None, [product_missing("productId", _MISSING)])
    media = args.get("media") or []
    errors: list[Record] = list(media_errors(media).values())
    draft = Draft(ctx.shop, product)
    _leave_standalone(draft, args.get("strategy") or "DEFAULT")
    sources = {medium["originalSource"]: medium["id"] for medium in ([] if errors else add_created(draft, media))}
    made: list[int] = []
    for place, given in enumerate(args["variants"]):
        path = ["variants", str(place)]
        if given.get("id") is not None:
            errors.append(error([*path, "id"], "On create, this key cannot be used.", "NO_KEY_ON_CREATE"))
            continue
        variant = add_variant(draft)
        wrong = _choose(draft, variant, given.get("optionValues") or [], path, new=True)
        wrong = wrong or _write(ctx, draft, variant, given, path, sources)
        errors += wrong
        made.append(variant["id"])
    if not errors:
        errors = _twins(draft, made, "VARIANT_ALREADY_EXISTS_CHANGE_OPTION_VALUE")
    if not errors and len(draft.variants) > VARIANT_LIMIT:
        errors.append(error(["variants"], f"Only {VARIANT_LIMIT} variants are allowed per product", "INVALID_INPUT"))
    if errors:
        return _refused(product, errors)
    _forget_default(draft)
    relabel(draft)
    after = draft.commit()
    table = ctx.shop.table("ProductVariant")
    return {"product": after, "productVariants": [table[number] for number in made], "userErrors": []}


def _leave_standalone(draft: Draft, strategy: str) -> None:
    if len(draft.variants) != 1 or strategy == "PRESERVE_STANDALONE_VARIANT":
        return
    if strategy == "REMOVE_STANDALONE_VARIANT" or is_default(draft.product["options"]):
        draft.remove_variant(draft.ordered()[0])


def _forget_default(draft: Draft) -> None:
    """The value "Default Title" goes with its variant; recorded: productVariantsBulkCreate-omitted-strategy."""
    used = used_values(draft)
    for option in draft.product["options"]:
        option["optionValues"] = [
            value
            for value in option["optionValues"]
            if value["id"] in used or not (option["name"] == "Title" and value["name"] == "Default Title")
        ]


@mutation("productVariantsBulkUpdate")
def bulk_update(ctx: Context, args: Record) -> Record:
    """Change variants of one product: all or none, or with `allowPartialUpdates` those that are right."""
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        return _refused(None, [product_missing("productId", _MISSING)])
    media = args.get("media") or []
    errors: list[Record] = list(media_errors(media).values())
    partial = bool(args.get("allowPartialUpdates"))
    draft = Draft(ctx.shop, product)
    sources = {medium["originalSource"]: medium["id"] for medium in ([] if errors else add_created(draft, media))}
    done: list[int] = []
    for place, given in enumerate(args["variants"]):
        path = ["variants", str(place)]
        number, wrong = _target(draft, given, path)
        if not wrong:
            assert number is not None
            variant = draft.variants[number]
            before = copied(variant), copied(draft.item_of(variant)), copied(draft.product["options"])
            metafields = dict(draft.metafields)
            if given.get("optionValues") is not None:
                wrong = _choose(draft, variant, given["optionValues"], path, new=False)
            wrong = wrong or _write(ctx, draft, variant, given, path, sources)
            wrong = wrong or _twins(draft, [number], "VARIANT_ALREADY_EXISTS", place)
            if wrong:
                draft.variants[number], draft.items[variant["inventoryItemId"]], draft.product["options"] = before
                draft.metafields = metafields
            else:
                done.append(number)
        errors += wrong
    if errors and not partial:
        return _refused(product, errors)
    relabel(draft)
    after = draft.commit()
    table = ctx.shop.table("ProductVariant")
    return {"product": after, "productVariants": [table[number] for number in done], "userErrors": errors}


def _target(draft: Draft, given: Given, path: Path) -> tuple[int | None, list[Record]]:
    if given.get("id") is None:
        return None, [error([*path, "id"], "Product variant is missing ID attribute", "PRODUCT_VARIANT_ID_MISSING")]
    number = id_in(given["id"], "ProductVariant")
    if number not in draft.variants:
        return None, [error([*path, "id"], "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST")]
    if given.get("inventoryQuantities") is not None:
        code = "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE"
        return None, [error([*path, "inventoryQuantities"], _NO_STOCK, code)]
    return number, []


def _choose(draft: Draft, variant: Record, given: list[Given], path: Path, *, new: bool) -> list[Record]:
    """Give a variant its option values by name or id; a new name becomes a new value of its option."""
    options = draft.product["options"]
    picked = {} if new else dict(zip((option["id"] for option in options), chosen(variant), strict=True))
    for place, row in enumerate(given):
        here = [*path, "optionValues", str(place)]
        by_number = row.get("optionId") is not None
        option = by_key(options, row, "optionId", "optionName")
        if option is None:
            code = "INVALID_INPUT" if new else "OPTION_DOES_NOT_EXIST"
            return [error([*here, "optionId" if by_number else "optionName"], "Option does not exist", code)]
        if row.get("id") is not None:
            value = by_key(option["optionValues"], {"id": row["id"]})
            if value is None:
                code = "INVALID_INPUT" if new else "OPTION_VALUE_DOES_NOT_EXIST"
                return [error([*here, "id"], "Option value does not exist", code)]
        else:
            name = row.get("name") or row.get("linkedMetafieldValue") or ""
            problem = name_problem(name)
            if problem:
                message = "Option value name is too long." if problem == "too_long" else "Option value is not valid."
                return [error([*here, "name"], message, "INVALID_INPUT")]
            value = by_key(option["optionValues"], {"name": name})
            if value is None:
                value = new_value(draft.shop, name)
                option["optionValues"].append(value)
        picked[option["id"]] = value["id"]
    for option in options:
        if option["id"] not in picked:
            message = f"You need to add option values for {option['name']}"
            return [error(path, message, "NEED_TO_ADD_OPTION_VALUES")]
    names = {value["id"]: value["name"] for option in options for value in option["optionValues"]}
    select(variant, [(row["name"], names[picked[row["id"]]], picked[row["id"]]) for row in options])
    return []


def _write(
    ctx: Context, draft: Draft, variant: Record, given: Given, path: Path, sources: dict[str, int]
) -> list[Record]:
    """Fields, metafields and medium of one input."""
    errors = write_variant(draft, variant, given, path, BULK_CODES)
    errors += write_metafields(ctx, draft, variant, given, path, "INVALID_INPUT")
    for change in given.get("quantityAdjustments") or []:
        variant["inventoryQuantity"] += change.get("adjustment") or 0
    numbers = [sources.get(source) for source in given.get("mediaSrc") or []]
    if given.get("mediaId") is not None:
        numbers.append(number_of(given["mediaId"]))
    for number in numbers:
        if number not in draft.product["mediaIds"]:
            errors.append(error([*path, "mediaId"], "Media does not exist on the given product.", "INVALID_INPUT"))
        else:
            variant["mediaIds"] = [number]
    return errors


def _twins(draft: Draft, numbers: list[int], code: str, at: int | None = None) -> list[Record]:
    """Variants that have the option values of another one; `at` is the input's position when there is one input."""
    errors = []
    seen = {tuple(chosen(row)) for row in draft.variants.values() if row["id"] not in numbers}
    for place, number in enumerate(numbers):
        values = tuple(chosen(draft.variants[number]))
        if values in seen:
            title = DELIMITER.join(row["value"] for row in draft.variants[number]["selectedOptions"])
            message = f"The variant '{title}' already exists. Please change at least one option value."
            errors.append(error(["variants", str(place if at is None else at)], message, code))
        seen.add(values)
    return errors


@mutation("productVariantsBulkDelete")
def bulk_delete(ctx: Context, args: Record) -> Record:
    """Delete variants, all or none. Recorded: product-variants-bulk-delete-parity."""
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        return {"product": None, "userErrors": [product_missing("productId", _MISSING)]}
    draft = Draft(ctx.shop, product)
    numbers = [id_in(gid, "ProductVariant") for gid in args["variantsIds"]]
    code = "AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT"
    errors = [
        error(["variantsIds", str(place)], "At least one variant does not belong to the product", code)
        for place, number in enumerate(numbers)
        if number not in draft.variants
    ]
    if not errors and len(set(numbers)) == len(draft.variants):
        errors = [error(["variantsIds"], "Cannot delete default variant.", "CANNOT_DELETE_LAST_VARIANT")]
    if errors:
        return {"product": product, "userErrors": errors}
    for number in dict.fromkeys(numbers):
        assert number is not None
        draft.remove_variant(draft.variants[number])
    used = used_values(draft)
    for option in draft.product["options"]:
        option["optionValues"] = [value for value in option["optionValues"] if value["id"] in used]
    return {"product": draft.commit(), "userErrors": []}


@mutation("productVariantsBulkReorder")
def bulk_reorder(ctx: Context, args: Record) -> Record:
    """Move variants to positions from 1, the others keep their order (product-variants-bulk-reorder-parity)."""
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        return {"product": None, "userErrors": [product_missing("productId", _MISSING)]}
    draft = Draft(ctx.shop, product)
    errors, moves, seen = [], [], set()
    for place, given in enumerate(args["positions"]):
        path, number = ["positions", str(place)], gid_number(given["id"])
        if id_in(given["id"], "ProductVariant") not in draft.variants:
            errors.append(error([*path, "id"], "Product variant does not exist", "MISSING_VARIANT"))
        elif number in seen:
            errors.append(error([*path, "id"], "Product variant IDs must be unique", "DUPLICATED_VARIANT_ID"))
        elif given["position"] < 1:
            message = "Product variant position cannot be zero or negative number"
            errors.append(error([*path, "position"], message, "INVALID_POSITION"))
        seen.add(number)
        moves.append((given["position"], place, number))
    if errors:
        return {"product": product, "userErrors": errors}
    order = [number for number in draft.product["variantIds"] if number not in seen]
    for position, _, number in sorted(moves):
        order.insert(min(position - 1, len(order)), number)
    draft.product["variantIds"] = order
    return {"product": draft.commit(), "userErrors": []}


def _refused(product: Record | None, errors: list[Record]) -> Record:
    return {"product": product, "productVariants": None, "userErrors": errors}
