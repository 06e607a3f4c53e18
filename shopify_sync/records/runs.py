"""What a run is told by: its counts, its cost, what it refused, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class RecordError:
    """Why one record was refused. `field_path` is dotted (`variants.0.price`), `remedy` says what to do."""

    message: str
    code: str = ""
    field_path: str = ""
    category: str = "validation"
    remedy: str = ""
    record_key: str = ""
    shopify_id: int | None = None
    local_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "record": self.record_key,
            "shopify_id": self.shopify_id,
            "local_id": self.local_id,
            "field": self.field_path,
            "code": self.code,
            "category": self.category,
            "message": self.message,
            "remedy": self.remedy,
        }


@dataclass(slots=True)
class Counts:
    """How many records a run saw, and what became of each."""

    seen: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    conflicts: int = 0
    failed: int = 0

    def as_json(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class ApiUse:
    """What a run cost: requests sent, points spent, answers that said THROTTLED, attempts after the first."""

    requests: int = 0
    points: int = 0
    throttled: int = 0
    retries: int = 0
    waited_s: float = 0.0

    def as_json(self) -> dict[str, int]:
        return {
            "requests": self.requests,
            "points": self.points,
            "throttled": self.throttled,
            "retries": self.retries,
        }


@dataclass(slots=True)
class RunResult:
    """One run, as it is printed and stored. `status` is one of
    `running succeeded partial failed deferred interrupted skipped`: `succeeded` only where nothing failed and
    no conflict waits; `partial` where some records failed or wait; `deferred` while the breaker is open.
    """

    entity: str
    direction: str
    status: str = "running"
    run_id: int | None = None
    counts: Counts = field(default_factory=Counts)
    api: ApiUse = field(default_factory=ApiUse)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    errors: list[RecordError] = field(default_factory=list)
    error: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        """The contract's run object, with `error` (what stopped the run) and `notes` (what one should know)."""
        return {
            "run_id": self.run_id,
            "entity": self.entity,
            "direction": self.direction,
            "status": self.status,
            "counts": self.counts.as_json(),
            "api": self.api.as_json(),
            "started_at": _iso(self.started_at),
            "finished_at": _iso(self.finished_at),
            "errors": [e.as_json() for e in self.errors],
            "error": self.error,
            "notes": self.notes,
        }


class Progress(Protocol):
    """Where a run tells how far it is. `total` may be unknown; `points` and `waiting` are for the display."""

    def start(self, label: str, total: int | None) -> None: ...

    def advance(self, done: int, *, points: int = 0) -> None: ...

    def waiting(self, seconds: float, reason: str) -> None: ...

    def finish(self) -> None: ...


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None
