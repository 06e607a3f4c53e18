"""What passes between the engine and the database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

import orjson

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
    key: str = ""


@dataclass(slots=True)
class LocalRecord:
    """A record as the database has it, and what Shopify had when it was last read.

    `node` and `seen` are that state (as a node, and in our words); None until the record was linked. `disputed` are
    the bases of fields in dispute, `decisions` what was decided of them, by path. `local_rev` moves with each local
    edit; `refused_rev` is the one that Shopify refused, `held_rev` one of which only disputes are left.
    `push_started_at` is the server's time just before we first asked for its creation, `read_at` the one when
    Shopify's state was read. `unreadable` names what holds no value of its column's kind.
    """

    local_id: int
    shopify_id: int | None
    key: str
    record: Record
    node: Node | None
    seen: Record | None
    updated_at: datetime | None
    local_rev: int
    dirty: bool
    deleted: bool
    refused_rev: int | None = None
    held_rev: int | None = None
    push_started_at: datetime | None = None
    edited_at: datetime | None = None
    read_at: datetime | None = None
    unreadable: tuple[str, ...] = ()
    disputed: list[dict[str, Any]] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A node on its way into the database. `local_id` is None for a record that is new here.

    `whole` is the node. Where many wait, it is None: `rows` are then what the database has made of it in advance, and
    `beside` are the fields that are not in the payload, so that `node` can give it back.
    """

    whole: Node | None
    payload: bytes
    payload_hash: str
    updated_at: datetime
    shopify_id: int
    key: str
    local_id: int | None = None
    rows: Any = None
    beside: Node | None = None

    @property
    def node(self) -> Node:
        """The node, made anew from its payload where it was not kept; equal then, with its keys in another order."""
        if self.whole is not None:
            return self.whole
        node: Node = orjson.loads(self.payload)
        return node | (self.beside or {})


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One field (or record, with an empty `path`) on which the sides differ. Nobody has decided, but where `decision`
    names the side that the policy `by` has taken."""

    local_id: int | None
    shopify_id: int | None
    key: str
    kind: str
    path: str
    base: Any
    local: Any
    remote: Any
    policy: str = "hold"
    decision: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about a disputed field, and what the field was on both sides then (as JSON)."""

    id: int
    take: str
    merged: Any
    local: Any
    remote: Any


@dataclass(frozen=True, slots=True)
class Dispute:
    """A field that both sides changed differently.

    `child` names the list, `element` the element in it (`{"shopify_id", "label"}`), `column` the field; without a
    column the element, the list or (with an empty path) the record as a whole is in dispute. `take` is empty while
    nobody has decided, else `local`, `shopify` or `merged`, decided `by` a policy or by the decision `decision_id`.
    """

    path: str
    child: str = ""
    element: Any = None
    column: str = ""
    base: Any = None
    local: Any = None
    remote: Any = None
    take: str = ""
    by: str = ""
    decision_id: int | None = None

    def between(self, base: Any, local: Any, remote: Any) -> Dispute:
        return replace(self, base=base, local=local, remote=remote)

    def decided(self, take: str, by: str, decision_id: int | None = None) -> Dispute:
        return replace(self, take=take, by=by, decision_id=decision_id)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a pull has come. `watermark` is what is stored whole; `counted` is what the last whole comparison of
    both sides found (`{"drift": records that only Shopify has, "at": when, "linked": records here}`); the rest belongs
    to an unfinished pull.
    """

    watermark: datetime | None = None
    cursor: str | None = None
    query: str | None = None
    started_at: datetime | None = None
    counted: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a merge makes of a record that is here.

    `here` is what its rows are to have, `before` what they had when it was decided. `incoming` is the state of
    Shopify that becomes the base, None where it stays. `disputed` goes with the base; `held` says that nothing but
    disputes is left to do.
    """

    local_id: int
    local_rev: int
    key: str
    shopify_id: int | None
    before: Record
    here: Record
    incoming: Incoming | None
    dirty: bool
    held: bool
    disputed: list[dict[str, Any]] = field(default_factory=list)
    disputes: Sequence[Dispute] = ()
    settled: Sequence[Dispute] = ()


@dataclass(frozen=True, slots=True)
class Unmade:
    """A record that was deleted here while its creation on Shopify, begun then, was under way."""

    id: int
    key: str
    begun_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tomb:
    """A record that was deleted here, and what Shopify had then."""

    id: int
    local_id: int | None
    shopify_id: int
    key: str
    payload_hash: str | None
    updated_at: datetime | None
    handled: bool
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a run did to one record on one side (`local` or `shopify`), as JSON; see `store/journal.py`.

    `later` is what the next run found on that side, where it told: what this one left. `rows` are the local ids of
    elements that went, by (table, parent's local id, Shopify id).
    """

    local_id: int | None
    shopify_id: int | None
    key: str
    side: str
    action: str
    before: Any
    after: Any
    later: Any = None
    rows: Mapping[tuple[str, int, int | None], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many records there are: `linked` ones that live, of these `changed` here, `unlinked` ones, and deletions
    that `wait`; `absent` are the records that Shopify has and that were deleted here."""

    linked: int
    changed: int
    unlinked: int
    deletions: int
    absent: int


@dataclass(slots=True)
class Batch:
    """Everything that one transaction does to records."""

    create: list[Incoming] = field(default_factory=list)
    update: list[Incoming] = field(default_factory=list)
    touch: list[tuple[int, datetime]] = field(default_factory=list)  # content equal, only Shopify's time moved
    settle: list[Settlement] = field(default_factory=list)
    link: list[tuple[int, int]] = field(default_factory=list)  # (local id, Shopify id) that turned out to be one
    gone: list[int] = field(default_factory=list)  # deleted on Shopify: the row stays, as deleted
    drop: list[int] = field(default_factory=list)  # deleted on Shopify: the row goes
    reopen: list[int] = field(default_factory=list)  # tombstones whose record was changed on Shopify since
    conflicts: list[Disagreement] = field(default_factory=list)
    agreed: list[int] = field(default_factory=list)  # open conflicts of these records have become moot


def content_hash(canonical: bytes) -> str:
    """The 32 hex digits that tell whether a canonical document changed (blake2b, 128 bits)."""
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()
