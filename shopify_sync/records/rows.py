"""What passes between the engine and the database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from shopify_sync.records.exchange import Node

Record: TypeAlias = dict[str, Any]


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


def content_hash(canonical: bytes) -> str:
    """The 32 hex digits that tell whether a canonical document changed (blake2b, 128 bits)."""
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()
