"""A throw-away Postgres for the benchmarks: databases of one's own, and the processor time of its server processes.

It is the tests' cluster (tests/postgres.py), without fsync: what is measured is work, not the disk.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path

from benchmarks.measure import cpu_of
from tests import postgres


class Cluster:
    """Started when made. Raises RuntimeError where Postgres is not installed."""

    def __init__(self) -> None:
        self.url, self._folder = postgres.start()
        self._numbers = itertools.count(1)

    def database(self) -> str:
        """The URL of a new, empty database."""
        import psycopg

        name = f"bench_{next(self._numbers)}"
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url.rpartition("/")[0] + "/" + name

    def cpu_s(self) -> float:
        """Processor time of all server processes whose connections are closed, until now."""
        time.sleep(0.2)  # the last of them may still be ending
        pid = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        return cpu_of(pid, children=True)

    def stop(self) -> None:
        postgres.stop(Path(self._folder))
