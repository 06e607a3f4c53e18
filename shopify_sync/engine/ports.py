"""All that the engine needs from outside: `Remote`, the store's API, and `Local`, the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from shopify_sync.records import ApiUse, Fetched, Listed, Node, Operation, Page, Record, RecordError, RunResult


@dataclass(frozen=True, slots=True)
class Sent:
    """What Shopify answered to one mutation: its payload, and why it refused (empty when it did not)."""

    payload: Mapping[str, Any]
    errors: Sequence[RecordError]


class Remote(Protocol):
    """The Admin API, seen from one entity. Raises the families of `errors.py`; never a record's own refusal."""

    def list(self, query: str | None, cursor: str | None, limit: int) -> Page: ...

    def count(self, query: str | None) -> int | None: ...

    def stamps(self, ids: Sequence[int]) -> dict[int, Listed]: ...

    def fetch(self, ids: Sequence[int]) -> Fetched: ...

    def find(self, keys: Sequence[str]) -> dict[str, tuple[int, datetime]]: ...

    def send(self, operation: Operation) -> Sent: ...

    def fetch_size(self) -> int: ...

    @property
    def served_at(self) -> datetime | None: ...

    @property
    def use(self) -> ApiUse: ...


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a record. `read_at` is the server's time when it was last read whole."""

    local_id: int
    payload_hash: str | None
    updated_at: datetime | None
    read_at: datetime | None
    dirty: bool
    deleted: bool


@dataclass(slots=True)
class LocalRecord:
    """A record as the database has it, and the base: what both sides last agreed on.

    `base` is None until the record was linked. `local_rev` moves with each local edit; `refused_rev` is the one
    that Shopify refused. `push_started_at` is the server's time just before we first asked for its creation.
    """

    local_id: int
    shopify_id: int | None
    key: str
    record: Record
    base: Record | None
    base_hash: str | None
    updated_at: datetime | None
    local_rev: int
    dirty: bool
    deleted: bool
    refused_rev: int | None = None
    push_started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A node on its way into the database. `local_id` is None for a record that is new here."""

    node: Node
    payload: str
    payload_hash: str
    updated_at: datetime
    local_id: int | None = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One field (or record, with an empty `path`) on which the sides differ and nobody has decided."""

    local_id: int | None
    shopify_id: int | None
    key: str
    kind: str
    path: str
    base: Any
    local: Any
    remote: Any
    policy: str = "hold"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a pull has come. `watermark` is what is stored whole; the rest belongs to an unfinished pull."""

    watermark: datetime | None = None
    cursor: str | None = None
    query: str | None = None
    started_at: datetime | None = None


@dataclass(slots=True)
class Batch:
    """Everything that one transaction does to records."""

    create: list[Incoming] = field(default_factory=list)
    update: list[Incoming] = field(default_factory=list)
    touch: list[tuple[int, datetime]] = field(default_factory=list)  # content equal, only Shopify's time moved
    gone: list[int] = field(default_factory=list)
    conflicts: list[Disagreement] = field(default_factory=list)
    agreed: list[int] = field(default_factory=list)  # open conflicts of these records have become moot


class Session(Protocol):
    """One transaction. Everything happens or nothing does; another run's takeover of the lease stops it."""

    def known(self, ids: Sequence[int]) -> dict[int, Known]: ...

    def buried(self, ids: Sequence[int]) -> set[int]:
        """Those that were deleted here and must not be brought back."""
        ...

    def unlinked(self, keys: Sequence[str]) -> dict[str, int]:
        """Local ids of records without a Shopify id, by natural key; a key that is not unique is left out."""
        ...

    def read(self, local_ids: Sequence[int]) -> list[LocalRecord]: ...

    def save(self, batch: Batch, read_at: datetime) -> None: ...

    def settle(self, local_id: int, incoming: Incoming, read_at: datetime, *, keep: bool) -> None:
        """Make the answer the new base. With `keep`, the rows stay as they are and the record stays dirty."""
        ...

    def clean(self, local_id: int, local_rev: int) -> None:
        """Nothing differs any more: no longer dirty, unless it was edited since `local_rev`."""
        ...

    def intend(self, creations: Sequence[tuple[int, str]], at: datetime) -> None:
        """Note (local id, natural key) of what is about to be created, before it is asked for."""
        ...

    def link(self, local_id: int, shopify_id: int) -> None: ...

    def refuse(self, run_id: int, local_id: int, local_rev: int, errors: Sequence[RecordError]) -> None: ...

    def accept(self, local_id: int) -> None:
        """Earlier refusals of this record are over."""
        ...

    def checkpoint(self, checkpoint: Checkpoint) -> None: ...

    def progress(self, result: RunResult) -> None: ...


class Local(Protocol):
    """The database, seen from one shop and one entity."""

    def session(self) -> AbstractContextManager[Session]: ...

    def checkpoint(self) -> Checkpoint: ...

    def known(self, ids: Sequence[int]) -> dict[int, Known]:
        """Like `Session.known`, outside a transaction: a hint, to be checked again before a write."""
        ...

    def dirty(self, after: int, limit: int, *, only: Sequence[int] | None = None) -> list[int]:
        """Local ids of records with a local change, ascending, beginning behind `after`."""
        ...


Beat = Callable[[], None]
