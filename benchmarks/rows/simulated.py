"""The sandbox itself, which must not be the slow part (see sandbox.py)."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.measure import child_json
from benchmarks.results import Row, Target

PRODUCTS = 20_000
MOST_MS = {"seed": 5_000, "page": 50}


def sandbox(bench: Bench, size: int) -> None:
    """Its processor time for a made-up catalogue and for one page of 250 products; bounds in milliseconds."""
    found = child_json("benchmarks.sandbox", "--products", PRODUCTS)[0]
    for what, shown, records in (("seed", "sandbox: seed", PRODUCTS), ("page", "sandbox: a page", 250)):
        took_ms = found[f"{what}_ms"]
        row = Row(shown, 0, took_ms / 1000, took_ms / 1000)
        row.more["records"] = records
        bench.report.rows.append(row)
        bench.report.targets.append(Target(f"{shown} of {records:,}: ms of CPU:", took_ms, MOST_MS[what]))
