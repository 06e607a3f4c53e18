"""Request by request or in bulk: which one will be done sooner. Pure.

A page costs points, and what the bucket does not hold has to flow back first. A bulk operation costs none, but takes
a while to be prepared. What each took on this shop is remembered from run to run. Before that, these stand in: an
operation of one object and one of 1,456 both were done a second after their start
(bulk-operation-run-query-group-objects, bulk-operation-cold-catalog-hydration), so it is the start that counts; a
product with its lists is read for about 0.3 points (measured: catalogues of three variants each, 250 in a request).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from shopify_sync.records import Budget

# Two requests read as much.
FEW = 250
_WEIGHT = 0.5  # of the newest measurement; the first one counts alone


@dataclass(frozen=True, slots=True)
class Pace:
    """What a record costs on this shop: in pages `points` and `paged_s` (seconds beside all waits for points), in an
    operation `bulk_s` (seconds beside the wait for the shortest one, `start_s`). The others count measurements."""

    points: float = 0.3
    paged_s: float = 0.004
    bulk_s: float = 0.001
    start_s: float = 2.0
    paged_runs: float = 0.0
    bulk_runs: float = 0.0

    @classmethod
    def of(cls, stored: dict[str, Any] | None, prior: Pace | None = None) -> Pace:
        """From what was remembered; anything that is no number counts as nothing, and `prior` stands in for it."""
        known = {f.name for f in fields(cls)}
        given = {name: value for name, value in (stored or {}).items() if name in known}
        numbers = {name: float(v) for name, v in given.items() if isinstance(v, int | float) and v >= 0}
        return replace(prior or cls(), **numbers)

    def after_pages(self, records: int, points: int, seconds: float) -> Pace:
        """With what a run by pages took, waits for points left out."""
        return replace(
            self,
            points=_mixed(self.points, points / records, self.paged_runs),
            paged_s=_mixed(self.paged_s, max(0.0, seconds) / records, self.paged_runs),
            paged_runs=self.paged_runs + 1,
        )

    def after_bulk(self, records: int, waited_s: float, seconds: float) -> Pace:
        """With what an operation took in all, of which `waited_s` until its file was ready."""
        start_s = min(self.start_s, waited_s)
        now = max(0.0, seconds - start_s) / records
        return replace(
            self, start_s=start_s, bulk_s=_mixed(self.bulk_s, now, self.bulk_runs), bulk_runs=self.bulk_runs + 1
        )

    def paged(self, records: int, budget: Budget) -> float:
        """Seconds for so many records by pages."""
        lacking = max(0.0, records * self.points - budget.available)
        return max(lacking / max(budget.restore_rate, 1.0), records * self.paged_s)

    def bulk(self, records: int) -> float:
        """Seconds for so many records by a bulk operation."""
        return self.start_s + records * self.bulk_s

    def prefers_bulk(self, records: int, budget: Budget, *, few: int = FEW) -> bool:
        """Below `few` records no operation is started."""
        return records > few and self.bulk(records) < self.paged(records, budget)

    def as_json(self) -> dict[str, float]:
        return {name: round(value, 6) for name, value in asdict(self).items()}


def _mixed(before: float, now: float, runs: float) -> float:
    return before * (1 - _WEIGHT) + now * _WEIGHT if runs else now
