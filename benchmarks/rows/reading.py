"""Commands that find both sides equal, or nearly: `sync` with nothing to do, and `verify`.

The work of a sync with nothing to do must not depend on the size, so no limit is taken off its growth. Limit of a
verify: reading all rows and parsing what Shopify had when they were read, by hand.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from benchmarks.bench import Bench, best, expect
from benchmarks.shop import ShopProcess
from benchmarks.tool import Place, Run

_DIFFERENT = 5


def nothing(bench: Bench, size: int) -> None:
    """`sync` where nothing changed on either side: a constant handful of requests."""
    place = bench.copy(size)
    runs = [place.run(bench.shop(size), "sync") for _ in bench.times(size, least=3)]
    expect(sum(runs[-1].counted(name) for name in ("created", "updated")), 0)
    bench.row("sync, nothing to do", size, best(runs))


def verify(bench: Bench, size: int) -> None:
    """`verify` of equal sides, with five products changed on Shopify, with five altered here behind the triggers'
    back, and `verify --deep`, which reads every field of every product."""
    place = bench.copy(size)
    shop = bench.shop(size)
    _row(bench, size, "verify, equal", [_verify(place, shop) for _ in bench.times(size)])
    _row(bench, size, "verify --deep", [_verify(place, shop, "--deep") for _ in bench.times(size)])
    with ShopProcess(size) as other:
        other.edit_many({"set": {"title": "Renamed there"}}, every=max(1, size // _DIFFERENT), count=_DIFFERENT)
        changed = _verify(place, other, codes=(3,))
        expect(_different(changed), _DIFFERENT)
        _row(bench, size, "… 5 changed there", [changed])
    with closing(sqlite3.connect(place.path)) as conn, conn:
        conn.execute(
            "UPDATE products SET title = 'Altered here', sync_rev = sync_rev + 1 WHERE id IN "
            "(SELECT id FROM products ORDER BY id LIMIT ?)",
            (_DIFFERENT,),
        )
    altered = _verify(place, shop, codes=(3,))
    expect(_different(altered), _DIFFERENT)
    _row(bench, size, "… 5 altered here", [altered])


def _verify(place: Place, shop: ShopProcess, *flags: str, codes: tuple[int, ...] = (0,)) -> Run:
    return place.run(shop, "verify", *flags, "--dry-run", codes=codes)


def _different(run: Run) -> int:
    return int(run.document["entities"][0]["counts"]["different"])


def _row(bench: Bench, size: int, what: str, runs: list[Run]) -> None:
    raw = bench.raw(size)
    row = bench.row(what, size, best(runs), raw_cpu_s=raw["pages"] + raw["read"])
    row.fixed_cpu_s = bench.fixed("verify", "--dry-run")
    row.more["read_whole"] = runs[0].document["entities"][0]["proof"]["read_whole"]
