"""`OptionCreateInput`s of productCreate and productOptionsCreate: checks, and the options they describe.

Recorded: product-options-create-limits-and-duplicates-parity. Texts for names that hold the delimiter or are missing
are the descriptions of the codes in the Admin schema 2026-10.
"""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.resources.checks import OPTION_LIMIT, Path, error
from shopify_sync.sandbox.resources.option_model import by_name, name_problem, new_option
from shopify_sync.sandbox.state import Record, Shop

_NAME = {
    "blank": ("Each option must have a name specified.", "OPTION_NAME_MISSING"),
    "too_long": ("Option name is too long.", "OPTION_NAME_TOO_LONG"),
    "delimiter": ("The name provided is not valid.", "INVALID_NAME"),
}
_VALUE = {
    "blank": ("Option value name can't be blank.", "INVALID_NAME"),
    "too_long": ("Option value name is too long.", "OPTION_VALUE_NAME_TOO_LONG"),
    "delimiter": ("The name provided is not valid.", "INVALID_NAME"),
}


def create_errors(inputs: list[dict[str, Any]], existing: list[Record], path: Path) -> list[Record]:
    """What is wrong with options that are to be added to `existing` ones."""
    errors: list[Record] = []
    seen: set[str] = set()
    for place, given in enumerate(inputs):
        here = [*path, str(place)]
        wrong = _one(given, existing, seen, here)
        if wrong:
            errors.append(wrong)
        seen.add(given.get("name") or "")
    if not errors and len(existing) + len(inputs) > OPTION_LIMIT:
        errors.append(error(path, f"Can only specify a maximum of {OPTION_LIMIT} options", "OPTIONS_OVER_LIMIT"))
    return errors


def _one(given: dict[str, Any], existing: list[Record], seen: set[str], path: Path) -> Record | None:
    name = given.get("name") or ""
    problem = name_problem(name)
    if problem:
        return error(path, *_NAME[problem])
    if name in seen:
        return error(path, "Duplicated option name.", "DUPLICATED_OPTION_NAME")
    if by_name(existing, name) is not None:
        return error(path, f"Option '{name}' already exists.", "OPTION_ALREADY_EXISTS")
    values = [value.get("name") or "" for value in given.get("values") or []]
    if not values:
        return error(path, f"Option '{name}' must specify at least one option value.", "OPTION_VALUES_MISSING")
    if len(set(values)) < len(values):
        return error(path, "Duplicated option value.", "DUPLICATED_OPTION_VALUE")
    for value in values:
        problem = name_problem(value)
        if problem:
            return error(path, *_VALUE[problem])
    return None


def made(shop: Shop, inputs: list[dict[str, Any]]) -> list[Record]:
    """The options that checked inputs describe, in the order of their positions."""
    ordered = sorted(enumerate(inputs), key=lambda row: (row[1].get("position") or row[0] + 1, row[0]))
    return [new_option(shop, given["name"], [value["name"] for value in given["values"]]) for _, given in ordered]
