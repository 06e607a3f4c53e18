"""What `verify` costs on many equal products, and with a few differences: requests, points, seconds.

The shop is in memory and answers at once, with Shopify's own prices (13 points a light page of 250, worked out from
the documents by its published formula); so the seconds are our own work, and the pace at which a real shop refills
its points (100 a second on the basic plan) is printed beside them.

    python benchmarks/verify.py [--products 20000] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import orjson

from benchmarks.catalogue import product
from shopify_sync.clock import SystemClock
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.decide import arriving
from shopify_sync.engine.verify import Verify, VerifyOptions
from shopify_sync.entities import entity
from shopify_sync.records import ApiUse, Fetched, Listed, Node, Operation, Page, Proof, RunResult, Sent
from shopify_sync.shopify.cost import estimate
from shopify_sync.spec import documents
from shopify_sync.spec.mapping import parse_time
from shopify_sync.store import migrate, shops
from shopify_sync.store.database import Database
from shopify_sync.store.holdings import DatabaseHoldings
from shopify_sync.store.local import DatabaseLocal

CLOCK = SystemClock()
PRODUCTS = entity("products")
FIRST = 8_000_000_000_000
CHANGED = parse_time("2026-02-01T00:00:00Z")
RESTORE_RATE = 100.0  # points a second (shopify.dev, "API limits", standard plan)


class Shop:
    """A `Remote` in memory. `renamed` are numbers of products that its merchant has changed."""

    def __init__(self, count: int, renamed: Sequence[int] = ()) -> None:
        self.all, self.renamed = count, set(renamed)
        self.use = ApiUse()
        self.served_at = datetime.now(UTC)

    def _spend(self, document: str, **variables: object) -> None:
        self.use.requests += 1
        self.use.points += estimate(document, variables)

    def _stamp(self, number: int) -> Listed:
        return Listed(FIRST + number, self.served_at.replace(microsecond=0) if number in self.renamed else CHANGED)

    def enumerate(self, cursor: str | None, limit: int) -> Page:
        self._spend(documents.enumerating(PRODUCTS), first=limit, after=cursor)
        start = int(cursor or 0)
        end = min(start + limit, self.all)
        return Page([self._stamp(number) for number in range(start, end)], str(end), end < self.all, self.served_at)

    def deleted(self, since: datetime) -> None:
        return None

    def count(self, query: str | None) -> int | None:
        self._spend(documents.counting(PRODUCTS), query=query)
        return self.all

    def stamps(self, ids: Sequence[int]) -> dict[int, Listed]:
        self._spend(documents.stamping(PRODUCTS), ids=list(ids))
        return {number: self._stamp(number - FIRST) for number in ids}

    def fetch_size(self) -> int:
        return 25

    def fetch(self, ids: Sequence[int]) -> Fetched:
        self._spend(documents.fetching(PRODUCTS), ids=list(ids))
        return Fetched([self.node(number - FIRST) for number in ids], (), self.served_at)

    def node(self, number: int) -> Node:
        node: Node = orjson.loads(orjson.dumps(product(number)))
        for name in ("variants", "media", "metafields", "collections"):
            node[name] = node[name]["nodes"]
        if number in self.renamed:
            node["title"] = "Renamed"
            node["updatedAt"] = self._stamp(number).updated_at.isoformat().replace("+00:00", "Z")
        return node

    def list(self, query: str | None, cursor: str | None, limit: int) -> Page:
        raise NotImplementedError("verify lists by id")

    def find(self, keys: Sequence[str]) -> dict[str, tuple[int, datetime]]:
        raise NotImplementedError("verify looks nothing up")

    def send(self, operation: Operation) -> Sent:
        raise NotImplementedError("verify sends nothing")


class Quiet:
    def start(self, label: str, total: int | None) -> None: ...

    def advance(self, done: int, *, points: int = 0) -> None: ...

    def waiting(self, seconds: float, reason: str) -> None: ...

    def finish(self) -> None: ...


def fill(local: DatabaseLocal, shop: Shop) -> None:
    """What a pull stores, without the pull."""
    for start in range(0, shop.all, 500):
        nodes = [shop.node(number) for number in range(start, min(start + 500, shop.all))]
        with local.session() as session:
            session.writer.create(session.conn, [arriving(PRODUCTS, node) for node in nodes], shop.served_at)


def verify(local: DatabaseLocal, shop: Shop, *, deep: bool = False) -> tuple[float, Proof]:
    context = Context(PRODUCTS, shop, local, RunResult("products", "verify"), Quiet(), CLOCK)
    look = Verify(context, DatabaseHoldings(local), VerifyOptions(deep=deep))
    started = time.perf_counter()
    look.run()
    return time.perf_counter() - started, look.proof


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--products", type=int, default=20_000)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    count = chosen.products
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}")
        migrate.upgrade(database)
        shop_id = shops.get_or_create(database, "benchmark.myshopify.com", CLOCK)["id"]
        local = DatabaseLocal(database, PRODUCTS, shop_id, direction="verify", run_id=0, lease=None, clock=CLOCK)
        fill(local, Shop(count))
        some = [count * at // 5 for at in range(5)]
        for name, shop, deep in (
            ("equal", Shop(count), False),
            ("5 changed on Shopify", Shop(count, some), False),
            ("equal, --deep", Shop(count), True),
        ):
            took, proof = verify(local, shop, deep=deep)
            found = len(proof.unequal)
            rows.append((name, proof.status, found, shop.use.requests, shop.use.points, took, proof.read))
        with database.transaction() as conn:
            conn.exec_driver_sql(
                f"UPDATE products SET title = 'x', sync_rev = sync_rev + 1 WHERE id % {count // 5} = 1"
            )
        shop = Shop(count)
        took, proof = verify(local, shop)
        found = len(proof.unequal)
        rows.append(
            ("5 altered here unseen", proof.status, found, shop.use.requests, shop.use.points, took, proof.read)
        )
        database.dispose()
    names = ("what", "status", "found", "requests", "points", "seconds", "read_whole")
    if chosen.json:
        print(json.dumps([dict(zip(names, row, strict=True)) for row in rows]))
        return
    print(f"{count:,} products × 3 variants, SQLite; a real shop gives {RESTORE_RATE:.0f} points a second")
    print(f"{'':24}{'status':>10}{'found':>7}{'requests':>10}{'points':>9}{'seconds':>9}{'read whole':>12}{'pace':>9}")
    for what, status, found, requests, points, took, read in rows:
        pace = f"{points / RESTORE_RATE:,.0f} s"
        print(f"{what:24}{status:>10}{found:7}{requests:10,}{points:9,}{took:9.2f}{read:12,}{pace:>9}")


if __name__ == "__main__":
    main()
