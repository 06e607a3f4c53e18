"""First pulls through the command line into Postgres.

Limit: the same answers parsed, and the same rows through COPY into a temporary table and merged from there, by hand,
into tables with indexes and foreign keys and without triggers. Processor time is that of the client and of its server
process together, for both. The cluster runs without fsync.
"""

from __future__ import annotations

from benchmarks.bench import Bench, expect
from benchmarks.cluster import Cluster
from benchmarks.measure import child_json
from benchmarks.results import Row
from benchmarks.rows.pulling import PULL
from benchmarks.tool import MethodMissing, Place


def pulls(bench: Bench, size: int) -> None:
    """By pages and by bulk operations, each into an empty database."""
    try:
        cluster = bench.cluster
    except RuntimeError as missing:
        bench.report.left_out["postgres"] = str(missing)
        return
    paged, filled = _row(bench, cluster, size, "paged")
    empty = Place(bench.new(), cluster.database())
    empty.run(bench.shop(size), "db", "upgrade")
    found = child_json("benchmarks.raw", "postgres", filled.url, empty.url)[0]
    parse, merge = found["pages"]["cpu"], found["upsert"]["cpu"]
    paged.raw_cpu_s = parse + merge
    try:
        bulk, _ = _row(bench, cluster, size, "bulk")
    except MethodMissing as missing:
        bench.report.left_out["pull bulk, Postgres"] = str(missing)
    else:
        bulk.raw_cpu_s = bench.raw(size)["lines"] + merge


def _row(bench: Bench, cluster: Cluster, size: int, method: str) -> tuple[Row, Place]:
    """One pull; the processor time of the server is added to it."""
    fixed = bench.fixed(*PULL, method, fresh=True)
    place = Place(bench.new(), cluster.database())
    before = cluster.cpu_s()
    run = place.run(bench.shop(size), *PULL, method)
    expect(run.counted("created"), size)
    row = bench.row(f"pull {method}, Postgres", size, run)
    row.fixed_cpu_s = fixed
    row.more["client_cpu_s"] = row.cpu_s
    row.cpu_s += cluster.cpu_s() - before
    return row, place
