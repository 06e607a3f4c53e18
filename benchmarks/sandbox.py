"""The simulated shop must not be the slow part: what a seed and a page cost it, in milliseconds of the processor.

    python -m benchmarks.sandbox [--products 20000]

prints one JSON document: {"seed_ms", "page_ms"}; the page has 250 products. Run by the suite's row `sandbox`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

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
    options = argparse.ArgumentParser(description="What a seed and a page cost the sandbox; JSON.")
    options.add_argument("--products", type=int, default=20_000)
    chosen = options.parse_args()
    store = Shop(clock=ManualClock())
    seeding = cpu_ms(lambda: seed(store, chosen.products, 1), 1)
    api = Api(store, Bucket(10**6, 10**6, store.clock), Stats())
    body = orjson.dumps({"query": PAGE, "variables": {"first": 250, "variants": 10}})
    page = cpu_ms(lambda: orjson.dumps(api.run(api.prepare(body), frozenset(ALL_SCOPES), "2026-10")), 10)
    print(json.dumps({"seed_ms": seeding, "page_ms": page}))


if __name__ == "__main__":
    main()
