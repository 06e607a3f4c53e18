"""Seconds on the wall, seconds of the processor, and peak memory: of this process, and of commands run as children.

Processor time (user and system) is what other programs on the machine disturb least, so ratios are made of it wherever
the work is our own. Memory is `VmHWM`, which a process tells of itself: `ru_maxrss` would tell that of its parent,
which a fork inherits.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Took:
    """Seconds on the wall and of the processor."""

    wall: float
    cpu: float

    def __add__(self, other: Took) -> Took:
        return Took(self.wall + other.wall, self.cpu + other.cpu)


NOTHING = Took(0.0, 0.0)


def measured(work: Callable[[], object]) -> Took:
    """What a piece of work in this process takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def peak_mb() -> float:
    """This process's own peak of resident memory, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def cpu_of(pid: int, *, children: bool = False) -> float:
    """Processor time of another process in seconds; with `children`, that of its children that have ended as well."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11 : 15 if children else 13]) / _TICKS


def waited(process: subprocess.Popen[Any]) -> tuple[int, float]:
    """Wait for a child: its exit code, and its processor time in seconds."""
    _, status, use = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, use.ru_utime + use.ru_stime


@dataclass(frozen=True)
class Ended:
    """A child process that has ended. `peak_mb` is None where it told none."""

    code: int
    took: Took
    peak_mb: float | None
    out: str
    err: str


class Child:
    """A Python module under way in a process of its own, which tells its peak memory when it ends (see child.py)."""

    def __init__(
        self, module: str, arguments: Sequence[object], environment: Mapping[str, str], folder: Path = ROOT
    ) -> None:
        self._streams = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115 - closed by `wait`
        out, err, peak = self._streams
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", str(peak.fileno()), module, *map(str, arguments)],
            env={**environment, "PYTHONPATH": str(ROOT)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=[peak.fileno()],
        )

    def wait(self) -> Ended:
        code, cpu = waited(self._process)
        wall = time.perf_counter() - self._began
        texts = []
        for stream in self._streams:
            with stream:
                stream.seek(0)
                texts.append(stream.read().decode())
        out, err, peak = texts
        return Ended(code, Took(wall, cpu), float(peak) if peak else None, out, err)


def child(module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a module to its end. Ends the benchmark, with what the module said, when it fails."""
    ended = Child(module, arguments, os.environ if environment is None else environment).wait()
    if ended.code:
        raise SystemExit(f"{module} {' '.join(map(str, arguments))} ended with {ended.code}:\n{ended.err or ended.out}")
    return ended


def child_json(module: str, *arguments: object) -> tuple[Any, Ended]:
    """Run a module that prints one JSON document."""
    ended = child(module, *arguments)
    return json.loads(ended.out), ended
