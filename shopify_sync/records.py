"""What travels between the layers: operations and replies, nodes and records, changes and results.

A *node* is a dict as Shopify sent it, its connections drained into plain lists. A *record* is the same thing in
our words: columns of the entity's table, and under each child's name a list of dicts of the child's columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

Node: TypeAlias = dict[str, Any]
Record: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One GraphQL request.

    `name` is the operation's name in `document` (cost and statistics are kept by it). `repeatable` says that
    carrying it out twice equals carrying it out once: always true of queries, of a mutation only where its own
    docstring shows why. `root` is the name of the field under `data` that holds the payload.
    """

    name: str
    document: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    root: str = ""
    mutation: bool = False
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Cost:
    """`extensions.cost` of an answer, in points. `actual` is None where Shopify did not carry it out."""

    requested: int
    actual: int | None
    available: float
    maximum: float
    restore_rate: float


@dataclass(frozen=True, slots=True)
class Reply:
    """Shopify's answer to one operation. `served_at` is the server's own clock (the Date header), aware UTC."""

    data: dict[str, Any]
    errors: list[dict[str, Any]]
    cost: Cost | None
    served_at: datetime
    api_version: str
    bytes: int = 0
    extensions: Mapping[str, Any] = field(default_factory=dict)
    rest_calls: tuple[int, int] | None = None


class Transport(Protocol):
    """Carries one operation. Raises the `Unavailable`, `AuthError` and `RequestRefused` families."""

    def send(self, operation: Operation) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a light listing: which record, and when Shopify last changed it."""

    shopify_id: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a light listing. `cursor` continues after it; `more` says whether anything follows."""

    items: Sequence[Listed]
    cursor: str | None
    more: bool
    served_at: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """Whole nodes, connections drained. `missing` are the ids that Shopify no longer has."""

    nodes: Sequence[Node]
    missing: Sequence[int]
    served_at: datetime


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


def content_hash(canonical: bytes) -> str:
    """The 32 hex digits that tell whether a canonical document changed (blake2b, 128 bits)."""
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def gid(kind: str, number: int) -> str:
    """Shopify's global id: `gid("Product", 1)` is `gid://shopify/Product/1`."""
    return f"gid://shopify/{kind}/{number}"


def number_of(global_id: str) -> int:
    """The number in a global id; a query string behind it is left out. Raises ValueError for anything else.

    Source: Admin API, global ids; inventory levels and addresses carry `?…` behind the number.
    """
    tail = global_id.rpartition("/")[2]
    return int(tail.partition("?")[0])


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


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None


class Progress(Protocol):
    """Where a run tells how far it is. `total` may be unknown; `points` and `waiting` are for the display."""

    def start(self, label: str, total: int | None) -> None: ...

    def advance(self, done: int, *, points: int = 0) -> None: ...

    def waiting(self, seconds: float, reason: str) -> None: ...

    def finish(self) -> None: ...
