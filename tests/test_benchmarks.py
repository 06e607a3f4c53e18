"""The benchmark suite: that it runs from end to end on a tiny shop, and that its numbers mean what they say.

Nothing here is timed: a busy machine must not fail a test.
"""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks.plot import svg
from benchmarks.results import PEAK, Report, Row, Target, table
from benchmarks.rows import GROUPS
from tests.shared import ROOT

KEYS = {
    "what", "products", "records", "wall_s", "cpu_s", "fixed_cpu_s", "peak_mb", "requests", "points", "throttled",
    "bytes", "growth", "limits", "ratios", "more",
}  # fmt: skip


def test_the_smallest_run_from_end_to_end(tmp_path: Path) -> None:
    """50 products: a table, the same as JSON, and a picture; rows that can't be are told, none is lost."""
    report, picture = tmp_path / "report.json", tmp_path / "report.svg"
    rows = "pull-paged,pull-bulk,plain-bulk,memory"
    line = ["--sizes", "50", "--rows", rows, "--json", report, "--svg", picture]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, line)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(report.read_text())
    assert (found["version"], found["sizes"]) == (1, [50])
    assert all(row.keys() == KEYS for row in found["rows"])
    by_name = {row["what"]: row for row in found["rows"]}
    assert by_name.keys() >= {"pull paged", "plain bulk script", "pull, no HTTP", PEAK}
    paged = by_name["pull paged"]
    assert (paged["products"], paged["records"], paged["throttled"]) == (50, 50, 0)
    assert paged["requests"] > 0 and paged["points"] > 0 and paged["bytes"] > 0 and paged["peak_mb"] > 0
    assert all(value is not None and value >= 0 for value in paged["ratios"].values())
    assert ("pull bulk" in by_name) != ("pull-bulk" in found["left_out"])
    assert all(name in done.stdout for name in by_name)
    assert ET.fromstring(picture.read_text()).tag.endswith("svg")


def _report() -> Report:
    report = Report([1_000, 10_000])
    for size, cpu in ((1_000, 2.0), (10_000, 11.0)):
        report.rows += [
            Row("pull", size, 20.0, cpu, size, peak_mb=100.0, fixed_cpu_s=1.0, raw_cpu_s=0.5, wire_s=1e-5, points_s=40),
            Row("no-op", size, 1.0, 1.0, size, peak_mb=80.0),
        ]
    report.targets = [Target("kept", 1.0, 2.0), Target("not kept", 3.0, 2.0)]
    report.left_out["pull bulk"] = "no such method"
    report.notes.append("chose paged")
    report.grow()
    return report


def test_growth_and_ratios() -> None:
    """Growth is beyond the start-up; what is constant falls by as much as the size grows; memory has a row."""
    report = _report()
    pull, nothing, peak = (report.find(what, 10_000) for what in ("pull", "no-op", PEAK))
    assert pull is not None and nothing is not None and peak is not None
    assert pull.growth == pytest.approx(1.0)
    assert nothing.growth == pytest.approx(0.1)
    assert (peak.growth, peak.peak_mb, peak.more) == (1.0, 100.0, {"of": "pull"})
    assert pull.ratios == {"raw": 20.0, "wire": pytest.approx(2e6), "points": 0.5}
    assert [row.what for row in report.rows] == ["pull", "pull", "no-op", "no-op", PEAK, PEAK]


def test_the_table_fits_a_terminal() -> None:
    """80 columns, and a missed target, a note and what was left out are told."""
    lines = table(_report()).splitlines()
    assert max(map(len, lines)) <= 80
    assert "MISSED: not kept 3.00, at most 2" in lines
    assert "chose paged" in lines
    assert "left out: pull bulk: no such method" in lines


def test_the_picture_has_a_dot_for_each_row_with_records() -> None:
    """Nothing outside the frame."""
    drawn = ET.fromstring(svg(_report()))
    names = [element.tag.rpartition("}")[2] for element in drawn.iter()]
    assert names.count("title") == 4
    width = float(drawn.attrib["viewBox"].split()[2])
    assert all(0 <= float(element.attrib["cx"]) <= width for element in drawn.iter() if "cx" in element.attrib)


def test_a_wrong_name_is_told() -> None:
    """With the names that there are."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--rows", "pul"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert all(name in done.stderr for name in GROUPS)
