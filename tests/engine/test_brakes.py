"""Each brake stops where it has to, and nowhere else."""

from __future__ import annotations

import pytest

from shopify_sync.engine.brakes import Brakes
from shopify_sync.errors import BrakeApplied
from shopify_sync.records import Standing


def standing(linked: int = 100, changed: int = 0, unlinked: int = 0, deletions: int = 0, absent: int = 0) -> Standing:
    return Standing(linked, changed, unlinked, deletions, absent)


# (what stands here, how many Shopify has, how many were here, the code of the brake or "")
PULLS = [
    (standing(), 100, 100, ""),
    (standing(), 0, 100, "empty-shop"),
    (standing(), 91, 100, ""),
    (standing(), 90, 100, ""),
    (standing(), 89, 100, "mass-delete"),
    (standing(12), 2, 12, ""),
    (standing(12), 1, 12, "mass-delete"),
    (standing(0), 100, 100, "empty-database"),
    (standing(0), 100, None, "empty-database"),
    (standing(0), 1, 0, ""),
    (standing(0), 0, 0, ""),
    (standing(0, unlinked=3), 0, 0, ""),
    (standing(0, unlinked=3), 5, None, ""),
    (standing(0, unlinked=3, deletions=2, absent=2), 2, 2, "empty-database"),
    (standing(0, deletions=1, absent=1), 1, 1, "empty-database"),
    (standing(0, absent=1), 1, 0, ""),
    (standing(89, deletions=11, absent=11), 100, 100, "mass-delete"),
    (standing(90, deletions=10, absent=10), 100, 100, ""),
    (standing(), None, 100, ""),
]


@pytest.mark.parametrize(("here", "total", "had", "code"), PULLS)
def test_before_a_pull(here: Standing, total: int | None, had: int | None, code: str) -> None:
    assert _stopped(lambda: Brakes().before_pull(here, total, first=False, had=had)) == code
    assert _stopped(lambda: Brakes(allow_deletes=True).before_pull(here, total, first=False, had=had)) == ""


PUSHES = [
    (standing(changed=99), ""),
    (standing(changed=100), "everything-changed"),
    (standing(10, changed=10), ""),
    (standing(0), ""),
    (standing(0, unlinked=5), ""),
    (standing(0, deletions=1), "empty-database"),
]


@pytest.mark.parametrize(("here", "code"), PUSHES)
def test_before_a_push(here: Standing, code: str) -> None:
    assert _stopped(lambda: Brakes().before_push(here, first=False)) == code
    assert _stopped(lambda: Brakes(allow_deletes=True, allow_changes=True).before_push(here, first=False)) == ""


def test_nothing_stops_a_first_link() -> None:
    """Neither side is known yet: nothing can have been lost."""
    assert _stopped(lambda: Brakes().before_pull(standing(0), 100, first=True)) == ""


def _stopped(look: object) -> str:
    try:
        look()  # type: ignore[operator]
    except BrakeApplied as error:
        assert error.exit_code == 9
        assert "--allow-mass" in (error.next or "")
        return error.code
    return ""
