"""Which method is sooner: by what the bucket holds, and by what each took here before."""

from __future__ import annotations

import pytest

from shopify_sync.engine.method import Pace
from shopify_sync.records import Budget

STANDARD, PLUS = Budget(2_000, 100), Budget(20_000, 1_000)


@pytest.mark.parametrize(("budget", "records", "bulk"), [(STANDARD, 200, False), (STANDARD, 20_000, True)])
def test_before_anything_is_known(budget: Budget, records: int, bulk: bool) -> None:
    assert Pace().prefers_bulk(records, budget) is bulk


def test_an_empty_bucket_makes_pages_slow() -> None:
    pace = Pace(points=0.3, paged_s=0.0005, bulk_s=0.0005)
    assert not pace.prefers_bulk(2_000, PLUS)
    assert pace.prefers_bulk(2_000, Budget(0, 50))


@pytest.mark.parametrize(("seconds", "bulk"), [(100.0, False), (4.0, True)])
def test_what_an_operation_took_counts(seconds: float, bulk: bool) -> None:
    """The first measurement stands for itself, not for a mean with a guess."""
    pace = Pace().after_pages(20_000, 6_000, 13.0).after_bulk(20_000, 1.0, seconds)
    assert pace.prefers_bulk(20_000, PLUS) is bulk
    assert Pace.of(pace.as_json()) == pace


def test_the_shortest_wait_is_what_a_start_takes() -> None:
    pace = Pace().after_bulk(20_000, 60.0, 61.0).after_bulk(300, 0.4, 0.6)
    assert pace.start_s == 0.4
    assert pace.bulk_s == pytest.approx((59 / 20_000 + 0.2 / 300) / 2)


@pytest.mark.parametrize("stored", [None, {}, {"points": "many", "bulk_s": -1, "else": 5}, {"paged_s": None}])
def test_nonsense_in_the_database_counts_as_nothing(stored: dict[str, object] | None) -> None:
    assert Pace.of(stored) == Pace()
