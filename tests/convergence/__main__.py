"""`python -m tests.convergence SEED`: replay one history; `--count N [--start S] [--jobs J]`: play many."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import postgres
from tests.convergence.bench import Bench
from tests.convergence.history import History, play, shrunk


def report(bench: Bench, history: History, said: str, *, shrink: bool = True) -> str:
    """What was broken, the steps that are needed for it, and the command that replays it."""
    small = shrunk(bench, history, said) if shrink else history
    told: list[str] = []
    final = play(bench, small, told.append)
    steps = "\n".join(told)
    return (
        f"seed {history.seed}: {said}\n"
        f"  shrunk to {len(small.steps)} of {len(history.steps)} steps: {final}\n{steps}\n"
        f"  replay with: python -m tests.convergence {history.seed}\n"
    )


def _some(seeds: range, url: str | None, *, shrink: bool) -> int:
    """Play these in this process; how many were broken."""
    broken = 0
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder), url) as bench:
        for seed in seeds:
            history = History.of(seed, postgres=url is not None)
            if said := play(bench, history):
                broken += 1
                print(report(bench, history, said, shrink=shrink), flush=True)
    return broken


def _share(given: argparse.Namespace, at: int, url: str | None) -> subprocess.Popen[bytes]:
    """Every `jobs`-th seed in a process of its own."""
    command = [sys.executable, "-m", "tests.convergence", "--count", str(given.count), "--start", str(given.start)]
    command += ["--jobs", str(given.jobs), "--share", str(at)] + ["--no-shrink"] * given.no_shrink
    command += ["--postgres", url] if url else ["--no-postgres"]
    return subprocess.Popen(command)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.convergence")
    parser.add_argument("seed", nargs="?", type=int)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--start", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--share", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--postgres", help="the URL of a running server's maintenance database")
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--no-postgres", action="store_true", help="play those histories on SQLite as well")
    given = parser.parse_args()
    seeds = range(given.start, given.start + given.count)
    if given.share is not None:
        return min(100, _some(seeds[given.share :: given.jobs], given.postgres, shrink=not given.no_shrink))
    folder: Path | None = None
    url: str | None = given.postgres
    if url is None and not given.no_postgres and postgres.binaries() is not None:
        url, folder = postgres.start()
    try:
        if given.seed is not None:
            with tempfile.TemporaryDirectory() as work, Bench(Path(work), url) as bench:
                history = History.of(given.seed, postgres=url is not None)
                said = play(bench, history, print)
                if said:
                    print(report(bench, history, said, shrink=not given.no_shrink))
                return 1 if said else 0
        started = time.monotonic()
        broken = sum(process.wait() for process in [_share(given, at, url) for at in range(given.jobs)])
        took = time.monotonic() - started
        print(f"{given.count} histories in {took:.1f} s ({given.count / took:.1f} a second), {broken} broken")
        return 1 if broken else 0
    finally:
        if folder is not None:
            postgres.stop(folder)


if __name__ == "__main__":
    sys.exit(main())
