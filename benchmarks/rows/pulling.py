"""First pulls through the command line, from a sandbox shop over HTTP.

Limit: the same answers parsed and the same rows upserted by hand (processor), bytes and points (wall).
"""

from __future__ import annotations

from benchmarks.bench import Bench, best, expect

PULL = ("products", "pull", "--method")


def paged(bench: Bench, size: int) -> None:
    """`products pull --method paged` into an empty SQLite database."""
    raw = bench.raw(size)
    row = bench.row("pull paged", size, bench.filled(size)[1], raw_cpu_s=raw["pages"] + raw["upsert"])
    row.fixed_cpu_s = bench.fixed(*PULL, "paged", fresh=True)


def bulk(bench: Bench, size: int) -> None:
    """`products pull --method bulk` into an empty SQLite database; the lines are parsed one by one."""
    runs = [bench.place().run(bench.shop(size), *PULL, "bulk") for _ in bench.times(size)]
    expect(runs[0].counted("created"), size)
    raw = bench.raw(size)
    row = bench.row("pull bulk", size, best(runs), raw_cpu_s=raw["lines"] + raw["upsert"])
    row.fixed_cpu_s = bench.fixed(*PULL, "bulk", fresh=True)
