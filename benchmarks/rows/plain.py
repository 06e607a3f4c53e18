"""The plainest bulk script (plain_bulk.py) beside the whole tool, on the same shop in the same run.

Bounds at 10,000 products: the tool, with mapping, hashes, merge and history, takes at most 1.5 times the script's
time on the wall and 3 times its processor time. Start-up is part of both.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from benchmarks.bench import Bench, best, expect
from benchmarks.measure import Child
from benchmarks.results import Target
from benchmarks.tool import Place, Run, finished

BOUND_AT = 10_000
WALL, CPU = 1.5, 3.0


def script(bench: Bench, size: int) -> None:
    """`plain_bulk.py` into an empty SQLite file."""
    run = best([_once(bench, size) for _ in bench.times(size)])
    raw = bench.raw(size)
    row = bench.row("plain bulk script", size, run, raw_cpu_s=raw["lines"] + raw["upsert"])
    tool = bench.report.find("pull bulk", size)
    if tool is None:
        return
    wall, cpu = tool.wall_s / row.wall_s, tool.cpu_s / row.cpu_s
    tool.more |= {"of_plain_wall": wall, "of_plain_cpu": cpu}
    if size == BOUND_AT:
        text = f"pull bulk of {size:,}, times the plain script's"
        bench.report.targets += [Target(f"{text} wall time:", wall, WALL), Target(f"{text} CPU time:", cpu, CPU)]


def _once(bench: Bench, size: int) -> Run:
    place, shop = Place(bench.new()), bench.shop(size)
    shop.reset_stats()
    child = Child("benchmarks.plain_bulk", [place.path], place.environment(shop))
    run = finished(child, shop, ("plain_bulk.py",))
    with closing(sqlite3.connect(place.path)) as conn:
        counts = [conn.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("products", "variants")]
    expect(counts[0], size)
    expect(counts[1], 3 * size)
    return run
