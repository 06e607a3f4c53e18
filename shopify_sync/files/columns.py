"""The columns of Shopify's product CSV, under their older and their current names.

Sources: help.shopify.com, "Using CSV files to import and export products", and the sample files of Shopify's
partner programme. Names are compared without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shopify_sync.files.items import printable

_NAMES: dict[str, tuple[str, ...]] = {
    "handle": ("handle", "url handle"),
    "title": ("title",),
    "description_html": ("body (html)", "description"),
    "vendor": ("vendor",),
    "product_type": ("type", "custom product type"),
    "tags": ("tags",),
    "published": ("published", "published on online store"),
    "status": ("status",),
    "sku": ("variant sku", "sku"),
    "barcode": ("variant barcode", "barcode"),
    "price": ("variant price", "price"),
    "compare_at_price": ("variant compare at price", "compare-at price"),
    "cost": ("cost per item",),
    "taxable": ("variant taxable", "charge tax"),
    "tracker": ("variant inventory tracker", "inventory tracker"),
    "policy": ("variant inventory policy", "continue selling when out of stock"),
    "grams": ("variant grams", "weight value (grams)"),
    "weight_unit": ("variant weight unit", "weight unit for display"),
    "requires_shipping": ("variant requires shipping", "requires shipping"),
    "image": ("image src", "product image url"),
    "image_position": ("image position",),
    "image_alt": ("image alt text",),
    "is_gift_card": ("gift card",),
    "seo_title": ("seo title",),
    "seo_description": ("seo description",),
    "template_suffix": ("template suffix",),
}
for _at in (1, 2, 3):
    _NAMES[f"option{_at}_name"] = (f"option{_at} name",)
    _NAMES[f"option{_at}_value"] = (f"option{_at} value",)

_BY_NAME = {name: key for key, names in _NAMES.items() for name in names}
KNOWN = tuple(_BY_NAME)
_METAFIELD = re.compile(r".*\(product\.metafields\.([\w$-]+)\.([\w-]+)\)\s*", re.IGNORECASE)
# Content that says nothing: what Shopify fills in where there is nothing special.
SAYS_NOTHING = {"variant fulfillment service": {"manual"}, "fulfillment service": {"manual"}}


class Header:
    """Which cell of a row is what. `others` are columns that are not carried, by position."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.names = [printable(cell.strip()) for cell in cells]
        self.place: dict[str, int] = {}
        self.metafields: dict[int, tuple[str, str]] = {}
        self.others: dict[int, str] = {}
        for at, name in enumerate(self.names):
            key = _BY_NAME.get(name.lower())
            if key is not None and key not in self.place:
                self.place[key] = at
            elif match := _METAFIELD.fullmatch(name):
                self.metafields[at] = (match[1], match[2])
            elif name:
                self.others[at] = name

    def __contains__(self, key: str) -> bool:
        return key in self.place

    def named(self, key: str) -> str:
        """The column's name as the file has it."""
        return self.names[self.place[key]] if key in self.place else key

    def cell(self, row: Sequence[str], key: str) -> str:
        at = self.place.get(key)
        return row[at] if at is not None and at < len(row) else ""
