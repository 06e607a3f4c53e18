"""Writes what a case does now as what it is to do: `python -m tests.golden.update CASE…` (none: all that lack it).

What it writes is to be read against the design before it is kept: a wrong plan is a defect, not an expectation.
"""

from __future__ import annotations

import sys
import tempfile

from tests.golden.case import Case, names


def main(wanted: list[str]) -> None:
    for name in wanted or [name for name in names() if not (Case(name).folder / "end.yaml").exists()]:
        case = Case(name)
        with tempfile.TemporaryDirectory() as folder:
            outcome = case.play(f"sqlite:///{folder}/shop.db", f"sqlite:///{folder}/other.db")
        case.write(outcome)
        sys.stdout.write(f"{name}{'' if outcome.idle else ': a second sync wrote something'}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
