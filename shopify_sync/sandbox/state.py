"""The simulated store: its records, its ids, its clock, and the file it may live in.

Records are plain dicts, keyed by GraphQL names, in one table per type. Values are JSON-like: times are ISO
strings (`2026-11-24T12:00:00Z`), money is a string with two decimals, `id` is the numeric id. `Shop.put` adds the
key `_type` (the concrete GraphQL type, `MediaImage` for a record of the table `Media`), by which interfaces are
resolved.

    Product         id title handle descriptionHtml vendor productType tags[sorted as Shopify does] status
                    templateSuffix isGiftCard giftCardTemplateSuffix requiresSellingPlan createdAt updatedAt
                    publishedAt seo{title description} category(gid|None) combinedListingRole
                    options[{id name position linkedMetafield optionValues[{id name linkedMetafieldValue}]}]
                    variantIds[in position order] mediaIds[in order] collectionIds[] publicationIds[]
    ProductVariant  id productId title sku barcode position price compareAtPrice taxable inventoryPolicy
                    inventoryQuantity inventoryItemId selectedOptions[{name value optionValueId}] createdAt
                    updatedAt mediaIds[] requiresComponents showUnitPrice taxCode
    InventoryItem   id variantId sku tracked requiresShipping cost(str|None) weight{value unit}
                    countryCodeOfOrigin provinceCodeOfOrigin harmonizedSystemCode createdAt updatedAt
    Media           id type(MediaImage|Video|ExternalVideo|Model3d) productIds[] alt mediaContentType status
                    originalSource(as given) url(CDN) width height mimeType createdAt readyAt
    Metafield       id ownerType(PRODUCT PRODUCTVARIANT COLLECTION ...) ownerGid namespace key type value
                    createdAt updatedAt
    Collection      id handle title descriptionHtml updatedAt productIds[] ruleSet(None = manual) sortOrder
    Publication     id name
    BasicEvent      id action appTitle attributeToApp attributeToUser author arguments createdAt message
                    subjectId(gid) subjectType
    Order, FulfillmentOrder, Fulfillment, Refund, Return: see resources/order_model.py
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from shopify_sync.clock import Clock, SystemClock
from shopify_sync.sandbox.desk import Desk
from shopify_sync.sandbox.index import SortedIndex
from shopify_sync.sandbox.storage import Storage

Record = dict[str, Any]

MEDIA_TYPES = ("MediaImage", "Video", "ExternalVideo", "Model3d")
# First id of each type: distinct ranges, so that a gid with the wrong type never hits a record by accident.
_FIRST_ID = {
    "Product": 8_000_000_000_001,
    "ProductVariant": 44_000_000_000_001,
    "InventoryItem": 46_000_000_000_001,
    "ProductOption": 10_000_000_000_001,
    "ProductOptionValue": 2_000_000_000_001,
    "Media": 34_000_000_000_001,
    "Metafield": 24_000_000_000_001,
    "Collection": 470_000_000_001,
    "Publication": 150_000_000_001,
    "Job": 900_000_000_001,
    "ProductOperation": 80_000_000_001,
    "BasicEvent": 180_000_000_000_001,
    "Order": 5_600_000_000_001,
    "OrderNumber": 1_001,
    "LineItem": 14_100_000_000_001,
    "ShippingLine": 4_800_000_000_001,
    "OrderTransaction": 6_900_000_000_001,
    "FulfillmentOrder": 6_700_000_000_001,
    "FulfillmentOrderLineItem": 13_800_000_000_001,
    "FulfillmentHold": 610_000_000_001,
    "Fulfillment": 5_100_000_000_001,
    "FulfillmentLineItem": 12_300_000_000_001,
    "Refund": 930_000_000_001,
    "RefundLineItem": 560_000_000_001,
    "RefundShippingLine": 570_000_000_001,
    "OrderAdjustment": 240_000_000_001,
    "Return": 15_200_000_001,
    "ReturnLineItem": 23_100_000_001,
    "CalculatedOrder": 112_000_000_001,
    "OrderAddress": 7_300_000_000_001,
}
_PREFIX = "gid://shopify/"


def parse_gid(text: str) -> tuple[str, int]:
    """`gid://shopify/Product/123` -> ("Product", 123); a `?query` suffix is dropped. Raises ValueError."""
    if not isinstance(text, str) or not text.startswith(_PREFIX):
        raise ValueError(f"Invalid global id '{text}'")
    type_name, _, number = text[len(_PREFIX) :].partition("/")
    number = number.partition("?")[0]
    if not type_name or not (number.isascii() and number.isdigit()):
        raise ValueError(f"Invalid global id '{text}'")
    return type_name, int(number)


def iso(moment: datetime) -> str:
    """A time as Shopify writes it: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def table_of(type_name: str) -> str:
    """The table that holds records of a GraphQL type: the media types share one."""
    return "Media" if type_name in MEDIA_TYPES else type_name


class Shop:
    """One simulated store. Thread-safe by `lock`, which the server holds while it executes one request.

    `media_delay_s`: seconds until new media are READY (0: in the first read after the mutation). `echo_s`: seconds
    until `updatedAt` of a changed product moves a second time by itself (0: never). `merchant_acts`: the change under
    way is the merchant's, not the app's.
    Change a record in place (or build a new one), then `put` it: indexes and file follow only what was put.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        name: str = "Sandbox Shop",
        domain: str = "sandbox.myshopify.com",
        storage: Storage | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.clock: Clock = clock or SystemClock()
        self.name = name
        self.domain = domain
        self.currency = "USD"
        self.timezone = "America/New_York"
        self.plan = "Basic"
        self.shop_id = 70_000_000_001
        self.media_delay_s = 0.0
        self.echo_s = 0.0
        self.merchant_acts = False
        self.desk = Desk()
        self._offset = timedelta(0)
        self._storage = storage
        self._changed: dict[tuple[str, int], bool] = {}  # (table, id) -> still there; in order of change
        self._clear()
        if storage is None or not self._load(storage):
            self._first_records()

    @classmethod
    def open(cls, path: Path | str, *, clock: Clock | None = None) -> Shop:
        """The store kept in the SQLite file `path`, made when absent. Raises sqlite3.Error when unusable."""
        return cls(clock=clock, storage=Storage(Path(path)))

    def close(self) -> None:
        """Write what is unwritten and close the file."""
        with self.lock:
            self.flush()
            self.desk.close()
            if self._storage is not None:
                self._storage.close()
                self._storage = None

    # -- time

    def now(self) -> datetime:
        """The store's time: its clock plus what the control endpoint advanced it by."""
        return self.clock.now() + self._offset

    def now_iso(self) -> str:
        return iso(self.now())

    def advance(self, seconds: float) -> None:
        """Move the store's time forward."""
        self._offset += timedelta(seconds=seconds)

    # -- records

    def table(self, type_name: str) -> dict[int, Record]:
        """Records by numeric id, in order of insertion. Read only: write with `put` and `drop`."""
        return self._tables.setdefault(table_of(type_name), {})

    def next_id(self, type_name: str) -> int:
        """A fresh id, greater than all given before for this type."""
        name = table_of(type_name)
        fresh = self._next.get(name) or _FIRST_ID.get(name, 1_000_000_001)
        self._next[name] = fresh + 1
        return fresh

    def peek_id(self, type_name: str) -> int:
        """The id that `next_id` will give next."""
        name = table_of(type_name)
        return self._next.get(name) or _FIRST_ID.get(name, 1_000_000_001)

    def gid(self, type_name: str, number: int) -> str:
        return f"{_PREFIX}{type_name}/{number}"

    def put(self, type_name: str, record: Record) -> Record:
        """Store a record (by `record["id"]`) and return it; it is written at the next flush."""
        name = table_of(type_name)
        number = record["id"]
        record["_type"] = record["type"] if name == "Media" else name
        self._tables.setdefault(name, {})[number] = record
        self._index(name, number, record)
        self._changed[(name, number)] = True
        return record

    def drop(self, type_name: str, number: int) -> None:
        """Remove a record; nothing happens when it is not there. What belongs to it is the caller's to drop."""
        name = table_of(type_name)
        if self._tables.get(name, {}).pop(number, None) is not None:
            self._index(name, number, None)
            self._changed[(name, number)] = False

    def find(self, gid: str, *types: str) -> Record | None:
        """The record behind a gid, or None: unknown, malformed, or not one of `types` (when given)."""
        try:
            type_name, number = parse_gid(gid)
        except ValueError:
            return None
        if types and type_name not in types:
            return None
        record = self.table(type_name).get(number)
        return record if record is not None and record["_type"] == type_name else None

    def by_handle(self, type_name: str, handle: str) -> Record | None:
        """The product or collection with this handle, without a scan."""
        number = self._handles.get((type_name, handle))
        return None if number is None else self.table(type_name).get(number)

    def metafields_of(self, owner_gid: str) -> list[Record]:
        """The metafields of one owner in order of creation; costs as much as it returns."""
        table = self.table("Metafield")
        return [table[number] for number in self._metafields.get(owner_gid, ())]

    def touch_product(self, product_id: int) -> None:
        """Set `updatedAt` of a product to now; nothing happens when it is not there."""
        record = self.table("Product").get(product_id)
        if record is not None:
            record["updatedAt"] = self.now_iso()
            self.put("Product", record)

    def sorted_by(self, type_name: str, sort_key: str, key: Callable[[Record], Any]) -> SortedIndex:
        """The kept index of a table under a sort key: rows (key(record), id), ascending."""
        index = self._sorted.get((type_name, sort_key))
        if index is None:
            index = self._sorted[type_name, sort_key] = SortedIndex(key)
            index.rebuild(self.table(type_name))
        index.refresh(self.table(type_name))
        return index

    # -- whole store

    def flush(self) -> None:
        """Write the changed records to the file, in one transaction; the server calls it after each mutation."""
        changed, self._changed = self._changed, {}
        if self._storage is not None and changed:
            rows = [
                (name, number, self._tables[name][number] if kept else None) for (name, number), kept in changed.items()
            ]
            self._storage.write(rows, {"next": self._next})

    def reset(self) -> None:
        """Back to an empty store with its two publications; the clock's offset stays."""
        for name, records in self._tables.items():
            for number in records:
                self._changed[name, number] = False
        self._clear()
        self.desk.clear()
        self._first_records()
        self.flush()

    def snapshot(self) -> bytes:
        """All records and the ids given so far, for `restore`; the clock is no part of it."""
        return orjson.dumps(
            {"tables": {name: list(records.values()) for name, records in self._tables.items()}, "next": self._next}
        )

    def restore(self, snapshot: bytes) -> None:
        """Back to what `snapshot` saw, as a store whose backup is put back: ids given since are given again."""
        kept = orjson.loads(snapshot)
        for name, records in self._tables.items():
            self._changed.update(dict.fromkeys(((name, number) for number in records), False))
        self._clear()
        self._next.update(kept["next"])
        for name, records in kept["tables"].items():
            for record in records:
                self.put(name, record)
        self.flush()

    def digest(self) -> str:
        """SHA-256 of all records, the events among them: the proof that nothing (or something) changed.

        Reading leaves it as it is, but for `productOperation`, which a poll moves on, and for what falls due meanwhile
        (deletions under way, events over a year old). Statistics, faults, tokens and ids merely used up do not count.
        """
        total = hashlib.sha256()
        for name in sorted(self._tables):
            for number in sorted(self._tables[name]):
                total.update(name.encode())
                total.update(orjson.dumps(self._tables[name][number], option=orjson.OPT_SORT_KEYS))
        return total.hexdigest()

    def counts(self) -> dict[str, int]:
        """Number of records of each type."""
        return {name: len(records) for name, records in sorted(self._tables.items()) if records}

    def _clear(self) -> None:
        self._tables: dict[str, dict[int, Record]] = {}
        self._next: dict[str, int] = {}
        self._handles: dict[tuple[str, str], int] = {}
        self._handle_of: dict[tuple[str, int], str] = {}
        self._metafields: dict[str, dict[int, None]] = {}
        self._owner_of: dict[int, str] = {}
        self._sorted: dict[tuple[str, str], SortedIndex] = {}

    def _first_records(self) -> None:
        for name in ("Online Store", "Point of Sale"):
            self.put("Publication", {"id": self.next_id("Publication"), "name": name})

    def _load(self, storage: Storage) -> bool:
        rows: Iterable[tuple[str, int, Record]] = storage.records()
        empty = True
        for name, number, record in rows:
            empty = False
            self._tables.setdefault(name, {})[number] = record
            self._index(name, number, record)
        self._next = {name: int(number) for name, number in storage.meta("next", {}).items()}
        return not empty

    def _index(self, name: str, number: int, record: Record | None) -> None:
        for index_name, index in self._sorted.items():
            if index_name[0] == name:
                index.changed(number)
        if name in ("Product", "Collection"):
            old = self._handle_of.pop((name, number), None)
            if old is not None and self._handles.get((name, old)) == number:
                del self._handles[name, old]
            if record is not None:
                self._handles[name, record["handle"]] = number
                self._handle_of[name, number] = record["handle"]
        elif name == "Metafield":
            old = self._owner_of.pop(number, None)
            if record is not None:
                self._owner_of[number] = record["ownerGid"]
                self._metafields.setdefault(record["ownerGid"], {})[number] = None
            if old is not None and (record is None or old != record["ownerGid"]):
                self._metafields[old].pop(number, None)
