"""What the simulated shop was asked: counts of requests and points."""

from __future__ import annotations

import threading
from typing import Any


class Stats:
    """Counts since the last reset; points are actual cost. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.requests = self.queries = self.mutations = self.points = self.throttled = 0
        self.by_operation: dict[str, dict[str, int]] = {}
        self.by_status: dict[str, int] = {}

    def answered(self, status: int | str) -> None:
        """A request got this status code, or `reset` for a connection that was cut."""
        with self._lock:
            self.requests += 1
            self.by_status[str(status)] = self.by_status.get(str(status), 0) + 1

    def executed(self, kind: str, name: str | None, points: int) -> None:
        """An operation ran."""
        with self._lock:
            if kind == "mutation":
                self.mutations += 1
            else:
                self.queries += 1
            self.points += points
            row = self.by_operation.setdefault(name or "(anonymous)", {"requests": 0, "points": 0})
            row["requests"] += 1
            row["points"] += points

    def refused(self) -> None:
        """An operation was throttled."""
        with self._lock:
            self.throttled += 1

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "requests": self.requests,
                "queries": self.queries,
                "mutations": self.mutations,
                "points": self.points,
                "throttled": self.throttled,
                "by_operation": {name: dict(row) for name, row in self.by_operation.items()},
                "by_status": dict(self.by_status),
            }
