"""How long the lists of an input may be. Source: Shopify docs; recorded: product-set-shape-validator-parity."""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.plan import Field, Variables

_MAX_LIST = 250  # Shopify docs: lists in an input
_MAX_VARIANTS = 2048


def list_problem(at: Field, variables: Variables) -> dict[str, Any] | None:
    """The entry of `errors` for the first list of a root field's arguments that is too long."""
    for name, value in at.arguments(variables).items():
        if at.name == "metafieldsSet" and name == "metafields":
            continue  # too many are a userError there
        found = _long_list(value, (at.name, name))
        if found is not None:
            path, size, limit = found
            place = at.node.loc
            assert place is not None
            where = place.source.get_location(place.start)
            return {
                "message": f"The input array size of {size} is greater than the maximum allowed of {limit}.",
                "locations": [{"line": where.line, "column": where.column}],
                "path": list(path),
                "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
            }
    return None


def _long_list(value: Any, path: tuple[str, ...]) -> tuple[tuple[str, ...], int, int] | None:
    """(path, length, limit) of the first list that is too long; list positions are not part of the path."""
    if isinstance(value, list):
        limit = _MAX_VARIANTS if path[-1] == "variants" else _MAX_LIST
        if len(value) > limit:
            return path, len(value), limit
        items: Any = ((each, path) for each in value)
    elif isinstance(value, dict):
        items = ((each, (*path, name)) for name, each in value.items())
    else:
        return None
    for each, where in items:
        found = _long_list(each, where)
        if found is not None:
            return found
    return None
