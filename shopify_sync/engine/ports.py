"""All that the engine needs from outside: `Remote`, the store's API, and `Local`, the database."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from shopify_sync.records import (
    ApiUse,
    Batch,
    Checkpoint,
    Fetched,
    Incoming,
    Known,
    Listed,
    LocalRecord,
    Operation,
    Page,
    RecordError,
    RunResult,
    Sent,
)


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
