"""What the tests of the store work with: nodes as Shopify sends them, one shop's store, another program."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from shopify_sync.clock import ManualClock
from shopify_sync.entities import entity
from shopify_sync.records import Batch, Incoming, LocalRecord, Node, gid
from shopify_sync.spec import canonical, shopify_id, updated_at
from shopify_sync.store import leases, runs
from shopify_sync.store.database import Database
from shopify_sync.store.local import DatabaseLocal

PRODUCTS = entity("products")


def product(number: int, *, variants: int = 1, **changed: Any) -> Node:
    """A product's node with one element in each list, all ids derived from its number. `changed` are node fields."""
    node: Node = {
        "id": gid("Product", number),
        "handle": f"product-{number}",
        "title": f"Product {number}",
        "descriptionHtml": "<p>Fine.</p>",
        "vendor": "Acme",
        "productType": "Things",
        "status": "ACTIVE",
        "tags": ["a", "b"],
        "category": {"id": "gid://shopify/TaxonomyCategory/aa-1"},
        "templateSuffix": None,
        "seo": {"title": None, "description": "Buy it"},
        "isGiftCard": False,
        "requiresSellingPlan": False,
        "publishedAt": "2026-11-01T08:00:00Z",
        "createdAt": "2026-10-01T08:00:00Z",
        "updatedAt": "2026-11-24T11:00:00Z",
        "options": [
            {
                "id": gid("ProductOption", number * 10),
                "name": "Size",
                "position": 1,
                "optionValues": [{"id": gid("ProductOptionValue", number * 10), "name": "S0"}],
            }
        ],
        "variants": [variant(number * 10_000 + at, position=at + 1) for at in range(variants)],
        "media": [
            {
                "id": gid("MediaImage", number * 10),
                "image": {"url": f"https://cdn.example/{number}.png?v=1"},
                "alt": "Front",
                "mediaContentType": "IMAGE",
                "status": "READY",
            }
        ],
        "metafields": [
            {
                "id": gid("Metafield", number * 10),
                "namespace": "custom",
                "key": f"care_{number}",
                "type": "single_line_text_field",
                "value": "Wash cold",
                "compareDigest": "d1",
            }
        ],
        "collections": [collection(number * 10)],
    }
    return node | changed


def variant(number: int, **changed: Any) -> Node:
    node: Node = {
        "id": gid("ProductVariant", number),
        "title": f"S{number}",
        "sku": f"SKU-{number}",
        "barcode": None,
        "position": 1,
        "price": "10.00",
        "compareAtPrice": None,
        "selectedOptions": [{"name": "Size", "value": f"S{number}"}],
        "taxable": True,
        "inventoryPolicy": "DENY",
        "inventoryItem": {
            "id": gid("InventoryItem", number),
            "tracked": True,
            "requiresShipping": True,
            "unitCost": {"amount": "4.5"},
            "countryCodeOfOrigin": "DE",
            "harmonizedSystemCode": None,
            "measurement": {"weight": {"value": 0.25, "unit": "KILOGRAMS"}},
        },
    }
    return node | changed


def collection(number: int, **changed: Any) -> Node:
    return {"id": gid("Collection", number), "handle": f"c-{number}", "title": f"Collection {number}"} | changed


def incoming(node: Node, local_id: int | None = None) -> Incoming:
    payload, digest = canonical(PRODUCTS, node)
    return Incoming(node, payload, digest, updated_at(node), shopify_id(node), node["handle"], local_id)


@dataclass
class Store:
    """The products of one shop, through the same classes that a run uses."""

    database: Database
    shop_id: int
    clock: ManualClock = field(default_factory=ManualClock)

    def local(self, *, lease: leases.Lease | None = None, run_id: int = 0, direction: str = "pull") -> DatabaseLocal:
        return DatabaseLocal(
            self.database,
            PRODUCTS,
            self.shop_id,
            direction=direction,
            run_id=run_id,
            lease=lease,
            clock=self.clock,
        )

    def save(self, batch: Batch) -> None:
        with self.local().session() as session:
            session.save(batch, self.clock.now())

    def create(self, *nodes: Node) -> list[int]:
        """Store nodes that are new here; their local ids."""
        self.save(Batch(create=[incoming(node) for node in nodes]))
        known = self.local().known([int(node["id"].rpartition("/")[2]) for node in nodes])
        return [known[int(node["id"].rpartition("/")[2])].local_id for node in nodes]

    def update(self, local_id: int, node: Node) -> None:
        self.save(Batch(update=[incoming(node, local_id)]))

    def read(self, local_id: int) -> LocalRecord:
        with self.local().session() as session:
            return session.read([local_id])[0]

    def start(self, direction: str = "pull", entity_name: str = "products") -> int:
        """A run's row, begun now."""
        with self.database.transaction() as conn:
            return runs.start(
                conn, self.shop_id, entity_name, direction, trigger="test", holder="me", now=self.clock.now()
            )


class Plain:
    """Another program: the bare driver with its defaults, each statement committed. `?` marks a value."""

    def __init__(self, url: str, *pragmas: str) -> None:
        self.sqlite = url.startswith("sqlite")
        self._conn: Any
        if self.sqlite:
            self._conn = sqlite3.connect(url.removeprefix("sqlite:///"))
            for pragma in pragmas:
                self._conn.execute(f"PRAGMA {pragma}")
        else:
            import psycopg

            self._conn = psycopg.connect(url)

    def run(self, statement: str, *values: Any) -> int:
        """The number of rows that a statement concerned."""
        cursor = self._conn.execute(statement if self.sqlite else statement.replace("?", "%s"), values)
        self._conn.commit()
        return int(cursor.rowcount)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self._conn.execute(statement if self.sqlite else statement.replace("?", "%s"), values)
        found = [tuple(row) for row in cursor.fetchall()]
        self._conn.commit()
        return found

    def value(self, statement: str, *values: Any) -> Any:
        return self.rows(statement, *values)[0][0]

    def dirty(self) -> list[int]:
        return [row[0] for row in self.rows("SELECT id FROM products WHERE dirty ORDER BY id")]

    def close(self) -> None:
        self._conn.close()
