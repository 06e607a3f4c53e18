"""What the mutations share: user errors, ids, money, and the refusals that Shopify raises at the top level."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from shopify_sync.sandbox.registry import TopLevelError
from shopify_sync.sandbox.state import Record, Shop, parse_gid

Path = list[str]

FILE_LIMIT = 250  # media of one product; Admin API reference D.2
VARIANT_LIMIT = (
    2048  # recorded: product-set-shape-validator-parity, product-options-create-limits-and-duplicates-parity
)
OPTION_LIMIT = 3
TEXT_LIMIT = 255
ALT_LIMIT = 512
AMOUNT_LIMIT = Decimal(10) ** 18  # recorded: product-set-shape-validator-parity

_CATEGORY = re.compile(r"[a-z]{2}(-\d+)*")


def error(field: Path | None, message: str, code: str | None = None) -> Record:
    """One user error; plain `UserError` has no `code`, and its schema keeps clients from asking for it."""
    return {"field": field, "message": message, "code": code}


def id_in(gid: str | None, *types: str) -> int | None:
    """The number in `gid` when it names one of `types`, else None."""
    if gid is None:
        return None
    try:
        kind, number = parse_gid(gid)
    except ValueError:
        return None
    return number if kind in types else None


def find(shop: Shop, kind: str, gid: str | None) -> Record | None:
    """The record of that type with that gid, or None."""
    return None if gid is None else shop.find(gid, kind)


def money(amount: Any) -> str | None:
    """An amount as Shopify writes it, two decimals, or None. Raises ValueError for text that is no number."""
    if amount is None:
        return None
    return f"{decimal(amount):.2f}"


def decimal(amount: Any) -> Decimal:
    """An amount from a string or number. Raises ValueError for anything else."""
    try:
        value = Decimal(str(amount).strip())
    except InvalidOperation:
        raise ValueError(f"not a number: {amount!r}") from None
    if not value.is_finite():
        raise ValueError(f"not a number: {amount!r}")
    return value


def too_long(label: str) -> str:
    """Recorded: product-handle-validation-parity, product-create-input-validation."""
    return f"{label} is too long (maximum is {TEXT_LIMIT} characters)"


def category(gid: str | None) -> str | None:
    """A taxonomy gid that can exist. Raises `TopLevelError`; recorded: productCreate-category-parity."""
    if gid is None:
        return None
    kind, _, node = gid.removeprefix("gid://shopify/").partition("/")
    if kind != "TaxonomyCategory" or not _CATEGORY.fullmatch(node):
        raise TopLevelError("Invalid product_taxonomy_node_id", "INVALID_PRODUCT_TAXONOMY_NODE_ID")
    return gid


def product_missing(field: str, code: str | None = None) -> Record:
    """Recorded: product-update-parity, product-change-status-unknown-product-parity."""
    return error([field], "Product does not exist", code)
