"""Every hard case: the plan and the end are what the design demands, and a further sync has nothing to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.case import Case, names

CASES = [(name, database) for name in names() for database in Case(name).databases]


@pytest.mark.parametrize(("name", "database"), CASES)
def test_case(name: str, database: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case = Case(name)
    url: str = request.getfixturevalue(f"{database}_url")
    outcome = case.play(url, f"sqlite:///{tmp_path}/other.db")
    plan, end = case.expected()
    assert outcome.plan == plan
    assert outcome.end == end
    assert outcome.idle, "a second sync wrote something"


def test_there_are_enough_cases() -> None:
    assert len(names()) >= 30
