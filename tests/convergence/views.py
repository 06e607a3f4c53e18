"""What stands on both sides, read by plain SQL and from the sandbox's tables: no line of the engine is used.

A product is a `Side`: its own fields, and rows of its lists, each with its local id, its Shopify id and its columns.
`fields` is what people and apps edit; `extra` is what Shopify adds, which has to be equal in the end as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from shopify_sync.sandbox.state import Record, Shop

Value: TypeAlias = Any
Columns: TypeAlias = dict[str, Value]


class Cursor(Protocol):
    """What is needed of a connection: `?` marks a value in both kinds of database."""

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]: ...

    def run(self, statement: str, *values: Any) -> int: ...


@dataclass
class Element:
    """One row of a list. `name` is what people call it."""

    row: int | None
    number: int | None
    name: str
    columns: Columns
    extra: Columns = field(default_factory=dict)


@dataclass
class Side:
    """One product on one side. `gone` is a row that is marked as deleted on Shopify."""

    row: int | None
    number: int | None
    handle: str
    columns: Columns
    extra: Columns
    lists: dict[str, list[Element]]
    gone: bool = False
    dirty: bool = False


LISTS = ("options", "variants", "media")
_PRODUCT = (
    "title", "description_html", "vendor", "product_type", "status", "template_suffix", "seo_title", "seo_description",
)  # fmt: skip
_VARIANT = ("price", "compare_at_price", "sku", "barcode", "cost")
_VARIANT_EXTRA = (
    "taxable", "inventory_policy", "weight", "weight_unit", "requires_shipping", "tracked", "title", "position",
    "inventory_item_id", "country_code_of_origin", "harmonized_system_code",
)  # fmt: skip


def here(cursor: Cursor) -> dict[int, Side]:
    """Every product in the database, by local id."""
    names = ("id", "shopify_id", "handle", *_PRODUCT, "tags", "published_at", "deleted_at", "dirty", "category_id",
             "is_gift_card", "requires_selling_plan", "created_at")  # fmt: skip
    found: dict[int, Side] = {}
    for row in cursor.rows(f"SELECT {', '.join(names)} FROM products ORDER BY id"):
        at = dict(zip(names, row, strict=True))
        columns = {name: at[name] or "" for name in _PRODUCT} | {"handle": at["handle"] or ""}
        columns["published"] = at["published_at"] is not None
        columns |= {f"tags[{tag.strip().casefold()}]": True for tag in _json(at["tags"]) or ()}
        extra = {
            "published_at": _time(at["published_at"]),
            "created_at": _time(at["created_at"]),
            "category_id": at["category_id"],
            "is_gift_card": bool(at["is_gift_card"]),
            "requires_selling_plan": bool(at["requires_selling_plan"]),
            "tags": tuple(_json(at["tags"]) or ()),
        }
        found[at["id"]] = Side(
            at["id"], at["shopify_id"], columns["handle"], columns, extra, {name: [] for name in LISTS},
            at["deleted_at"] is not None, bool(at["dirty"]),
        )  # fmt: skip
    _children(cursor, found)
    return found


def _children(cursor: Cursor, found: dict[int, Side]) -> None:
    for parent, row, number, name, stored, position in cursor.rows(
        'SELECT product_id, id, shopify_id, name, "values", position FROM product_options '
        "ORDER BY product_id, position, id"
    ):
        values = tuple(_json(stored) or ())
        if (name, values) != ("Title", ("Default Title",)) and parent in found:
            extra = {"values": values, "position": position}
            found[parent].lists["options"].append(Element(row, number, name, {"name": name}, extra))
    names = ("product_id", "id", "shopify_id", "option_values", *_VARIANT, *_VARIANT_EXTRA)
    for got in cursor.rows(f"SELECT {', '.join(names)} FROM product_variants ORDER BY product_id, position, id"):
        at = dict(zip(names, got, strict=True))
        if at["product_id"] not in found:
            raise AssertionError(f"variant {at['id']} has no product")
        chosen = _json(at["option_values"]) or {"Title": "Default Title"}
        columns = {n: _money(at[n]) if n in ("price", "compare_at_price", "cost") else at[n] or "" for n in _VARIANT}
        columns["values"] = tuple(sorted(chosen.values()))
        extra = {n: at[n] for n in _VARIANT_EXTRA} | {"weight": _money(at["weight"]), "chosen": _frozen(chosen)}
        extra |= {n: None if at[n] is None else bool(at[n]) for n in ("taxable", "requires_shipping", "tracked")}
        found[at["product_id"]].lists["variants"].append(
            Element(at["id"], at["shopify_id"], " / ".join(chosen.values()), columns, extra)
        )
    for parent, row, number, url, source, alt, kind, status in cursor.rows(
        "SELECT product_id, id, shopify_id, url, source_url, alt, media_type, status FROM product_media "
        "ORDER BY product_id, position, id"
    ):
        extra = {"url": url, "media_type": kind, "status": status}
        if parent in found:
            found[parent].lists["media"].append(Element(row, number, source or url or "", {"alt": alt or ""}, extra))
    for parent, space, key, kind, value, number in cursor.rows(
        "SELECT owner_id, namespace, key, type, value, shopify_id FROM metafields WHERE owner_type = 'product'"
    ):
        if parent in found:
            found[parent].columns[f"metafields[{space}.{key}]"] = (kind, value)
            found[parent].extra[f"metafields[{space}.{key}]"] = number
    for parent, number in cursor.rows(
        "SELECT p.product_id, c.shopify_id FROM product_collections p JOIN collections c ON c.id = p.collection_id"
    ):
        if parent in found:
            found[parent].columns[f"collections[{number}]"] = True


def there(shop: Shop) -> dict[int, Side]:
    """Every product of the shop, by Shopify id."""
    with shop.lock:
        return {number: _product(shop, record) for number, record in shop.table("Product").items()}


def _product(shop: Shop, record: Record) -> Side:
    columns: Columns = {
        "title": record["title"],
        "handle": record["handle"],
        "description_html": record["descriptionHtml"] or "",
        "vendor": record["vendor"] or "",
        "product_type": record["productType"] or "",
        "status": record["status"],
        "template_suffix": record["templateSuffix"] or "",
        "seo_title": record["seo"]["title"] or "",
        "seo_description": record["seo"]["description"] or "",
        "published": record["publishedAt"] is not None,
    }
    columns |= {f"tags[{tag.strip().casefold()}]": True for tag in record["tags"]}
    columns |= {f"collections[{number}]": True for number in record["collectionIds"]}
    extra: Columns = {
        "published_at": _time(record["publishedAt"]),
        "created_at": _time(record["createdAt"]),
        "category_id": record["category"],
        "is_gift_card": record["isGiftCard"],
        "requires_selling_plan": record["requiresSellingPlan"],
        "tags": tuple(record["tags"]),
    }
    for row in shop.metafields_of(shop.gid("Product", record["id"])):
        columns[f"metafields[{row['namespace']}.{row['key']}]"] = (row["type"], row["value"])
        extra[f"metafields[{row['namespace']}.{row['key']}]"] = row["id"]
    lists = {
        "options": [_option(row) for row in record["options"]],
        "variants": [_variant(shop, number) for number in record["variantIds"]],
        "media": [_medium(shop.table("Media")[number]) for number in record["mediaIds"]],
    }
    lists["options"] = [one for one in lists["options"] if (one.name, one.extra["values"]) != _NO_OPTION]
    for at, variant in enumerate(lists["variants"], start=1):
        variant.extra["position"] = at
    return Side(None, record["id"], record["handle"], columns, extra, lists)


_NO_OPTION = ("Title", ("Default Title",))


def _option(row: Record) -> Element:
    values = tuple(value["name"] for value in row["optionValues"])
    return Element(None, row["id"], row["name"], {"name": row["name"]}, {"values": values, "position": row["position"]})


def _variant(shop: Shop, number: int) -> Element:
    row = shop.table("ProductVariant")[number]
    item = shop.table("InventoryItem")[row["inventoryItemId"]]
    chosen = {each["name"]: each["value"] for each in row["selectedOptions"]}
    columns = {
        "price": _money(row["price"]),
        "compare_at_price": _money(row["compareAtPrice"]),
        "sku": row["sku"] or "",
        "barcode": row["barcode"] or "",
        "cost": _money(item["cost"]),
        "values": tuple(sorted(chosen.values())),
    }
    extra = {
        "taxable": row["taxable"],
        "inventory_policy": row["inventoryPolicy"],
        "weight": _money(item["weight"]["value"]),
        "weight_unit": item["weight"]["unit"],
        "requires_shipping": item["requiresShipping"],
        "tracked": item["tracked"],
        "title": row["title"],
        "inventory_item_id": item["id"],
        "country_code_of_origin": item["countryCodeOfOrigin"],
        "harmonized_system_code": item["harmonizedSystemCode"],
        "chosen": _frozen(chosen),
    }
    return Element(None, number, " / ".join(chosen.values()), columns, extra)


def _medium(row: Record) -> Element:
    extra = {"url": row["url"], "media_type": row["mediaContentType"], "status": "READY"}  # when it is next read
    return Element(None, row["id"], row["originalSource"], {"alt": row["alt"] or ""}, extra)


def differences(local: Side, remote: Side) -> list[str]:
    """Every field in which two sides of one product differ, order of the lists included."""
    told = _unequal("", local.columns | local.extra, remote.columns | remote.extra)
    for name in LISTS:
        ours, theirs = local.lists[name], remote.lists[name]
        if [one.number for one in ours] != [one.number for one in theirs]:
            told.append(f"{name}: {[(o.number, o.name) for o in ours]} != {[(o.number, o.name) for o in theirs]}")
            continue
        for one, other in zip(ours, theirs, strict=True):
            told += _unequal(f"{name}[{other.name}].", one.columns | one.extra, other.columns | other.extra)
    return told


def _unequal(prefix: str, ours: Columns, theirs: Columns) -> list[str]:
    names = sorted(ours.keys() | theirs.keys())
    return [f"{prefix}{n}: {ours.get(n)!r} != {theirs.get(n)!r}" for n in names if ours.get(n) != theirs.get(n)]


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value


def _frozen(value: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(value.items()))


def _money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value)).normalize()


def _time(value: Any) -> datetime | None:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.replace(microsecond=0) if found is not None else None
