"""A catalogue for the simulated shop: the same for the same number, seed and time, and as varied as real ones.

Several trades and languages, HTML, combining marks and emoji; one to three options, about three variants per product
and now and then a hundred; cents; missing SKUs and barcodes; titles that occur twice; drafts, archived and unlisted
products; images, metafields, collections. Everything is between one hour and two years old on the store's clock, and
the order of `updatedAt` is not the order of ids.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import islice, product

from shopify_sync.sandbox.resources import handles
from shopify_sync.sandbox.resources.tags import normalised
from shopify_sync.sandbox.state import Record, Shop, iso
from shopify_sync.sandbox.trades import COLLECTIONS, COUNTRIES, TRADES, Trade

_OLDEST = timedelta(days=730)
_YOUNGEST = timedelta(hours=1)
_STATUS = ("ACTIVE",) * 16 + ("DRAFT",) * 2 + ("ARCHIVED", "UNLISTED")
_CDN = "https://cdn.shopify.com/s/files/1/0700/0000/files"
_METAFIELDS = (
    ("custom", "material", "single_line_text_field", ("100 % Baumwolle", "Steel", "陶器", "Linen/Leinen")),
    ("custom", "care", "multi_line_text_field", ("Wash cold.\nDo not tumble dry.", "手洗い\n日陰干し")),
    ("specs", "length_mm", "number_integer", ("120", "345", "1280")),
    ("specs", "rating", "number_decimal", ("4.5", "3.75", "5.0")),
    ("custom", "vegan", "boolean", ("true", "false")),
    ("custom", "keywords", "list.single_line_text_field", ('["soft","warm"]', '["gift","été","贈り物"]')),
    ("app--data", "payload", "json", ('{"a":1,"b":[true,null]}', '{"note":"naïve ☕"}')),
    ("custom", "launched", "date", ("2025-03-01", "2026-02-28")),
)


def seed(shop: Shop, products: int, seed: int = 1) -> None:
    """Add `products` products with all that belongs to them, and collections when there are none.

    The caller holds the store's lock and flushes. 20,000 products take about two seconds.
    """
    _Seeder(shop, seed).run(products)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


class _Seeder:
    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.random = random.Random(seed)  # noqa: S311  # a repeatable catalogue, no secret
        self.now = shop.now()
        self.handles: set[str] = {row["handle"] for row in shop.table("Product").values()}
        self.titles: list[str] = []
        self.publications = list(shop.table("Publication"))

    def run(self, count: int) -> None:
        collections = list(self.shop.table("Collection").values()) or self._collections()
        for number in range(count):
            self._product(number, collections)
        for collection in collections:
            self.shop.put("Collection", collection)

    def _moment(self, earliest: datetime) -> datetime:
        """A moment after `earliest` and at least an hour ago, to the second."""
        latest = self.now - _YOUNGEST
        span = max(0, int((latest - earliest).total_seconds()))
        return latest - timedelta(seconds=self.random.randrange(span + 1))

    def _collections(self) -> list[Record]:
        found = []
        taken: set[str] = set()
        for title in COLLECTIONS[: self.random.randint(8, len(COLLECTIONS))]:
            handle = handles.generated(title, taken, "collection")
            taken.add(handle)
            record: Record = {
                "id": self.shop.next_id("Collection"),
                "handle": handle,
                "title": title,
                "descriptionHtml": f"<p>{title}</p>",
                "updatedAt": iso(self._moment(self.now - _OLDEST)),
                "productIds": [],
                "ruleSet": None,
                "sortOrder": self.random.choice(("BEST_SELLING", "MANUAL", "ALPHA_ASC")),
            }
            found.append(self.shop.put("Collection", record))
        return found

    def _product(self, number: int, collections: list[Record]) -> None:
        pick = self.random
        trade = pick.choice(TRADES)
        title = self._title(trade)
        created = self._moment(self.now - _OLDEST)
        updated = created if pick.random() < 0.2 else self._moment(created)
        handle = handles.generated(title, self.handles)
        self.handles.add(handle)
        status = pick.choice(_STATUS)
        live = status in ("ACTIVE", "UNLISTED")
        product_id = self.shop.next_id("Product")
        chosen = pick.sample(collections, k=min(len(collections), pick.choice((0, 0, 1, 1, 2, 3))))
        for collection in chosen:
            collection["productIds"].append(product_id)
        record: Record = {
            "id": product_id,
            "title": title,
            "handle": handle,
            "descriptionHtml": "" if pick.random() < 0.05 else trade.text,
            "vendor": pick.choice(trade.vendors),
            "productType": "" if pick.random() < 0.05 else trade.product_type,
            "tags": normalised(pick.sample(trade.tags, k=pick.randint(0, len(trade.tags)))),
            "status": status,
            "templateSuffix": "story" if pick.random() < 0.03 else None,
            "isGiftCard": False,
            "giftCardTemplateSuffix": None,
            "requiresSellingPlan": False,
            "createdAt": iso(created),
            "updatedAt": iso(updated),
            "publishedAt": iso(created) if live else None,
            "seo": self._seo(title),
            "category": trade.category,
            "combinedListingRole": None,
            "options": [],
            "variantIds": [],
            "mediaIds": [],
            "collectionIds": [collection["id"] for collection in chosen],
            "publicationIds": self.publications[: pick.choice((1, 2, 2))] if live else [],
        }
        self._media(record, created)
        self._variants(record, trade, created, updated, big=number % 400 == 137)
        self.shop.put("Product", record)
        self._metafields(record, created)

    def _title(self, trade: Trade) -> str:
        pick = self.random
        if self.titles and pick.random() < 0.02:
            return pick.choice(self.titles)
        title = f"{pick.choice(trade.adjectives)} {pick.choice(trade.things)}"
        if pick.random() < 0.7:
            title += f" {pick.choice(('No.', 'Mk', '–', '№'))} {pick.randint(1, 9999)}"
        self.titles.append(title)
        return title

    def _seo(self, title: str) -> Record:
        if self.random.random() < 0.6:
            return {"title": None, "description": None}
        return {"title": f"{title} | Sandbox", "description": f"Buy {title} online – naïvely good ✓"}

    def _media(self, record: Record, created: datetime) -> None:
        pick, shop = self.random, self.shop
        for place in range(pick.choice((0, 1, 1, 1, 2, 2, 3, 4))):
            number = shop.next_id("Media")
            name = f"{record['id']}-{place + 1}.jpg"
            medium: Record = {
                "id": number,
                "type": "MediaImage",
                "productIds": [record["id"]],
                "alt": pick.choice(("", None, record["title"], f"{record['title']}, back", "写真")),
                "mediaContentType": "IMAGE",
                "status": "READY",
                "originalSource": f"https://images.example.com/{name}",
                "url": f"{_CDN}/{name}?v={number}",
                "width": pick.choice((800, 1200, 2048)),
                "height": pick.choice((800, 1200, 1600)),
                "mimeType": "image/jpeg",
                "createdAt": iso(created),
                "readyAt": iso(created),
            }
            shop.put("Media", medium)
            record["mediaIds"].append(number)

    def _variants(self, record: Record, trade: Trade, created: datetime, updated: datetime, *, big: bool) -> None:
        pick, shop = self.random, self.shop
        options = self._options(trade, big)
        record["options"] = [
            {
                "id": shop.next_id("ProductOption"),
                "name": name,
                "position": position,
                "linkedMetafield": None,
                "optionValues": [
                    {"id": shop.next_id("ProductOptionValue"), "name": value, "linkedMetafieldValue": None}
                    for value in values
                ],
            }
            for position, (name, values) in enumerate(options, 1)
        ]
        price = pick.randrange(*trade.prices)
        weight = pick.randrange(*trade.weight_g)
        coded = pick.random() < 0.85
        tracked = pick.random() < 0.8
        origin = pick.choice(COUNTRIES)
        value_lists = [option["optionValues"] for option in record["options"]]
        for position, values in enumerate(islice(product(*value_lists), 150 if big else 12), 1):
            self._variant(
                record,
                position,
                {
                    "price": _money(price + pick.choice((0, 0, 100, 250))),
                    "compareAtPrice": _money(price + 1000) if pick.random() < 0.2 else None,
                    "selectedOptions": [
                        {"name": option["name"], "value": value["name"], "optionValueId": value["id"]}
                        for option, value in zip(record["options"], values, strict=True)
                    ],
                    "barcode": f"40{pick.randrange(10**11):011d}" if coded and pick.random() < 0.8 else None,
                    "createdAt": iso(created),
                    "updatedAt": iso(updated),
                },
                {
                    "sku": f"{trade.product_type[:3].upper()}-{record['id'] % 10**6:06d}-{position}" if coded else None,
                    "tracked": tracked,
                    "weight": {"value": weight / 1000, "unit": "KILOGRAMS"},
                    "cost": _money(price * 2 // 5) if coded else None,
                    "countryCodeOfOrigin": origin,
                    "harmonizedSystemCode": "610910" if origin and coded else None,
                },
            )

    def _options(self, trade: Trade, big: bool) -> list[tuple[str, tuple[str, ...]]]:
        pick = self.random
        if big:
            return [
                ("Size", tuple(str(size) for size in range(36, 48))),
                ("Width", ("narrow", "normal", "wide")),
                ("Color", ("Black", "Brown", "Weiß", "緑")),
            ]
        if pick.random() < 0.3:
            return [("Title", ("Default Title",))]
        found = [(name, values[: pick.randint(1, min(4, len(values)))]) for name, values in trade.options]
        if pick.random() < 0.45:
            found = found[:1]
        if pick.random() < 0.05:
            found.append(("Gift wrap 🎀", ("no", "yes")))
        return found

    def _variant(self, record: Record, position: int, values: Record, item: Record) -> None:
        shop = self.shop
        variant_id, item_id = shop.next_id("ProductVariant"), shop.next_id("InventoryItem")
        image = record["mediaIds"][:1] if position == 2 else []
        variant: Record = {
            "id": variant_id,
            "productId": record["id"],
            "title": " / ".join(chosen["value"] for chosen in values["selectedOptions"]),
            "sku": item["sku"],
            "position": position,
            "taxable": True,
            "inventoryPolicy": "CONTINUE" if position % 7 == 0 else "DENY",
            "inventoryQuantity": self.random.choice((0, 0, 3, 12, 40, 250)) if item["tracked"] else 0,
            "inventoryItemId": item_id,
            "mediaIds": image,
            "requiresComponents": False,
            "showUnitPrice": False,
            "taxCode": None,
            **values,
        }
        shop.put("ProductVariant", variant)
        fresh: Record = {
            "id": item_id,
            "variantId": variant_id,
            "requiresShipping": True,
            "provinceCodeOfOrigin": None,
            "createdAt": values["createdAt"],
            "updatedAt": values["updatedAt"],
            **item,
        }
        shop.put("InventoryItem", fresh)
        record["variantIds"].append(variant_id)

    def _metafields(self, record: Record, created: datetime) -> None:
        pick, shop = self.random, self.shop
        owner = shop.gid("Product", record["id"])
        for namespace, key, kind, values in pick.sample(_METAFIELDS, k=pick.choice((0, 0, 1, 1, 2, 3))):
            row: Record = {
                "id": shop.next_id("Metafield"),
                "ownerType": "PRODUCT",
                "ownerGid": owner,
                "namespace": namespace,
                "key": key,
                "type": kind,
                "value": pick.choice(values),
                "createdAt": iso(created),
                "updatedAt": iso(created),
            }
            shop.put("Metafield", row)
