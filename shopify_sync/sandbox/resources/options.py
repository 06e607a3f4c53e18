"""`productOptionsCreate`, `productOptionUpdate`, `productOptionsDelete`, `productOptionsReorder`.

A refusal answers with the product unchanged. Recorded: product-options-*, product-option-update-parity,
product-options-reorder-validation. Texts without a recording are the descriptions of the codes in the Admin schema
2026-10.
"""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Context, TopLevelError, mutation
from shopify_sync.sandbox.resources import option_inputs
from shopify_sync.sandbox.resources.checks import VARIANT_LIMIT, error, find, product_missing
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.resources.option_model import (
    by_key,
    by_name,
    chosen,
    default_options,
    gid_number,
    is_default,
    name_problem,
    new_value,
    relabel,
    renumbered,
    select,
    sort_variants,
    used_values,
)
from shopify_sync.sandbox.resources.variant_model import clone_variant
from shopify_sync.sandbox.state import Record

_MISSING = "PRODUCT_DOES_NOT_EXIST"
_LIMIT = f"The number of created variants would exceed the {VARIANT_LIMIT} variants per product limit"


def _refused(product: Record | None, *errors: Record) -> Record:
    return {"product": product, "userErrors": list(errors)}


@mutation("productOptionsCreate")
def product_options_create(ctx: Context, args: Record) -> Record:
    """Add options; every variant takes the first value of each, CREATE also makes the other combinations."""
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        return _refused(None, product_missing("productId", _MISSING))
    existing = [] if is_default(product["options"]) else product["options"]
    errors = option_inputs.create_errors(args["options"], existing, ["options"])
    every = args.get("variantStrategy") == "CREATE"
    if not errors and every:
        total = len(product["variantIds"])
        for given in args["options"]:
            total *= len(given["values"])
        if total > VARIANT_LIMIT:
            errors = [error(["options"], _LIMIT, "TOO_MANY_VARIANTS_CREATED")]
    if errors:
        return _refused(product, *errors)
    draft = Draft(ctx.shop, product)
    options = draft.product["options"] if existing else []
    made = option_inputs.made(ctx.shop, args["options"])
    for option, given in zip(made, sorted(args["options"], key=lambda row: row.get("position") or 99), strict=True):
        position = given.get("position")
        options.insert(len(options) if position is None else max(0, position - 1), option)
    draft.product["options"] = renumbered(options)
    for variant in draft.variants.values():
        for option in made:
            first = option["optionValues"][0]
            variant["selectedOptions"].append({"name": "", "value": "", "optionValueId": first["id"]})
    if every:
        for option in made:
            _multiply(draft, option["optionValues"][0], option["optionValues"][1:])
    relabel(draft)
    if every:
        sort_variants(draft)
    return _refused(draft.commit())


def _multiply(draft: Draft, present: Record, added: list[Record]) -> None:
    """For every variant that has the value `present`, a twin for each of the `added` values."""
    for variant in [row for row in draft.ordered() if present["id"] in chosen(row)]:
        for value in added:
            twin = clone_variant(draft, variant)
            for row in twin["selectedOptions"]:
                if row["optionValueId"] == present["id"]:
                    row["optionValueId"] = value["id"]


@mutation("productOptionUpdate")
def product_option_update(ctx: Context, args: Record) -> Record:
    """Rename, move, and change the values of one option. Recorded: product-option-update-parity."""
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        return _refused(None, product_missing("productId", _MISSING))
    draft = Draft(ctx.shop, product)
    option = by_key(draft.product["options"], {"id": args["option"]["id"]})
    if option is None:
        return _refused(product, error(["option"], "Option does not exist", "OPTION_DOES_NOT_EXIST"))
    wrong = _rename(draft, option, args["option"]) or _change_values(draft, option, args)
    if wrong:
        return _refused(product, wrong)
    relabel(draft)
    return _refused(draft.commit())


def _rename(draft: Draft, option: Record, given: dict[str, Any]) -> Record | None:
    options = draft.product["options"]
    name = given.get("name")
    if name is not None:
        problem = name_problem(name)
        if problem == "too_long":
            return error(["option", "name"], "Option name is too long.", "OPTION_NAME_TOO_LONG")
        if problem:
            return error(["option", "name"], "The name provided is not valid.", "INVALID_NAME")
        other = by_name(options, name)
        if other is not None and other is not option:
            return error(["option", "name"], "Option already exists.", "OPTION_ALREADY_EXISTS")
        option["name"] = name
    position = given.get("position")
    if position is not None:
        if not 1 <= position <= len(options):
            return error(["option", "position"], "The option position provided is not valid.", "INVALID_POSITION")
        options.remove(option)
        options.insert(position - 1, option)
        renumbered(options)
    return None


def _change_values(draft: Draft, option: Record, args: Record) -> Record | None:
    values, manage = option["optionValues"], args.get("variantStrategy") == "MANAGE"
    missing = "Option value does not exist."
    for place, given in enumerate(args.get("optionValuesToUpdate") or []):
        value = by_key(values, {"id": given["id"]})
        if value is None:
            return error(["optionValuesToUpdate", str(place)], missing, "OPTION_VALUE_DOES_NOT_EXIST")
        if given.get("name") is not None:
            value["name"] = given["name"]
    gone = []
    for place, gid in enumerate(args.get("optionValuesToDelete") or []):
        value = by_key(values, {"id": gid})
        if value is None:
            return error(["optionValuesToDelete", str(place)], missing, "OPTION_VALUE_DOES_NOT_EXIST")
        if value["id"] in used_values(draft) and not manage:
            message = "Option value with variants linked cannot be deleted."
            return error(["optionValuesToDelete", str(place)], message, "OPTION_VALUE_HAS_VARIANTS")
        gone.append(value)
    added = [new_value(draft.shop, given.get("name") or "") for given in args.get("optionValuesToAdd") or []]
    option["optionValues"] = [value for value in values if value not in gone] + added
    names = [value["name"] for value in option["optionValues"]]
    if not names:
        message = "Deleting all option values of an option is not allowed."
        return error(["optionValuesToDelete"], message, "CANNOT_DELETE_ALL_OPTION_VALUES_IN_OPTION")
    if len(set(names)) < len(names):
        return error(["optionValuesToAdd"], "Option value already exists.", "OPTION_VALUE_ALREADY_EXISTS")
    if any(name_problem(name) for name in names):
        return error(["optionValuesToAdd"], "Option value name is too long.", "OPTION_VALUE_NAME_TOO_LONG")
    return _manage(draft, option, gone, added) if manage else None


def _manage(draft: Draft, option: Record, gone: list[Record], added: list[Record]) -> Record | None:
    """The strategy MANAGE: variants follow the values. Source: description of the strategy, Admin schema 2026-10."""
    first = next((value for value in option["optionValues"] if value["id"] in used_values(draft)), None)
    if first is not None and added:
        models = sum(first["id"] in chosen(variant) for variant in draft.variants.values())
        if len(draft.variants) + models * len(added) > VARIANT_LIMIT:
            return error(["optionValuesToAdd"], _LIMIT, "TOO_MANY_VARIANTS_CREATED")
        _multiply(draft, first, added)
    numbers = {value["id"] for value in gone}
    for variant in draft.ordered():
        if numbers & set(chosen(variant)):
            draft.remove_variant(variant)
    if not draft.variants:
        message = "An option cannot be left only with option values that are not linked to any variant."
        return error(["optionValuesToDelete"], message, "CANNOT_LEAVE_OPTIONS_WITHOUT_VARIANTS")
    return None


@mutation("productOptionsDelete")
def product_options_delete(ctx: Context, args: Record) -> Record:
    """Delete options by strategy; source: descriptions of ProductOptionDeleteStrategy, Admin schema 2026-10."""
    payload: Record = {"deletedOptionsIds": [], "product": None}
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        return {**payload, "userErrors": [product_missing("productId", _MISSING)]}
    draft, strategy = Draft(ctx.shop, product), args.get("strategy") or "DEFAULT"
    gone: list[Record] = []
    for place, gid in enumerate(args["options"]):
        option, path = by_key(draft.product["options"], {"id": gid}), ["options", str(place)]
        if option is None:
            wrong = error(path, "Option does not exist.", "OPTION_DOES_NOT_EXIST")
        elif strategy == "DEFAULT" and len(option["optionValues"]) > 1:
            wrong = error(
                path, "Can't delete option with multiple values.", "CANNOT_DELETE_OPTION_WITH_MULTIPLE_VALUES"
            )
        else:
            gone.append(option)
            continue
        return {**payload, "product": product, "userErrors": [wrong]}
    numbers = {value["id"] for option in gone for value in option["optionValues"]}
    seen: set[tuple[int, ...]] = set()
    for variant in draft.ordered():  # of equal variants the first stays, higher positions go
        variant["selectedOptions"] = [row for row in variant["selectedOptions"] if row["optionValueId"] not in numbers]
        rest = tuple(chosen(variant))
        if rest in seen:
            if strategy != "POSITION":
                message = "Cannot delete options without deleting variants."
                wrong = error(["options"], message, "CANNOT_USE_NON_DESTRUCTIVE_STRATEGY")
                return {**payload, "product": product, "userErrors": [wrong]}
            draft.remove_variant(variant)
        seen.add(rest)
    draft.product["options"] = renumbered([option for option in draft.product["options"] if option not in gone])
    if draft.product["options"]:
        relabel(draft)
    else:
        draft.product["options"] = default_options(ctx.shop)
        value = draft.product["options"][0]["optionValues"][0]
        for variant in draft.ordered():
            select(variant, [("Title", value["name"], value["id"])])
    deleted = [ctx.shop.gid("ProductOption", option["id"]) for option in gone]
    return {"deletedOptionsIds": deleted, "product": draft.commit(), "userErrors": []}


@mutation("productOptionsReorder")
def product_options_reorder(ctx: Context, args: Record) -> Record:
    """Order options and values, and the variants with them. Recorded: product-options-reorder-validation.

    Raises `TopLevelError` INVALID_FIELD_ARGUMENTS for an entry that has neither or both of id and name.
    """
    _require_one(args["options"])
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        return _refused(None, product_missing("productId", _MISSING))
    draft = Draft(ctx.shop, product)
    options = draft.product["options"]
    ordered, wrong = _ordered(options, args["options"], "option", None)
    for place, given in enumerate(args["options"]):
        if wrong or given.get("values") is None:
            continue
        values, wrong = _ordered(ordered[place]["optionValues"], given["values"], "option value", place)
        used = used_values(draft)  # values without variants stay behind the others: product-relationship-roots
        ordered[place]["optionValues"] = sorted(values, key=lambda value: value["id"] not in used)
    if wrong:
        return _refused(product, wrong)
    draft.product["options"] = renumbered(ordered)
    relabel(draft)
    sort_variants(draft)
    return _refused(draft.commit())


def _require_one(options: list[dict[str, Any]]) -> None:
    for given in options:
        for name, entry in [
            ("Option", given),
            *(("OptionValue", value) for value in given.get("values") or []),
        ]:
            if (entry.get("id") is None) == (entry.get("name") is None):
                message = f"{name}ReorderInput requires exactly one of id, name"
                raise TopLevelError(message, "INVALID_FIELD_ARGUMENTS")


def _ordered(
    records: list[Record], given: list[dict[str, Any]], word: str, place: int | None
) -> tuple[list[Record], Record | None]:
    """The records in the given order, those not named behind them; or what is wrong with the entries.

    A wrong value is reported at its own position in its option's list, as recorded.
    """
    code = "OPTION" if word == "option" else "OPTION_VALUE"
    if len({entry.get("id") is None for entry in given}) > 1:
        message = f"Only specify one of `id` or `name` fields for {word}s."
        return records, error(["options"], message, "MIXING_ID_AND_NAME_KEYS_IS_NOT_ALLOWED")
    named: list[Record] = []
    for position, entry in enumerate(given):
        record = by_key(records, entry)
        if record is None:
            title = word.capitalize()
            if entry.get("id") is not None:
                message = f"{title} id '{gid_number(entry['id'])}' does not exist."
                return records, error(["options"], message, f"{code}_ID_DOES_NOT_EXIST")
            missing = "OPTION_NAME_DOES_NOT_EXIST" if place is None else "OPTION_VALUE_DOES_NOT_EXIST"
            name = f"{title} name" if place is None else title
            return records, error(["options"], f"{name} '{entry['name']}' does not exist.", missing)
        if record in named:
            kind = "name" if place is None else "value"
            message = f"Duplicated option {kind} '{record['name']}'."
            return records, error(["options", str(position)], message, f"DUPLICATED_OPTION_{kind.upper()}")
        named.append(record)
    return named + [record for record in records if record not in named], None
