"""The engine and the store alone: pulls whose source is prepared answers in this process, so no HTTP is in them.

    python -m benchmarks.memory --products 10000

prints one JSON document of seconds ({"wall", "cpu"}) for: the first pull; the same without a journal, which is a run
that nobody can undo; a full pull that finds nothing changed; a full pull with merges, after 5 % of the products were
changed here and 5 % there, half of these on both sides (some of them in the same field). Parsing is part of each.
`raw` is the limit: the same answers parsed, and the same rows upserted by hand (see raw.py).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import orjson

from benchmarks.catalogue import page
from benchmarks.measure import Took, measured
from benchmarks.raw import by_hand, parsed
from shopify_sync.clock import SystemClock
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.pull import Pull, PullOptions
from shopify_sync.entities import entity
from shopify_sync.records import ApiUse, Fetched, Listed, Node, Operation, Page, RunResult, Sent
from shopify_sync.spec.mapping import parse_time
from shopify_sync.store import leases, migrate, runs, shops
from shopify_sync.store.database import Database
from shopify_sync.store.local import DatabaseLocal

SIZE = 250
FIRST = 8_000_000_000_000
CLOCK = SystemClock()


class MemoryPages:
    """A `Remote` that serves prepared answers from memory."""

    def __init__(self, count: int) -> None:
        self.count_all = count
        self.pages = {at: page(at, min(SIZE, count - at)) for at in range(0, count, SIZE)}
        self.use = ApiUse()
        self.served_at: datetime | None = datetime.now(UTC)

    def list(self, query: str | None, cursor: str | None, limit: int) -> Page:
        start = int(cursor or 0)
        moment = parse_time("2026-02-01T00:00:00Z")
        end = min(start + SIZE, self.count_all)
        items = [Listed(FIRST + number, moment) for number in range(start, end)]
        return Page(items, str(end), end < self.count_all, _at(self.served_at))

    def enumerate(self, cursor: str | None, limit: int) -> Page:
        return self.list(None, cursor, limit)

    def deleted(self, since: datetime) -> None:
        return None

    def count(self, query: str | None) -> int:
        return self.count_all

    def fetch_size(self) -> int:
        return SIZE

    def fetch(self, ids: Sequence[int]) -> Fetched:
        nodes: list[Node] = orjson.loads(self.pages[ids[0] - FIRST])["data"]["nodes"]
        for node in nodes:
            for name in ("variants", "media", "metafields", "collections"):
                node[name] = node[name]["nodes"]
        return Fetched(nodes, (), _at(self.served_at))

    def stamps(self, ids: Sequence[int]) -> dict[int, Listed]:
        raise NotImplementedError("a pull asks for no stamps")

    def find(self, keys: Sequence[str]) -> dict[str, tuple[int, datetime]]:
        raise NotImplementedError("a pull looks nothing up")

    def send(self, operation: Operation) -> Sent:
        raise NotImplementedError("a pull sends nothing")


class Edited(MemoryPages):
    """The same catalogue after a merchant changed every twentieth product."""

    def fetch(self, ids: Sequence[int]) -> Fetched:
        found = super().fetch(ids)
        for node in found.nodes:
            number = int(node["id"].rpartition("/")[2]) - FIRST
            if number % 40 in (0, 2):
                node["vendor"] = "A new vendor"
                node["updatedAt"] = "2026-03-01T00:00:00Z"
            if number % 400 == 0:
                node["title"] = "Called that there"
        return found


def _at(moment: datetime | None) -> datetime:
    assert moment is not None
    return moment


class Quiet:
    def start(self, label: str, total: int | None) -> None: ...

    def advance(self, done: int, *, points: int = 0) -> None: ...

    def waiting(self, seconds: float, reason: str) -> None: ...

    def finish(self) -> None: ...


def fresh(path: Path) -> Database:
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    return database


def pull(
    database: Database, source: MemoryPages, *, full: bool = False, journal: bool = True
) -> tuple[Took, RunResult]:
    """Time and counts of one pull."""
    declared = entity("products")
    shop = shops.get_or_create(database, "benchmark.myshopify.com", CLOCK)
    result = RunResult("products", "pull")

    def work() -> None:
        lease = leases.acquire(database, f"{shop['id']}:products:pull", CLOCK)
        with database.transaction() as conn:
            run_id = runs.start(
                conn, shop["id"], "products", "pull", trigger="benchmark", holder=lease.holder, now=CLOCK.now()
            )
        result.run_id = run_id if journal else 0
        local = DatabaseLocal(
            database, declared, shop["id"], direction="pull", run_id=result.run_id, lease=lease, clock=CLOCK
        )
        Pull(Context(declared, source, local, result, Quiet(), CLOCK), PullOptions(full=full)).run()
        lease.release()

    return measured(work), result


def one_round(count: int, folder: Path) -> dict[str, Took]:
    """Everything once, in databases of its own."""
    source, took = MemoryPages(count), {}
    without = fresh(folder / "plain.db")
    took["no_journal"], _ = pull(without, source, journal=False)
    without.dispose()
    database = fresh(folder / "shop.db")
    took["first"], first = pull(database, source)
    took["again"], again = pull(database, source, full=True)
    assert (first.counts.created, again.counts.unchanged) == (count, count)
    took["raw"] = parsed(list(source.pages.values())) + by_hand(folder / "shop.db").upsert
    with database.transaction() as conn:
        conn.exec_driver_sql(
            "UPDATE products SET title = title || ' (here)' WHERE (shopify_id - ?) % 40 IN (0, 1)", (FIRST,)
        )
    took["merge"], merged = pull(database, Edited(count), full=True)
    assert merged.counts.updated
    database.dispose()
    return took


def main() -> None:
    options = argparse.ArgumentParser(description="Pulls from memory; times as JSON.")
    options.add_argument("--products", type=int, default=10_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        took = one_round(chosen.products, Path(folder))
    print(json.dumps({name: asdict(each) for name, each in took.items()}))


if __name__ == "__main__":
    main()
