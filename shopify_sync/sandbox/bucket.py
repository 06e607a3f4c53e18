"""The leaky bucket of query cost and the one of REST requests."""

from __future__ import annotations

import threading
from typing import Any

from shopify_sync.clock import Clock


class Bucket:
    """Points that refill at `restore` per second up to `size`; time is the clock's monotonic time. Thread-safe."""

    def __init__(self, size: float, restore: float, clock: Clock) -> None:
        self.size = size
        self.restore = restore
        self._clock = clock
        self._available = float(size)
        self._at = clock.monotonic()
        self._lock = threading.Lock()

    def take(self, points: float) -> bool:
        """Take `points` if they are there; False leaves the bucket as it is."""
        with self._lock:
            self._refill()
            if points > self._available + 1e-6:  # who waited exactly long enough is served
                return False
            self._available = max(0.0, self._available - points)
            return True

    def give_back(self, points: float) -> None:
        """Return what was requested but not used; negative when more was used."""
        with self._lock:
            self._refill()
            self._available = max(0.0, min(self.size, self._available + points))

    def fill(self) -> None:
        """Full again."""
        with self._lock:
            self._available = float(self.size)

    @property
    def available(self) -> int:
        """Whole points in the bucket now."""
        with self._lock:
            self._refill()
            return int(self._available)

    def status(self) -> dict[str, Any]:
        """`throttleStatus` of an answer."""
        return {
            "maximumAvailable": float(self.size),
            "currentlyAvailable": self.available,
            "restoreRate": float(self.restore),
        }

    def _refill(self) -> None:
        now = self._clock.monotonic()
        self._available = min(float(self.size), self._available + (now - self._at) * self.restore)
        self._at = now
