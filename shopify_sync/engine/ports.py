"""All that the engine needs from outside: `Remote`, the store's API, and `Local`, the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from shopify_sync.records import (
    ApiUse,
    Batch,
    Budget,
    Change,
    Checkpoint,
    Export,
    Fetched,
    Incoming,
    Known,
    Listed,
    LocalRecord,
    Node,
    Operation,
    Page,
    Record,
    RecordError,
    RunResult,
    Sent,
    Standing,
    Stored,
    Tomb,
    Unmade,
)
from shopify_sync.spec import Child


class Remote(Protocol):
    """The Admin API, seen from one entity. Raises the families of `errors.py`; never a record's own refusal."""

    def list(self, query: str | None, cursor: str | None, limit: int) -> Page:
        """A light page, oldest change first."""
        ...

    def enumerate(self, cursor: str | None, limit: int) -> Page:
        """A light page of everything, in order of the ids."""
        ...

    def count(self, query: str | None) -> int | None: ...

    def deleted(self, since: datetime) -> Sequence[int] | None:
        """Ids that were probably deleted since then, to be looked at; None where nothing is told of that."""
        ...

    def stamps(self, ids: Sequence[int]) -> dict[int, Listed]: ...

    def fetch(self, ids: Sequence[int]) -> Fetched: ...

    def find(self, keys: Sequence[str]) -> dict[str, tuple[int, datetime]]: ...

    def send(self, operation: Operation) -> Sent: ...

    def fetch_size(self) -> int: ...

    @property
    def served_at(self) -> datetime | None: ...

    @property
    def use(self) -> ApiUse: ...


class Part(Protocol):
    """Some whole nodes of a bulk operation's result, and ids of records that have to be read otherwise."""

    nodes: list[Node]
    unordered: list[int]


class Exports(Protocol):
    """Bulk queries of one entity. `token` is a word of ours in the operation's name, by which it is found again."""

    @property
    def budget(self) -> Budget: ...

    def start(self, query: str | None, token: str) -> Export:
        """Raises SlotsTaken; never starts a second one of the same token."""
        ...

    def find(self, token: str, since: datetime) -> Export | None: ...

    def wait(self, export: Export, told: Callable[[Export], None]) -> Export:
        """Until it has ended."""
        ...

    def cancel(self, export: Export) -> None: ...

    def read(self, export: Export, size: int, beat: Callable[[], None]) -> Iterator[Part]:
        """All records of the result, about `size` at a time. Raises Unreachable where the file can't be had whole."""
        ...

    def sweep(self) -> None:
        """Delete what is kept on this machine, also what killed runs left."""
        ...

    def close(self) -> None: ...


class Imports(Protocol):
    """Bulk mutations: one document, carried out once for each line of a file of variables."""

    @property
    def budget(self) -> Budget: ...

    def write(self, token: str, lines: Iterable[Mapping[str, Any]]) -> int:
        """Put variables into a file, as many as Shopify takes in one; how many."""
        ...

    def start(self, operation: Operation, token: str) -> Export:
        """Upload the file and carry out the operation's document with each line. Raises SlotsTaken; never starts a
        second one of the same token."""
        ...

    def find(self, token: str, since: datetime) -> Export | None: ...

    def wait(self, export: Export, told: Callable[[Export], None]) -> Export: ...

    def cancel(self, export: Export) -> None: ...

    def results(self, export: Export, root: str, beat: Callable[[], None]) -> Iterator[tuple[int, Sent]]:
        """What became of each line, by its number from 0, in no order, as far as Shopify tells."""
        ...

    def sweep(self) -> None:
        """Delete what is kept on this machine, also what killed runs left."""
        ...

    def close(self) -> None: ...


class Session(Protocol):
    """One transaction. Everything happens or nothing does; another run's takeover of the lease stops it."""

    def known(self, ids: Sequence[int]) -> dict[int, Known]: ...

    def tombs(self, ids: Sequence[int]) -> dict[int, Tomb]:
        """Those of these Shopify ids that were deleted here and must not be brought back."""
        ...

    def unlinked(self, keys: Sequence[str]) -> dict[str, list[int]]:
        """Local ids of records without a Shopify id, by natural key."""
        ...

    def unlinked_records(self) -> Iterator[tuple[int, Record]]:
        """All records without a Shopify id."""
        ...

    def read(self, local_ids: Sequence[int]) -> list[LocalRecord]: ...

    def fresh(self, revisions: dict[int, int]) -> set[int]:
        """Those of these local ids that were not edited since they had this `local_rev`; held until the end."""
        ...

    def save(self, batch: Batch, read_at: datetime) -> None: ...

    def clean(self, local_id: int, local_rev: int) -> None:
        """Nothing differs any more: no longer dirty, unless it was edited since `local_rev`."""
        ...

    def intend(self, creations: Sequence[tuple[int, str]], at: datetime) -> None:
        """Note (local id, natural key) of what is about to be created, before it is asked for."""
        ...

    def link(self, local_id: int, shopify_id: int) -> None: ...

    def drop_elements(self, child: Child, local_ids: Sequence[int]) -> None:
        """Delete rows of a list, by the sync itself: no edit of anybody's."""
        ...

    def tell_apart(self) -> None:
        """Close conflicts about records that could not be told apart: one is linked now, or the first is gone."""
        ...

    def unlink(self, local_ids: Sequence[int]) -> None:
        """Shopify no longer has these, and they are to be made anew."""
        ...

    def doubt(self, local_ids: Sequence[int]) -> None:
        """What was last agreed on about these can't be trusted: forget it, and have them compared anew."""
        ...

    def refuse(self, run_id: int, local_id: int, local_rev: int, errors: Sequence[RecordError]) -> None: ...

    def accept(self, local_id: int) -> None:
        """Earlier refusals of this record are over."""
        ...

    def take_back(self, local_ids: Sequence[int]) -> None:
        """Deletions of rows that are there again are none; the rows may be others than before."""
        ...

    def made(self, unmade: Unmade, left: Incoming | None) -> None:
        """What became of a creation whose record was deleted here: nothing, or what Shopify has."""
        ...

    def entomb(self, tomb: Tomb, outcome: str, left: Incoming | None) -> None:
        """What became of a deletion; `left` is what Shopify has now."""
        ...

    def buried_record(self, tomb: Tomb) -> Record:
        """What Shopify had when the record was deleted here."""
        ...

    def journal(self, local: LocalRecord, action: str, before: Node | None, sent: Record | None) -> int:
        """Remember what Shopify has before it is changed, and what is sent. The id of the row."""
        ...

    def journal_burial(self, tomb: Tomb, action: str) -> int: ...

    def journal_outcome(self, journal: int, after: Node | None) -> None: ...

    def erase(self, local_id: int) -> None:
        """Take a record out of the database, as if it had never come."""
        ...

    def put_back(self, now: LocalRecord | None, here: Record, change: Change, *, unlink: bool) -> None:
        """Give rows back what they had before a change, and the base that went with it; `now` None: they are gone.
        With `unlink` the record is no longer on Shopify."""
        ...

    def unbury(self, local_id: int, before: Any, made: int | None) -> None:
        """A deletion was taken back on Shopify (`made` is its new id there): it waits again."""
        ...

    def checkpoint(self, checkpoint: Checkpoint) -> None: ...

    def counted(self, counted: dict[str, Any]) -> None: ...

    def remember(self, what: str, value: dict[str, Any]) -> None:
        """Keep something about this shop, to be recalled by later runs."""
        ...

    def progress(self, result: RunResult) -> None: ...


class Local(Protocol):
    """The database, seen from one shop and one entity."""

    def session(self) -> AbstractContextManager[Session]: ...

    def lightened(self, item: Incoming) -> Incoming:
        """The same with a part of a session's work done, and a fraction of its memory: for what is probably new."""
        ...

    def checkpoint(self) -> Checkpoint: ...

    def pulled(self) -> datetime | None:
        """The watermark of the pull, whatever direction this is; None before the first one was finished."""
        ...

    def standing(self) -> Standing: ...

    def recall(self, what: str) -> dict[str, Any] | None:
        """What was last remembered under this name."""
        ...

    def known(self, ids: Sequence[int]) -> dict[int, Known]:
        """Like `Session.known`, outside a transaction: a hint, to be checked again before a write."""
        ...

    def linked(self, above: int, to: int | None) -> list[int]:
        """Shopify ids of living records in (above, to], ascending; `to` None is no end."""
        ...

    def buried(self, ids: Sequence[int]) -> set[int]: ...

    def tombs(self, after: int, limit: int) -> list[Tomb]:
        """Deletions made here that wait, in order of their ids."""
        ...

    def unmade(self) -> list[Unmade]:
        """Records that were deleted here while their creation on Shopify was under way."""
        ...

    def returned(self) -> list[int]:
        """Local ids of rows that were deleted and put back whole, or replaced, so that no trigger saw an edit."""
        ...

    def dirty(self, after: int, limit: int, *, only: Sequence[int] | None = None) -> list[int]:
        """Local ids of records with a local change, ascending, beginning behind `after`."""
        ...


class Holdings(Protocol):
    """What a comparison of both sides asks of the database, beside `Local`. Reads only."""

    def stored(self, above: int, to: int | None) -> list[Stored]:
        """Living records with a Shopify id in (above, to], ascending; `to` None is no end."""
        ...

    def some(self, local_ids: Sequence[int], shopify_ids: Sequence[int]) -> list[Stored]:
        """Living records that have one of these ids, those without a Shopify id first, then by Shopify id."""
        ...

    def unlinked(self, after: int, limit: int) -> list[Stored]:
        """Living records without a Shopify id whose local id is above `after`, ascending."""
        ...

    def altered(self, only: Sequence[int] | None) -> Iterator[tuple[int, list[int], list[int]]]:
        """Rows of unchanged records held against their own base, in batches: how many, the local ids of those that
        are not certainly equal, and of those whose base is missing or damaged."""
        ...

    def records(self, local_ids: Sequence[int]) -> list[LocalRecord]: ...

    def entombed(self, ids: Sequence[int]) -> dict[int, Tomb]:
        """Those of these Shopify ids that were deleted here and that Shopify may still have."""
        ...

    def disputes(self, local_ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """Conflicts that are not closed: {local id: {field path: conflict id}}."""
        ...

    def ambiguous(self) -> tuple[dict[int, int], dict[int, int]]:
        """Conflicts about records that can't be told apart: {local id: conflict id}, {Shopify id: conflict id}."""
        ...

    def waiting(self) -> dict[str, int]:
        """How many records wait: `changed`, `new`, `deleted`, `refused`, `conflicts`."""
        ...
