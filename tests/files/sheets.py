"""Import files written the way a spreadsheet or another shop would write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from shopify_sync.files import FileReader, Parsed, Problem

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)

OLD = ("Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name", "Option1 Value",
       "Option2 Name", "Option2 Value", "Variant SKU", "Variant Grams", "Variant Inventory Tracker",
       "Variant Inventory Policy", "Variant Price", "Variant Compare At Price", "Variant Requires Shipping",
       "Variant Taxable", "Variant Barcode", "Image Src", "Image Position", "Image Alt Text", "Gift Card", "SEO Title",
       "SEO Description", "Variant Weight Unit", "Cost per item", "Status")  # fmt: skip
# The same columns in the same order, as Shopify names them since 2024.
NEW = ("URL handle", "Title", "Description", "Vendor", "Type", "Tags", "Published on online store", "Option1 name",
       "Option1 value", "Option2 name", "Option2 value", "SKU", "Weight value (grams)", "Inventory tracker",
       "Continue selling when out of stock", "Price", "Compare-at price", "Requires shipping", "Charge tax", "Barcode",
       "Product image URL", "Image position", "Image alt text", "Gift card", "SEO title", "SEO description",
       "Weight unit for display", "Cost per item", "Status")  # fmt: skip


def sheet(rows: Iterable[Mapping[str, str]], columns: Iterable[str] | None = None, end: str = "\r\n") -> str:
    """Rows as a CSV text; the columns are those that the rows name, in the order in which they first appear."""
    listed = list(rows)
    names = list(columns or dict.fromkeys(name for row in listed for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(
        out, names, restval="", lineterminator=end, quoting=csv.QUOTE_ALL if end == "\r" else csv.QUOTE_MINIMAL
    )
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue()


def saved(folder: Path, content: str | bytes, name: str = "products.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, format: str | None = None) -> tuple[list[Parsed], list[Problem], list[str]]:
    """(records, problems, notes) of a whole file."""
    reader = FileReader(path, format=format, now=NOW)
    items = list(reader)
    return (
        [item for item in items if isinstance(item, Parsed)],
        [item for item in items if isinstance(item, Problem)],
        reader.notes,
    )
