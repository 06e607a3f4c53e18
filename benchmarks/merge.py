"""What a three-way merge costs beside the plain pull of the same products, measured in the same run.

5 % of the products are changed here, 5 % on Shopify, half of these on both sides (some of them the same field). The
source is pages of JSON in memory, as in `pull.py`.

    python benchmarks/merge.py [--products 20000]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.pull import MemoryPages, Took, fresh, pull
from shopify_sync.records import Fetched

FIRST = 8_000_000_000_000


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


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--products", type=int, default=20_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = fresh(Path(folder) / "bench.db")
        plain, first = pull(database, MemoryPages(chosen.products))
        with database.transaction() as conn:
            edited = conn.exec_driver_sql(
                "UPDATE products SET title = title || ' (here)' WHERE (shopify_id - ?) % 40 IN (0, 1)", (FIRST,)
            ).rowcount
        merged, result = pull(database, Edited(chosen.products), full=True)
        database.dispose()
    both = result.counts
    print(f"{chosen.products:,} products × 3 variants; {edited:,} changed here, as many on Shopify")
    print(f"{'':24}{'wall s':>8}{'CPU s':>8}{'of the plain pull':>20}")
    for name, took in (("plain pull", plain), ("pull with merges", merged)):
        print(f"{name:24}{took.wall:8.2f}{took.cpu:8.2f}{_share(took, plain):20.0%}")
    print(f"counts: first {first.counts.as_json()}; merge {both.as_json()}")


def _share(took: Took, plain: Took) -> float:
    return took.cpu / plain.cpu


if __name__ == "__main__":
    main()
