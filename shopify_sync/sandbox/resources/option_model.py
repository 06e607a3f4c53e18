"""Options of a product: how they are made, found and renamed, and what that means for the variants' titles."""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.resources.checks import TEXT_LIMIT
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.state import Record, Shop, parse_gid

DEFAULT_OPTION = "Title"
DEFAULT_VALUE = "Default Title"
DELIMITER = " / "  # parts option values in a variant's title, so it may not be in them; Admin API reference D.2


def new_value(shop: Shop, name: str, linked: str | None = None) -> Record:
    return {"id": shop.next_id("ProductOptionValue"), "name": name, "linkedMetafieldValue": linked}


def new_option(shop: Shop, name: str, values: list[str], linked: Record | None = None) -> Record:
    """An option; `position` is set by `renumbered`."""
    return {
        "id": shop.next_id("ProductOption"),
        "name": name,
        "position": 1,
        "linkedMetafield": linked,
        "optionValues": [new_value(shop, value) for value in values],
    }


def default_options(shop: Shop) -> list[Record]:
    """What a product without options has; recorded: product-create-inventory-read-parity."""
    return [new_option(shop, DEFAULT_OPTION, [DEFAULT_VALUE])]


def is_default(options: list[Record]) -> bool:
    """Whether these are the options of a product without options."""
    return (
        len(options) == 1
        and options[0]["name"] == DEFAULT_OPTION
        and [value["name"] for value in options[0]["optionValues"]] == [DEFAULT_VALUE]
    )


def renumbered(options: list[Record]) -> list[Record]:
    """The same options, positions from 1."""
    for position, option in enumerate(options, 1):
        option["position"] = position
    return options


def by_key(records: list[Record], key: Record, id_key: str = "id", name_key: str = "name") -> Record | None:
    """The option or value that `key` names by gid or, without one, by name."""
    gid = key.get(id_key)
    if gid is not None:
        number = gid_number(gid)
        return next((record for record in records if record["id"] == number), None)
    return by_name(records, key.get(name_key))


def by_name(records: list[Record], name: Any) -> Record | None:
    return next((record for record in records if record["name"] == name), None)


def gid_number(gid: str) -> int | None:
    try:
        return parse_gid(gid)[1]
    except ValueError:
        return None


def chosen(variant: Record) -> list[int]:
    """The ids of the option values of a variant."""
    return [row["optionValueId"] for row in variant["selectedOptions"]]


def relabel(draft: Draft) -> None:
    """Write the names and order of the options into every variant: `selectedOptions` and `title`."""
    rank = {
        value["id"]: (place, option["name"], value["name"])
        for place, option in enumerate(draft.product["options"])
        for value in option["optionValues"]
    }
    for variant in draft.variants.values():
        numbers = sorted((number for number in chosen(variant) if number in rank), key=lambda number: rank[number][0])
        select(variant, [(rank[number][1], rank[number][2], number) for number in numbers])


def select(variant: Record, rows: list[tuple[str, str, int]]) -> None:
    """Give a variant its option values: rows of (option name, value name, value id), in option order."""
    variant["selectedOptions"] = [
        {"name": option, "value": value, "optionValueId": number} for option, value, number in rows
    ]
    variant["title"] = DELIMITER.join(value for _, value, _ in rows)


def used_values(draft: Draft) -> set[int]:
    """Ids of the option values that some variant has."""
    return {number for variant in draft.variants.values() for number in chosen(variant)}


def sort_variants(draft: Draft) -> None:
    """Order the variants as the options and their values are; recorded: product-options-reorder-validation."""
    rank = {
        value["id"]: place for option in draft.product["options"] for place, value in enumerate(option["optionValues"])
    }
    draft.product["variantIds"].sort(
        key=lambda number: [rank.get(value, 0) for value in chosen(draft.variants[number])]
    )


def name_problem(name: str) -> str | None:
    """What is wrong with the name of an option or value, if anything: "too_long", "delimiter" or "blank"."""
    if not name.strip():
        return "blank"
    if len(name) > TEXT_LIMIT:
        return "too_long"
    return "delimiter" if DELIMITER in name else None
