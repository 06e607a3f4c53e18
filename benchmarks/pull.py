"""How fast a pull is beside the raw limit of this machine, measured in the same run.

The source is pages of JSON in memory, so everything measured is our own work: parse, map, hash, compare, upsert,
checkpoint, journal. The limit is what no program can beat: parse the same JSON, then `sqlite3.executemany` of the
same rows into the same tables (indexes included, triggers not). Shares are of CPU time (user and system), which other
programs on the machine disturb less than the clock on the wall; of several rounds the best counts.

    python benchmarks/pull.py [--products 20000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import orjson

from benchmarks.catalogue import page
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
CLOCK = SystemClock()


class MemoryPages:
    """A `Remote` that serves prepared answers from memory; parsing them is part of the measurement."""

    def __init__(self, count: int) -> None:
        self.count_all = count
        self.pages = {at: page(at, SIZE) for at in range(0, count, SIZE)}
        self.use = ApiUse()
        self.served_at: datetime | None = datetime.now(UTC)

    def list(self, query: str | None, cursor: str | None, limit: int) -> Page:
        start = int(cursor or 0)
        moment = parse_time("2026-02-01T00:00:00Z")
        items = [Listed(8_000_000_000_000 + number, moment) for number in range(start, start + SIZE)]
        following = start + SIZE
        return Page(items, str(following), following < self.count_all, _at(self.served_at))

    def enumerate(self, cursor: str | None, limit: int) -> Page:
        return self.list(None, cursor, limit)

    def deleted(self, since: datetime) -> None:
        return None

    def count(self, query: str | None) -> int:
        return self.count_all

    def fetch_size(self) -> int:
        return SIZE

    def fetch(self, ids: Sequence[int]) -> Fetched:
        nodes: list[Node] = orjson.loads(self.pages[ids[0] - 8_000_000_000_000])["data"]["nodes"]
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


def _at(moment: datetime | None) -> datetime:
    assert moment is not None
    return moment


class Quiet:
    def start(self, label: str, total: int | None) -> None: ...

    def advance(self, done: int, *, points: int = 0) -> None: ...

    def waiting(self, seconds: float, reason: str) -> None: ...

    def finish(self) -> None: ...


@dataclass(frozen=True)
class Took:
    """Seconds on the wall and of the processor."""

    wall: float
    cpu: float

    def __add__(self, other: Took) -> Took:
        return Took(self.wall + other.wall, self.cpu + other.cpu)


def measured(work: Callable[[], None]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def pull(
    database: Database, source: MemoryPages, *, full: bool = False, journal: bool = True
) -> tuple[Took, RunResult]:
    """Time and counts of one pull. Without `journal` it is a run that nobody can undo."""
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


def raw_limit(path: Path, source: MemoryPages) -> tuple[Took, Took]:
    """Time to parse the same JSON, and to insert the same rows by hand into the same tables."""

    def parse() -> None:
        for body in source.pages.values():
            orjson.loads(body)

    parsed = measured(parse)
    filled = sqlite3.connect(path)
    raw = sqlite3.connect(path.with_suffix(".raw"), isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -65536"):
        raw.execute(f"PRAGMA {pragma}")
    tables = [
        (name, text)
        for name, text in filled.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        if name.startswith(("product", "metafields", "collections"))
    ]
    contents = {}
    for name, text in tables:
        raw.execute(text)
        columns = [row[1] for row in filled.execute(f"PRAGMA table_xinfo({name})") if row[6] == 0]
        listed = ", ".join(f'"{column}"' for column in columns)
        contents[name] = (
            f"INSERT INTO {name} ({listed}) VALUES ({', '.join('?' * len(columns))})",
            filled.execute(f"SELECT {listed} FROM {name}").fetchall(),
        )
        for (index,) in filled.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?", (name,)
        ):
            raw.execute(index)

    def insert() -> None:
        for statement, rows in contents.values():
            for at in range(0, len(rows), 1000):
                raw.execute("BEGIN")
                raw.executemany(statement, rows[at : at + 1000])
                raw.execute("COMMIT")

    inserted = measured(insert)
    raw.close()
    filled.close()
    return parsed, inserted


def memory_of(count: int) -> float:
    """Peak memory in MB of a process that does one pull and nothing else (the pages themselves left out)."""
    out = subprocess.run(
        [sys.executable, __file__, "--products", str(count), "--memory-child"],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(json.loads(out.stdout)["peak_mb"])


def peak_mb() -> float:
    """This process's own peak. `ru_maxrss` would tell that of the parent, which a fork inherits."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


class Streaming(MemoryPages):
    """Makes each answer when it is asked for, so that a process's memory is the pull's own."""

    def __init__(self, count: int) -> None:
        self.count_all = count
        self.use = ApiUse()
        self.served_at = datetime.now(UTC)

    def fetch(self, ids: Sequence[int]) -> Fetched:
        self.pages = {ids[0] - 8_000_000_000_000: page(ids[0] - 8_000_000_000_000, SIZE)}
        return super().fetch(ids)


def one_round(source: MemoryPages) -> tuple[dict[str, Took], list[RunResult]]:
    """Everything once, in databases of its own, and what the pulls counted."""
    took: dict[str, Took] = {}
    with tempfile.TemporaryDirectory() as folder:
        path, plain = Path(folder) / "bench.db", Path(folder) / "plain.db"
        without = fresh(plain)
        took[NO_JOURNAL], _ = pull(without, source, journal=False)
        without.dispose()
        database = fresh(path)
        took[FIRST], first = pull(database, source)
        took[AGAIN], again = pull(database, source, full=True)
        parse, insert = raw_limit(path, source)
        took[LIMIT] = parse + insert
        database.dispose()
    return took, [first, again]


def fresh(path: Path) -> Database:
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    return database


LIMIT = "raw limit: parse + executemany"
NO_JOURNAL = "first pull, nothing to undo it by"
FIRST = "first pull"
AGAIN = "pull --full, nothing changed"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--products", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--memory-child", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    if chosen.memory_child:
        with tempfile.TemporaryDirectory() as folder:
            pull(fresh(Path(folder) / "bench.db"), Streaming(chosen.products))
        print(json.dumps({"peak_mb": peak_mb()}))
        return
    source = MemoryPages(chosen.products)
    rounds = [one_round(source) for _ in range(chosen.rounds)]
    best = {name: min((took[name] for took, _ in rounds), key=lambda t: t.cpu) for name in rounds[0][0]}
    rows = [
        (name, best[name].wall, best[name].cpu, chosen.products / best[name].cpu, best[LIMIT].cpu / best[name].cpu)
        for name in (LIMIT, FIRST, NO_JOURNAL, AGAIN)
    ]
    journal = 1 - best[NO_JOURNAL].cpu / best[FIRST].cpu
    small, large = memory_of(2_000), memory_of(chosen.products)
    if chosen.json:
        names = ("what", "wall_s", "cpu_s", "products_per_cpu_s", "of_limit")
        told = [dict(zip(names, row, strict=True)) for row in rows]
        print(json.dumps([*told, {"journal_share": journal, "peak_mb": large}]))
        return
    print(f"{chosen.products:,} products × 3 variants, {len(page(0, 1)):,} bytes each, SQLite {sqlite3.sqlite_version}")
    print(f"{'':36}{'wall s':>8}{'CPU s':>8}{'products/s':>12}{'of limit':>10}")
    for name, wall, cpu, rate, share in rows:
        print(f"{name:36}{wall:8.2f}{cpu:8.2f}{rate:12,.0f}{share:10.0%}")
    first, again = rounds[0][1]
    print(f"counts: {first.counts.as_json()}; again: {again.counts.as_json()}")
    print(f"journal (run_changes): {journal:.0%} of the first pull")
    print(f"peak memory: {small:.0f} MB at 2,000 products, {large:.0f} MB at {chosen.products:,}")


if __name__ == "__main__":
    main()
