"""A product as it is going to be: mutations change private copies and write them in one go, or not at all."""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.resources.echo import expect
from shopify_sync.sandbox.resources.event_log import note
from shopify_sync.sandbox.state import Record, Shop

_STAMPS = ("updatedAt",)


class Draft:
    """Private copies of one product and what belongs to it, written to the store by `commit`, dropped otherwise.

    `product`, `variants` and `items` (both by id) may be changed freely; the order of variants is
    `product["variantIds"]`. `original` is the stored record, None for a product that does not exist yet. `media`,
    `collections` and `metafields` take records to be written beside it, `dropped` names `(type, id)` of records to be
    removed.
    `commit` stamps `updatedAt` on the records that really changed, and on the product when anything did, and notes the
    event.
    """

    def __init__(self, shop: Shop, product: Record, *, new: bool = False) -> None:
        self.shop = shop
        self.original: Record | None = None if new else product
        self.product: Record = product if new else copied(product)
        variants = [] if new else [shop.table("ProductVariant")[number] for number in product["variantIds"]]
        items = shop.table("InventoryItem")
        self.variants: dict[int, Record] = {variant["id"]: copied(variant) for variant in variants}
        self.items: dict[int, Record] = {
            variant["inventoryItemId"]: copied(items[variant["inventoryItemId"]]) for variant in variants
        }
        self.media: dict[int, Record] = {}
        self.collections: dict[int, Record] = {}
        self.metafields: dict[int, Record] = {}
        self.dropped: list[tuple[str, int]] = []

    @property
    def gid(self) -> str:
        return self.shop.gid("Product", self.product["id"])

    def ordered(self) -> list[Record]:
        """The variants in position order."""
        return [self.variants[number] for number in self.product["variantIds"]]

    def item_of(self, variant: Record) -> Record:
        return self.items[variant["inventoryItemId"]]

    def medium(self, number: int) -> Record:
        """A copy of a medium of the store to change; it is written by `commit`."""
        if number not in self.media:
            self.media[number] = copied(self.shop.table("Media")[number])
        return self.media[number]

    def remove_variant(self, variant: Record) -> None:
        """Take a variant away with its inventory item and metafields."""
        self.product["variantIds"].remove(variant["id"])
        del self.variants[variant["id"]]
        del self.items[variant["inventoryItemId"]]
        self.dropped += [("ProductVariant", variant["id"]), ("InventoryItem", variant["inventoryItemId"])]
        owner = self.shop.gid("ProductVariant", variant["id"])
        self.dropped += [("Metafield", row["id"]) for row in self.shop.metafields_of(owner)]

    def commit(self) -> Record:
        """Write everything and return the product's new record."""
        shop, now = self.shop, self.shop.now_iso()
        changed = bool(self.dropped)
        for position, number in enumerate(self.product["variantIds"], 1):
            self.variants[number]["position"] = position
        for kind, records in (
            ("ProductVariant", self.variants),
            ("InventoryItem", self.items),
            ("Media", self.media),
            ("Collection", self.collections),
            ("Metafield", self.metafields),
        ):
            stored = shop.table(kind)
            for number, record in records.items():
                if differs(stored.get(number), record):
                    changed = True
                    if kind != "Media":
                        record["updatedAt"] = now
                    shop.put(kind, record)
        for kind, number in self.dropped:
            shop.drop(kind, number)
        if changed or differs(self.original, self.product):
            self.product["updatedAt"] = now
            note(shop, "create" if self.original is None else "update", self.product)
            self.original = shop.put("Product", self.product)
            expect(shop, self.original["id"])
        assert self.original is not None
        return self.original


def differs(stored: Record | None, record: Record) -> bool:
    """Whether `record` says anything else than the stored one, stamps aside."""
    if stored is None:
        return True
    return any(value != stored.get(key) for key, value in record.items() if key not in _STAMPS)


def copied(value: Any) -> Any:
    """A deep copy of JSON-like data; copy.deepcopy takes five times as long."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [copied(inner) for inner in value]
    return value
