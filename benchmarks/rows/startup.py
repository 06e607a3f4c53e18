"""How long short commands take to start: medians over several runs.

Limit: bare Python (`python -c pass`) in the same run. The bounds in `BOUNDS` are milliseconds of the processor over
that: what the user waits for before anything happens.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Mapping

from benchmarks.bench import Bench
from benchmarks.measure import ROOT, Took, waited
from benchmarks.results import Row, Target

RUNS = 9
COMMANDS = ("--version", "--help", "status", "products list", "conflicts list", "breaker status", "sync")
BOUNDS = {"--version": 40, "--help": 120, "status": 150}
_PROGRAM = [sys.executable, "-c", "from shopify_sync.__main__ import main; main()"]


def commands(bench: Bench, size: int) -> None:
    """Each command in a fresh process, on a SQLite database that has been synced with a shop of 20 products."""
    place, _ = bench.filled(20)
    environment = place.environment(bench.shop(20))
    bare = _median([sys.executable, "-c", "pass"], environment)
    for line in COMMANDS:
        took = _median([*_PROGRAM, *line.split()], environment)
        row = Row(f"start: {line}", 0, took.wall, took.cpu, raw_cpu_s=bare.cpu)
        over = (took.cpu - bare.cpu) * 1000
        row.more["over_bare_python_ms"] = over
        bench.report.rows.append(row)
        if line in BOUNDS:
            bench.report.targets.append(Target(f"{line}: ms of CPU over bare Python:", over, BOUNDS[line]))


def _median(command: list[str], environment: Mapping[str, str]) -> Took:
    found = [_once(command, environment) for _ in range(RUNS)]
    return Took(statistics.median(each.wall for each in found), statistics.median(each.cpu for each in found))


def _once(command: list[str], environment: Mapping[str, str]) -> Took:
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=dict(environment), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    code, cpu = waited(process)
    if code:
        raise SystemExit(f"{' '.join(command[3:])} ended with {code}")
    return Took(time.perf_counter() - began, cpu)
