"""What was measured: rows, the limits beside them, the table and the JSON document.

A row's seconds are those of the whole command, on the wall and of the processor. Three limits stand beside it, each
measured or counted in the same run; a ratio is "times the limit":

- `raw` (processor, beyond `fixed_cpu_s`): the same rows by hand, see raw.py; of a start-up, bare Python;
- `wire` (wall): the bytes that the shop sent, at the throughput of loopback;
- `points` (wall): the points that were spent, at Shopify's pace (100 a second, the Standard plan's). Below 1, the
  command was faster than a Standard shop would let it be: there it takes as long as the points take.

`fixed_cpu_s` is what the command takes on an empty shop: start-up, mostly. `growth` is the processor time per record
beyond that, at this size over the next smaller one: 1 is linear. Where the work should not depend on the size at all,
nothing is taken off, and a tenth is right at ten times the size.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

STANDARD_RATE = 100.0  # points a second (shopify.dev, "API limits")


@dataclass
class Row:
    """One measurement. `products` is the size of the shop (0: there is none), `records` how many were worked on."""

    what: str
    products: int
    wall_s: float
    cpu_s: float
    records: int = 0
    peak_mb: float | None = None
    requests: int | None = None
    points: int | None = None
    throttled: int | None = None
    bytes: int | None = None
    fixed_cpu_s: float = 0.0
    raw_cpu_s: float | None = None
    wire_s: float | None = None
    points_s: float | None = None
    growth: float | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratios(self) -> dict[str, float | None]:
        """Times the limit."""
        return {
            "raw": _ratio(max(0.0, self.cpu_s - self.fixed_cpu_s), self.raw_cpu_s),
            "wire": _ratio(self.wall_s, self.wire_s),
            "points": _ratio(self.wall_s, self.points_s),
        }

    @property
    def per_record_us(self) -> float | None:
        """Microseconds of the processor for each record, beyond what the command takes on an empty shop."""
        return max(0.0, self.cpu_s - self.fixed_cpu_s) / self.records * 1e6 if self.records else None

    def as_json(self) -> dict[str, Any]:
        names = (
            "what", "products", "records", "wall_s", "cpu_s", "fixed_cpu_s", "peak_mb", "requests", "points",
            "throttled", "bytes", "growth",
        )  # fmt: skip
        limits = {"raw_cpu_s": self.raw_cpu_s, "wire_s": self.wire_s, "points_s": self.points_s}
        return {
            **{name: _short(getattr(self, name)) for name in names},
            "limits": {name: _short(value) for name, value in limits.items()},
            "ratios": {name: _short(value) for name, value in self.ratios.items()},
            "more": {name: _short(value) for name, value in self.more.items()},
        }


@dataclass
class Target:
    """A bound that the program is to keep, and what was measured."""

    what: str
    measured: float
    at_most: float

    @property
    def met(self) -> bool:
        return self.measured <= self.at_most

    def as_json(self) -> dict[str, Any]:
        return {"what": self.what, "measured": _short(self.measured), "at_most": self.at_most, "met": self.met}


@dataclass
class Report:
    """Everything of one run of the suite. `left_out`: {what: why}; `notes`: what no number says."""

    sizes: Sequence[int]
    rows: list[Row] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    machine: dict[str, Any] = field(default_factory=dict)

    def find(self, what: str, products: int) -> Row | None:
        return next((row for row in self.rows if (row.what, row.products) == (what, products)), None)

    def grow(self) -> None:
        """Fill in `growth` and a row for the peak of memory of each size; bring rows of one name together."""
        for size in self.sizes:
            rows = [row for row in self.rows if row.products == size and "shop" not in row.more]
            peaks = [row for row in rows if row.peak_mb is not None]
            if peaks and self.find(PEAK, size) is None:
                top = max(peaks, key=lambda row: row.peak_mb or 0)
                self.rows.append(Row(PEAK, size, 0, 0, peak_mb=top.peak_mb, more={"of": top.what}))
        for row in self.rows:
            smaller = [each for each in self.rows if each.what == row.what and each.products < row.products]
            if smaller:
                row.growth = _growth(max(smaller, key=lambda each: each.products), row)
        order = list(dict.fromkeys(row.what for row in self.rows))
        self.rows.sort(key=lambda row: order.index(row.what))

    def as_json(self) -> dict[str, Any]:
        return {
            "version": 1,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "machine": {
                "python": platform.python_version(),
                "sqlite": sqlite3.sqlite_version,
                "system": f"{platform.system()} {platform.machine()}",
                "cpus": os.cpu_count(),
                **self.machine,
            },
            "sizes": list(self.sizes),
            "rows": [row.as_json() for row in self.rows],
            "targets": [target.as_json() for target in self.targets],
            "left_out": self.left_out,
            "notes": self.notes,
        }


PEAK = "peak memory"


def _growth(smaller: Row, row: Row) -> float | None:
    if row.what == PEAK:
        return _ratio(row.peak_mb or 0, smaller.peak_mb)
    before, now = smaller.per_record_us, row.per_record_us
    return None if not before or now is None else now / before


def _ratio(measured: float, limit: float | None) -> float | None:
    return measured / limit if limit else None


def _short(value: Any) -> Any:
    """Four digits that count; more would be noise."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


# -- the table: 80 columns

_COLUMNS = (
    ("", 22), ("products", 9), ("wall s", 8), ("CPU s", 8), ("growth", 7), ("MB", 5), ("×raw", 6), ("×wire", 7),
    ("×points", 8),
)  # fmt: skip


def table(report: Report) -> str:
    """The rows for people, the targets, and what was left out."""
    lines = ["".join(name.rjust(width) if name else "".ljust(width) for name, width in _COLUMNS)]
    previous = None
    for row in report.rows:
        shown = "" if row.what == previous else row.what
        previous = row.what
        ratios = row.ratios
        cells = (
            f"{row.products:,}" if row.products else "",
            _seconds(row.wall_s),
            _seconds(row.cpu_s),
            _times(row.growth),
            f"{row.peak_mb:.0f}" if row.peak_mb else "",
            _times(ratios["raw"]),
            _times(ratios["wire"]),
            _times(ratios["points"]),
        )
        columns = zip(cells, _COLUMNS[1:], strict=True)
        lines.append(shown.ljust(22) + "".join(cell.rjust(width) for cell, (_, width) in columns))
    lines += ["", *LEGEND, ""]
    for target in report.targets:
        word = "kept" if target.met else "MISSED"
        lines.append(f"{word}: {target.what} {target.measured:.2f}, at most {target.at_most:g}")
    lines += report.notes
    lines += [f"left out: {what}: {why}" for what, why in report.left_out.items()]
    return "\n".join(line.rstrip() for line in lines)


LEGEND = (
    "growth: CPU time per record over that at the size before (MB of peak memory)",
    "×raw: CPU beyond start-up over the same rows by hand (start: over bare Python)",
    "×wire, ×points: wall over bytes at loopback's speed, points at the plan's pace",
)


def _seconds(value: float) -> str:
    return "" if not value else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _times(value: float | None) -> str:
    if value is None:
        return ""
    if value < 100:
        return f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return f"{value:.0f}" if value < 1e4 else f"{value / 1e3:.0f}k" if value < 1e6 else f"{value / 1e6:.1f}M"
