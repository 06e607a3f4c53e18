"""The simulated shop must not be the slow part: what a page and a seed cost it.

python benchmarks/sandbox.py [--products 20000]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import orjson

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.api import Api
from shopify_sync.sandbox.bucket import Bucket
from shopify_sync.sandbox.scopes import ALL_SCOPES
from shopify_sync.sandbox.seed import seed
from shopify_sync.sandbox.state import Shop
from shopify_sync.sandbox.stats import Stats

PAGE = (
    "query Page($first: Int!, $variants: Int!) { products(first: $first) { nodes { id title handle descriptionHtml "
    "vendor status tags variants(first: $variants) { nodes { id sku price inventoryItem { id tracked } } } } } }"
)


def cpu_ms(work: Callable[[], object], rounds: int) -> float:
    """The best of several rounds: other programs only ever make one slower."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times) * 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--products", type=int, default=20_000)
    chosen = options.parse_args()
    store = Shop(clock=ManualClock())
    seeding = cpu_ms(lambda: seed(store, chosen.products, 1), 1)
    api = Api(store, Bucket(10**6, 10**6, store.clock), Stats())
    body = orjson.dumps({"query": PAGE, "variables": {"first": 250, "variants": 10}})
    page = cpu_ms(lambda: orjson.dumps(api.run(api.prepare(body), frozenset(ALL_SCOPES), "2026-10")), 10)
    print(f"{'':36}{'CPU ms':>10}{'limit':>10}")
    print(f"{f'seed of {chosen.products:,} products':36}{seeding:10,.0f}{5000:10,}")
    print(f"{'page of 250 products':36}{page:10.1f}{50:10}")


if __name__ == "__main__":
    main()
