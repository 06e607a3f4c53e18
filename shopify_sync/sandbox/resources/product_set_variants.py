"""The options and variants of `productSet`: both lists together say what the product is to have.

Recorded: product-set-shape-validator-parity; rules and texts: Admin API reference D.2 (product-set-options-only,
product-set-duplicate-variants-parity), descriptions of `ProductSetUserErrorCode` in the Admin schema 2026-10.
"""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Context
from shopify_sync.sandbox.resources.checks import OPTION_LIMIT, VARIANT_LIMIT, Path, error, id_in
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.resources.media_model import number_of
from shopify_sync.sandbox.resources.option_model import (
    DELIMITER,
    by_key,
    by_name,
    chosen,
    default_options,
    name_problem,
    new_option,
    new_value,
    renumbered,
    select,
)
from shopify_sync.sandbox.resources.variant_model import SET_CODES, add_variant, write_variant
from shopify_sync.sandbox.resources.variants import write_metafields
from shopify_sync.sandbox.state import Record

Given = dict[str, Any]
_NAME = {
    "blank": "Option name can't be blank.",
    "too_long": "Option name is too long.",
    "delimiter": f"Option name can't contain '{DELIMITER}'.",
}


def set_options(draft: Draft, options: list[Given] | None, variants: list[Given] | None) -> list[Record]:
    """Make the product's options the given ones; those known by id or name keep their ids.

    Returns the errors of a list that comes without the other one, too.
    """
    if options is not None and variants is None:
        message = "Variants input is required when updating product options"
        return [error(["input", "variants"], message, "VARIANTS_INPUT_MISSING")]
    if options is None and variants is not None:
        message = "Product options input is required when updating variants"
        return [error(["input", "productOptions"], message, "PRODUCT_OPTIONS_INPUT_MISSING")]
    if options is None:
        return []
    if len(options) > OPTION_LIMIT:
        message = f"Can only specify a maximum of {OPTION_LIMIT} options"
        return [error(["input", "productOptions"], message, "OPTIONS_OVER_LIMIT")]
    errors: list[Record] = []
    made: list[tuple[int, int, Record]] = []
    names: set[str] = set()
    for place, given in enumerate(options):
        path = ["input", "productOptions", str(place)]
        option, wrong = _option(draft, given, names, path)
        if option is None:
            errors.append(wrong or {})
            continue
        names.add(option["name"])
        made.append((given.get("position") or place + 1, place, option))
    if not errors:
        ordered = [option for _, _, option in sorted(made, key=lambda row: row[:2])]
        draft.product["options"] = renumbered(ordered or default_options(draft.shop))
    return errors


def _option(draft: Draft, given: Given, names: set[str], path: Path) -> tuple[Record | None, Record | None]:
    known = by_key(draft.product["options"], given)
    if given.get("id") is not None and known is None:
        return None, error([*path, "id"], "Option does not exist.", "OPTION_DOES_NOT_EXIST")
    name = _name(given, known)
    problem = name_problem(name)
    if problem:
        return None, error([*path, "name"], _NAME[problem], "INVALID_INPUT")
    if name in names:
        return None, error(path, "Duplicated option name.", "DUPLICATED_OPTION_NAME")
    inputs = given.get("values")
    if not inputs:
        if known is None or inputs is not None:
            message = "Each option must have at least one option value specified."
            return None, error(path, message, "OPTION_VALUES_MISSING")
        inputs = [{"name": value["name"]} for value in known["optionValues"]]
    values, wrong = _values(draft, known, inputs, path)
    if wrong:
        return None, wrong
    option = new_option(draft.shop, name, []) if known is None else known
    linked = given.get("linkedMetafield")
    if linked is not None:
        option["linkedMetafield"] = {"namespace": linked["namespace"], "key": linked["key"]}
    option["name"], option["optionValues"] = name, values
    return option, None


def _values(draft: Draft, known: Record | None, inputs: list[Given], path: Path) -> tuple[list[Record], Record | None]:
    existing = [] if known is None else known["optionValues"]
    values: list[Record] = []
    for place, given in enumerate(inputs):
        here = [*path, "values", str(place)]
        value = by_key(existing, given)
        if given.get("id") is not None and value is None:
            return [], error([*here, "id"], "Option value does not exist.", "OPTION_VALUE_DOES_NOT_EXIST")
        name = _name(given, value)
        problem = name_problem(name)
        if problem:
            message = _NAME[problem].replace("Option name", "Option value name")
            return [], error([*here, "name"], message, "INVALID_INPUT")
        if by_name(values, name) is not None:
            return [], error(here, "Duplicated option value.", "DUPLICATED_OPTION_VALUE")
        if value is None:
            value = new_value(draft.shop, name)
        value["name"] = name
        values.append(value)
    return values, None


def _name(given: Given, known: Record | None) -> str:
    name = given.get("name")
    return str(name if name is not None else known["name"] if known is not None else "")


def set_variants(ctx: Context, draft: Draft, variants: list[Given]) -> list[Record]:
    """Make the product's variants the given ones: found by id or by option values, else made; the others go."""
    if len(variants) > VARIANT_LIMIT:
        message = "Number of product variants exceeds shop limit."
        return [error(["input", "variants"], message, "VARIANTS_OVER_LIMIT")]
    errors: list[Record] = []
    present = {frozenset(chosen(variant)): variant for variant in draft.ordered()}
    taken: set[frozenset[int]] = set()
    rows: list[tuple[Given, Path, Record | None, list[tuple[str, str, int]]]] = []
    for place, given in enumerate(variants):
        path = ["input", "variants", str(place)]
        picked, wrong = _chosen(draft, given, path)
        variant = None
        if given.get("id") is not None:
            variant = draft.variants.get(id_in(given["id"], "ProductVariant") or 0)
            if variant is None:
                message = "Product variant does not exist"
                wrong = error([*path, "id"], message, "PRODUCT_VARIANT_DOES_NOT_EXIST")
        key = frozenset(number for _, _, number in picked)
        if wrong is None and key in taken:
            title = DELIMITER.join(value for _, value, _ in picked)
            message = f"The variant '{title}' already exists. Please change at least one option value."
            wrong = error(path, message, "INVALID_VARIANT")
        if wrong is not None:
            errors.append(wrong)
            continue
        taken.add(key)
        rows.append((given, path, variant, picked))
    return errors or _apply(ctx, draft, rows, present)


def _apply(
    ctx: Context,
    draft: Draft,
    rows: list[tuple[Given, Path, Record | None, list[tuple[str, str, int]]]],
    present: dict[frozenset[int], Record],
) -> list[Record]:
    errors: list[Record] = []
    by_id = {variant["id"] for _, _, variant, _ in rows if variant is not None}
    kept: list[tuple[int, int, int]] = []
    for place, (given, path, named, picked) in enumerate(rows):
        variant = named
        if variant is None:
            same = present.get(frozenset(number for _, _, number in picked))
            variant = same if same is not None and same["id"] not in by_id else add_variant(draft)
        select(variant, picked)
        errors += write_variant(draft, variant, given, path, SET_CODES)
        errors += write_metafields(ctx, draft, variant, given, path, "INVALID_METAFIELD")
        errors += _file(draft, variant, given, path)
        kept.append((given.get("position") or place + 1, place, variant["id"]))
    numbers = {number for _, _, number in kept}
    for variant in [variant for variant in draft.ordered() if variant["id"] not in numbers]:
        draft.remove_variant(variant)
    draft.product["variantIds"] = [number for _, _, number in sorted(kept)]
    return errors


def _chosen(draft: Draft, given: Given, path: Path) -> tuple[list[tuple[str, str, int]], Record | None]:
    """The option values of an input as rows of (option, value, value id), in option order."""
    options = draft.product["options"]
    picked: dict[int, Record] = {}
    for place, row in enumerate(given["optionValues"]):
        here = [*path, "optionValues", str(place)]
        option = by_key(options, row, "optionId", "optionName")
        if option is None:
            return [], error(here, "Option does not exist", "OPTION_DOES_NOT_EXIST")
        if row.get("linkedMetafieldValue") is not None:
            values = option["optionValues"]
            value = next((one for one in values if one["linkedMetafieldValue"] == row["linkedMetafieldValue"]), None)
        else:
            value = by_key(option["optionValues"], row)
        if value is None:
            return [], error(here, "Option value does not exist", "OPTION_VALUE_DOES_NOT_EXIST")
        picked[option["id"]] = value
    if not given["optionValues"] and len(options) == 1 and options[0]["name"] == "Title":
        picked[options[0]["id"]] = options[0]["optionValues"][0]
    for option in options:
        if option["id"] not in picked:
            return [], error(path, f"You need to add option values for {option['name']}", "INVALID_VARIANT")
    return [(row["name"], picked[row["id"]]["name"], picked[row["id"]]["id"]) for row in options], None


def _file(draft: Draft, variant: Record, given: Given, path: Path) -> list[Record]:
    """The medium of a variant must be one of the product's files, named by id or by source."""
    if "file" not in given:
        return []
    file = given["file"]
    if file is None:
        variant["mediaIds"] = []
        return []
    number = None if file.get("id") is None else number_of(file["id"])
    if number is None and file.get("originalSource") is not None:
        media = draft.product["mediaIds"]
        table = draft.shop.table("Media")
        found = [n for n in media if (draft.media.get(n) or table[n])["originalSource"] == file["originalSource"]]
        number = found[-1] if found else None
    if number is None or number not in draft.product["mediaIds"]:
        message = "Any file specified for a variant must also be specified in the files input for the product."
        return [error([*path, "file"], message, "INVALID_INPUT")]
    variant["mediaIds"] = [number]
    return []
