"""The report as a picture: time of the processor for each record, beside the limit, on a logarithmic scale.

One line for each row that works on records, one dot for each size (the darker, the larger), and a bar where the same
rows by hand would be. A few lines of SVG, no library.
"""

from __future__ import annotations

import math
from html import escape

from benchmarks.results import Report, Row

_LEFT, _RIGHT, _TOP, _STEP = 190, 30, 64, 24
_WIDTH = 760
_SHADES = ("#9ecae1", "#4292c6", "#08519c", "#08306b")


def svg(report: Report) -> str:
    """The whole document."""
    rows = [row for row in report.rows if row.records and row.per_record_us]
    names = list(dict.fromkeys(row.what for row in rows))
    sizes = sorted({row.products for row in rows})
    low, high = _decades(rows)
    height = _TOP + _STEP * len(names) + 40

    def x(value: float) -> float:
        share = (math.log10(max(value, 10.0**low)) - low) / (high - low)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="14" y="22" font-size="14" font-weight="bold">CPU time per product × 3 variants</text>',
        *_legend(sizes),
    ]
    bottom = _TOP + _STEP * len(names)
    for power in range(low, high + 1):
        at = x(10.0**power)
        parts.append(f'<line x1="{at}" x2="{at}" y1="{_TOP - 8}" y2="{bottom}" stroke="#dddddd"/>')
        parts.append(f'<text x="{at}" y="{bottom + 18}" text-anchor="middle" fill="#555555">{_unit(power)}</text>')
    for line, name in enumerate(names):
        y = _TOP + _STEP * line + _STEP // 2
        parts.append(f'<text x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(_whole(name, names, line))}</text>')
        for row in sorted((row for row in rows if row.what == name), key=lambda row: row.products):
            shade = _SHADES[min(sizes.index(row.products), len(_SHADES) - 1)]
            value = row.per_record_us or 0.0
            label = f"{name}, {row.products:,} products: {value:,.0f} µs"
            parts.append(
                f'<circle cx="{x(value)}" cy="{y}" r="5" fill="{shade}"><title>{escape(label)}</title></circle>'
            )
            if row.raw_cpu_s and row.products == sizes[-1]:
                at = x(row.raw_cpu_s / row.records * 1e6)
                parts.append(f'<line x1="{at}" x2="{at}" y1="{y - 8}" y2="{y + 8}" stroke="#d7301f" stroke-width="3"/>')
    return "\n".join([*parts, "</svg>", ""])


def _decades(rows: list[Row]) -> tuple[int, int]:
    values = [row.per_record_us or 1.0 for row in rows]
    values += [row.raw_cpu_s / row.records * 1e6 for row in rows if row.raw_cpu_s]
    low = math.floor(math.log10(min(values, default=1.0)))
    return low, max(low + 1, math.ceil(math.log10(max(values, default=10.0))))


def _legend(sizes: list[int]) -> list[str]:
    parts, at = [], 14
    for place, size in enumerate(sizes):
        shade = _SHADES[min(place, len(_SHADES) - 1)]
        parts.append(f'<circle cx="{at + 5}" cy="40" r="5" fill="{shade}"/>')
        parts.append(f'<text x="{at + 14}" y="44" fill="#555555">{size:,} products</text>')
        at += 120
    parts.append(f'<line x1="{at + 5}" x2="{at + 5}" y1="33" y2="48" stroke="#d7301f" stroke-width="3"/>')
    parts.append(f'<text x="{at + 14}" y="44" fill="#555555">limit: the same rows by hand</text>')
    return parts


def _whole(name: str, names: list[str], line: int) -> str:
    """A row that goes on with the one above (`… without journal`) is told whole."""
    if not name.startswith("…"):
        return name
    above = next(each for each in reversed(names[:line]) if not each.startswith("…"))
    return f"{above.partition(',')[0]}{name[1:]}"


def _unit(power: int) -> str:
    value = 10.0**power
    return f"{value / 1e6:g} s" if power >= 6 else f"{value / 1e3:g} ms" if power >= 3 else f"{value:g} µs"
