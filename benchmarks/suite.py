"""The command line of the suite: which rows, at which sizes; one table, and the same as JSON and as a picture."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.plot import svg
from benchmarks.results import Report, table
from benchmarks.rows import GROUPS
from benchmarks.tool import MethodMissing

SIZES = (1_000, 10_000)
_LARGEST = {"100k": 100_000, "1m": 1_000_000}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write. A missed target is told and no failure: machines differ, and others work on them."""
    chosen = _options().parse_args(arguments)
    names = _names(chosen.rows)
    sizes = sorted({*chosen.sizes, *(_LARGEST[each] for each in chosen.add)})
    report = Report(sizes)
    with (
        tempfile.TemporaryDirectory(prefix="shopify-sync-bench-") as folder,
        Bench(Path(folder), report, chosen.rounds, chosen.bulk_pace) as bench,
    ):
        for size in sizes:
            for name in names:
                if GROUPS[name].sized:
                    _measure(bench, name, size)
        for name in names:
            if not GROUPS[name].sized:
                _measure(bench, name, max(sizes))
    report.grow()
    print(table(report))
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n")
    if chosen.svg:
        Path(chosen.svg).write_text(svg(report))
    return 0


def _measure(bench: Bench, name: str, size: int) -> None:
    group = GROUPS[name]
    began = time.perf_counter()
    try:
        group.run(bench, size)
    except MethodMissing as missing:
        bench.report.left_out[name] = str(missing)
    told = f"{name}, {size:,} products" if group.sized else name
    print(f"{told}: {time.perf_counter() - began:.0f} s", file=sys.stderr)


def _names(given: str) -> list[str]:
    if given == "all":
        return list(GROUPS)
    names = [name for name, group in GROUPS.items() if group.by_default] if not given else given.split(",")
    for name in names:
        if name not in GROUPS:
            raise SystemExit(f"there are no rows {name!r}; choose from: {', '.join(GROUPS)}, all")
    return [name for name in GROUPS if name in names]


def _options() -> argparse.ArgumentParser:
    listed = "\n".join(
        f"  {name:12} {group.brief}{'' if group.by_default else ' (by request)'}" for name, group in GROUPS.items()
    )
    options = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="How fast shopify-sync is, beside the limits of this machine, measured in the same run.",
        epilog=f"rows:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--rows", default="", metavar="NAME,…", help="which rows; `all` for every one")
    options.add_argument(
        "--sizes", type=_sizes, default=SIZES, metavar="N,…", help="products of the shops (default 1000,10000)"
    )
    for name, size in _LARGEST.items():
        options.add_argument(
            f"--{name}", dest="add", action="append_const", const=name, default=[], help=f"{size:,} products as well"
        )
    options.add_argument(
        "--rounds", type=int, default=1, help="measure each so often, the best counts (default 1; 3 where it is cheap)"
    )
    options.add_argument(
        "--bulk-pace", type=float, default=1458.0, metavar="N", help="objects a second of bulk operations in `auto`"
    )
    options.add_argument("--json", metavar="FILE", help="write the report as JSON")
    options.add_argument("--svg", metavar="FILE", help="write the report as a picture")
    return options


def _sizes(text: str) -> list[int]:
    return [int(part.replace("_", "")) for part in text.split(",")]
