"""Pages or a bulk operation: which one will be done sooner. Pure.

A page costs points, and what the bucket does not hold has to flow back first. A bulk operation costs none, but takes
a while to be prepared. What each took on this shop is remembered from run to run; before that, recorded figures stand
in: an operation of 1,456 objects was done within a second of its start (bulk-operation-run-query-group-objects), and
a product with its lists is read for about three points (measured on catalogues of three variants each).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from shopify_sync.records import Budget

# Below this no operation is started: two pages are read at once.
FEW = 250
# Starting one, finding it done, fetching its file.
FIXED_S = 2.0
_OBJECTS = 6.0  # a record and its children, where nothing is known of the shop
_WEIGHT = 0.5  # of the newest measurement


@dataclass(frozen=True, slots=True)
class Pace:
    """What a record costs on this shop: in pages `points` and `paged_s` (seconds beside all waits for points), and
    `bulk_s` (seconds in an operation beside `FIXED_S`)."""

    points: float = 3.0
    paged_s: float = 0.004
    bulk_s: float = _OBJECTS / 1_456

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> Pace:
        """From what was remembered; anything that is no number counts as nothing."""
        known = {f.name for f in fields(cls)}
        given = {name: value for name, value in (stored or {}).items() if name in known}
        return cls(**{name: float(v) for name, v in given.items() if isinstance(v, int | float) and v >= 0})

    def after_pages(self, records: int, points: int, seconds: float) -> Pace:
        return replace(
            self,
            points=_mixed(self.points, points / records),
            paged_s=_mixed(self.paged_s, max(0.0, seconds) / records),
        )

    def after_bulk(self, records: int, seconds: float) -> Pace:
        return replace(self, bulk_s=_mixed(self.bulk_s, max(0.0, seconds - FIXED_S) / records))

    def paged(self, records: int, budget: Budget) -> float:
        """Seconds for so many records by pages."""
        lacking = max(0.0, records * self.points - budget.available)
        return max(lacking / max(budget.restore_rate, 1.0), records * self.paged_s)

    def bulk(self, records: int) -> float:
        """Seconds for so many records by a bulk operation."""
        return FIXED_S + records * self.bulk_s

    def prefers_bulk(self, records: int, budget: Budget) -> bool:
        return records > FEW and self.bulk(records) < self.paged(records, budget)

    def as_json(self) -> dict[str, float]:
        return {name: round(value, 6) for name, value in asdict(self).items()}


def _mixed(before: float, now: float) -> float:
    return before * (1 - _WEIGHT) + now * _WEIGHT
