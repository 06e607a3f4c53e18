"""What rows share within one run of the suite: shops, filled databases, and the limits of this machine."""

from __future__ import annotations

import itertools
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.cluster import Cluster
from benchmarks.measure import child_json
from benchmarks.results import STANDARD_RATE, Report, Row
from benchmarks.shop import ShopProcess
from benchmarks.tool import Place, Run

_TINY, _SMALL = 500, 2_000  # products


class Bench(AbstractContextManager["Bench"]):
    """One run. `rounds`: how often each is measured at the least; the one with the least CPU time counts. `bulk_pace`:
    objects a second of bulk operations in the rows of `auto` (0: as fast as the sandbox can)."""

    def __init__(self, folder: Path, report: Report, rounds: int = 1, bulk_pace: float = 0.0) -> None:
        self.folder, self.report, self.rounds, self.bulk_pace = folder, report, rounds, bulk_pace
        self._numbers = itertools.count(1)
        self._shop: ShopProcess | None = None
        self._filled: dict[int, tuple[Place, Run]] = {}
        self._raw: dict[int, dict[str, Any]] = {}
        self._fixed: dict[tuple[object, ...], float] = {}

    def __exit__(self, *_: object) -> None:
        self.close()
        if "cluster" in self.__dict__:
            self.cluster.stop()

    def close(self) -> None:
        """End the shop that is kept for reading."""
        if self._shop is not None:
            self._shop.stop()
            self._shop = None

    def times(self, size: int, least: int = 1) -> range:
        """How often to measure at a size: small shops cost little and are easily disturbed, tiny ones are no
        measurement, they only show that the suite works."""
        if size < _TINY:
            return range(self.rounds)
        return range(max(self.rounds, 3 if size <= _SMALL else least))

    def new(self) -> Path:
        """A folder that does not exist yet."""
        return self.folder / str(next(self._numbers))

    def place(self, *, paced: bool = False) -> Place:
        """An empty database."""
        return Place(self.new(), paced=paced)

    def shop(self, products: int) -> ShopProcess:
        """A shop whose points never run out, kept until another size is asked for. Only for what changes nothing."""
        if self._shop is None or self._shop.products != products:
            self.close()
            self._shop = ShopProcess(products)
        return self._shop

    def filled(self, products: int) -> tuple[Place, Run]:
        """A database that a paged pull has filled, and that pull. Only to be copied or read."""
        if products not in self._filled:
            runs = []
            for _ in self.times(products):
                place = self.place()
                run = place.run(self.shop(products), "products", "pull", "--method", "paged")
                expect(run.counted("created"), products)
                runs.append((place, run))
            self._filled[products] = min(runs, key=lambda pair: pair[1].ended.took.cpu)
        return self._filled[products]

    def copy(self, products: int, *, paced: bool = False) -> Place:
        """A filled database of one's own."""
        return self.filled(products)[0].copy(self.new(), paced=paced)

    @cached_property
    def cluster(self) -> Cluster:
        """Postgres. Raises RuntimeError where it is not installed."""
        return Cluster()

    # limits

    def raw(self, products: int) -> dict[str, Any]:
        """See raw.py: seconds of the processor, by the name of the work."""
        if products not in self._raw:
            path = self.filled(products)[0].path
            found = [child_json("benchmarks.raw", "sqlite", path)[0] for _ in self.times(products)]
            names = ("pages", "lines", "read", "upsert")
            self._raw[products] = {name: min(each[name]["cpu"] for each in found) for name in names}
        return self._raw[products]

    @cached_property
    def wire(self) -> float:
        """Bytes a second through loopback."""
        rate = float(child_json("benchmarks.raw", "wire")[0]["bytes_per_s"])
        self.report.machine["loopback_bytes_per_s"] = round(rate)
        return rate

    def fixed(self, *arguments: object, fresh: bool = False) -> float:
        """Processor time of a command on an empty shop: what it takes before its first record.

        On a database that has been pulled into, or a `fresh` one, which the command then makes.
        """
        if arguments not in self._fixed:
            with ShopProcess(0) as empty:
                place = self.place()
                if not fresh:
                    place.run(empty, "products", "pull")
                times = self.times(max(self.report.sizes), least=3)
                runs = [(self.place() if fresh else place).run(empty, *arguments) for _ in times]
            self._fixed[arguments] = min(run.ended.took.cpu for run in runs)
        return self._fixed[arguments]

    # rows

    def row(self, what: str, products: int, run: Run, *, records: int | None = None, **more: Any) -> Row:
        """A row of one command, with the limits that every command has."""
        sent, points = int(run.shop["sent"]), int(run.shop["points"])
        row = Row(
            what,
            products,
            run.ended.took.wall,
            run.ended.took.cpu,
            records=products if records is None else records,
            peak_mb=run.ended.peak_mb,
            requests=run.shop["requests"],
            points=points,
            throttled=run.shop["throttled"],
            bytes=sent,
            wire_s=sent / self.wire,
            points_s=points / STANDARD_RATE,
            **more,
        )
        self.report.rows.append(row)
        return row


def expect(found: int, wanted: int) -> None:
    """Ends the benchmark where a command did not do what its row is about."""
    if found != wanted:
        raise SystemExit(f"{found:,} records were worked on, not {wanted:,}: nothing was measured")


def best(runs: list[Run]) -> Run:
    """The one that the machine disturbed least."""
    return min(runs, key=lambda run: run.ended.took.cpu)
