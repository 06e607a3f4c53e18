"""What is exchanged with Shopify: operations, replies, pages, and global ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from shopify_sync.records.runs import RecordError

Node: TypeAlias = dict[str, Any]


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
    """Whole nodes, connections drained. `missing` are the ids that Shopify no longer has. What is `late` was read at
    or after `served_at` and has waited since, so a record that is stored from a later read is newer."""

    nodes: Sequence[Node]
    missing: Sequence[int]
    served_at: datetime
    late: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """One look at a bulk operation: `objects` are lines so far, `roots` those that are records of their own.

    `status` is one of CREATED RUNNING COMPLETED CANCELING CANCELED FAILED EXPIRED (Admin schema,
    `BulkOperationStatus`); `created_at` is the server's time.
    """

    id: int
    status: str
    error_code: str | None
    created_at: datetime
    objects: int
    roots: int

    @property
    def live(self) -> bool:
        return self.status in ("CREATED", "RUNNING", "CANCELING")


@dataclass(frozen=True, slots=True)
class Budget:
    """Points that are there now, and how many flow back in a second."""

    available: float
    restore_rate: float


@dataclass(frozen=True, slots=True)
class Sent:
    """What Shopify answered to one mutation: its payload, and why it refused (empty when it did not)."""

    payload: Mapping[str, Any]
    errors: Sequence[RecordError]


def gid(kind: str, number: int) -> str:
    """Shopify's global id: `gid("Product", 1)` is `gid://shopify/Product/1`."""
    return f"gid://shopify/{kind}/{number}"


def number_of(global_id: str) -> int:
    """The number in a global id; a query string behind it is left out. Raises ValueError for anything else.

    Source: Admin API, global ids; inventory levels and addresses carry `?…` behind the number.
    """
    try:
        return int(global_id[global_id.rfind("/") + 1 :])
    except ValueError:
        return int(global_id.rpartition("/")[2].partition("?")[0])
