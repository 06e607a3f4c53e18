"""Paged pulls on a shop of the Standard plan: its bucket holds 2,000 points and gets back 100 a second.

The bucket is empty when a pull begins, so that nothing but the pace of the shop is between it and its end. Limit: the
points that were spent ÷ 100 a second; a pull that is long against the bucket may take 1.05 times that on the wall,
start-up and all, and no request may be refused (THROTTLED). The same for two processes at once on the same shop, each
with a database of its own: they know of each other only by what Shopify tells of its bucket.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench import Bench, expect
from benchmarks.measure import Ended, Took
from benchmarks.results import STANDARD_RATE, Row, Target
from benchmarks.rows.pulling import PULL
from benchmarks.shop import ShopProcess
from benchmarks.tool import Place, finished

PRODUCTS = 20_000  # about 4,000 points
BUCKET = 2_000
BOUND = 1.05


def standard(bench: Bench, _size: int) -> None:
    """One process, then two."""
    with ShopProcess(PRODUCTS, bucket=BUCKET, restore=STANDARD_RATE) as shop:
        for count in (1, 2):
            _together(bench, shop, [bench.new() for _ in range(count)])


def _together(bench: Bench, shop: ShopProcess, folders: list[Path]) -> None:
    """Pulls at the same time; the wall time is that of the last to end."""
    places = [Place(folder, paced=True) for folder in folders]
    shop.level(0)
    shop.reset_stats()
    line = (*PULL, "paged")
    children = [place.start(shop, *line) for place in places]
    runs = [finished(child, shop, line) for child in children]
    for run in runs:
        expect(run.counted("created"), shop.products)
    ended: list[Ended] = [run.ended for run in runs]
    took = Took(max(each.took.wall for each in ended), sum(each.took.cpu for each in ended))
    stats, name = shop.stats(), "Standard, 1 process" if len(places) == 1 else f"Standard, {len(places)} processes"
    points, throttled = int(stats["points"]), int(stats["throttled"])
    row = Row(
        name,
        shop.products,
        took.wall,
        took.cpu,
        records=shop.products * len(places),
        peak_mb=max(each.peak_mb or 0.0 for each in ended),
        requests=stats["requests"],
        points=points,
        throttled=throttled,
        bytes=stats["sent"],
        wire_s=stats["sent"] / bench.wire,
        points_s=points / STANDARD_RATE,
    )
    bench.report.rows.append(row)
    bench.report.targets.append(Target(f"{name}: wall time, times points ÷ rate:", row.ratios["points"] or 0.0, BOUND))
    bench.report.targets.append(Target(f"{name}: THROTTLED:", throttled, 0))
