"""Time, passed in. Nothing else in the package reads a clock or sleeps, so no test has to wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the package needs of time: wall time (aware, UTC), monotonic seconds, and waiting."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, wait_s: float) -> None: ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, wait_s: float) -> None:
        if wait_s > 0:
            time.sleep(wait_s)


class ManualClock:
    """A clock that only moves when told to; `sleep` moves it. `slept` keeps each wait in seconds."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        self._monotonic = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, wait_s: float) -> None:
        self.slept.append(wait_s)
        self.advance(max(0.0, wait_s))

    def advance(self, seconds: float) -> None:
        """Move both times forward by `seconds`."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


def storage_time(value: datetime) -> str:
    """ISO 8601 in UTC: `2026-11-24T12:00:00Z`, with microseconds where there are any. Raises ValueError if naive."""
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone can't be stored: {value!r}")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
