"""The engine and the store alone, from answers in memory (see memory.py): what is ours without HTTP.

Limit: the same answers parsed and the same rows upserted by hand.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from benchmarks.bench import Bench
from benchmarks.measure import Ended, child_json
from benchmarks.results import Row

_MOST = 200_000  # the answers lie in memory, 3 kB a product


def pulls(bench: Bench, size: int) -> None:
    """A first pull, the same without a journal (nobody could undo it), and a full pull that finds nothing changed."""
    for what, name in (("pull, no HTTP", "first"), ("… without journal", "no_journal"), ("… nothing changed", "again")):
        _row(bench, size, what, name)


def merge(bench: Bench, size: int) -> None:
    """A full pull after 5 % of the products were changed here and 5 % on Shopify, half of these on both sides."""
    _row(bench, size, "merge, no HTTP", "merge")


def _row(bench: Bench, size: int, what: str, name: str) -> None:
    if size > _MOST:
        bench.report.left_out[what] = f"its answers lie in memory; at most {_MOST:,} products"
        return
    found = min((_round(size, at)[0] for at in bench.times(size)), key=lambda each: each[name]["cpu"])
    took = found[name]
    bench.report.rows.append(Row(what, size, took["wall"], took["cpu"], records=size, raw_cpu_s=found["raw"]["cpu"]))


@cache
def _round(size: int, _number: int) -> tuple[dict[str, Any], Ended]:
    return child_json("benchmarks.memory", "--products", size)
