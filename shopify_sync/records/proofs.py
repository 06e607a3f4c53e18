"""What `verify` finds: which records differ, in which fields, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# Why a record or a field is not the same on both sides; the words are part of the JSON contract.
ON_SHOPIFY = "changed_on_shopify"  # since it was last read: new, changed or deleted there
WAITS = "waits_for_push"  # changed, made or deleted here
REFUSED = "refused"  # changed here, and Shopify did not take it
BOTH = "changed_on_both"
DISPUTED = "in_dispute"
AMBIGUOUS = "ambiguous"  # several records here are the same one on Shopify: no side can be taken
ALTERED = "altered_here"  # unseen: no trigger marked it
UNKNOWN = "base_damaged"  # nobody can tell any more which side changed


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds of one living record, as far as a listing can be compared with it."""

    local_id: int
    shopify_id: int | None
    key: str
    updated_at: datetime | None = None
    read_at: datetime | None = None
    dirty: bool = False
    held: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One field. Values are JSON."""

    path: str
    here: Any
    shopify: Any
    why: str
    conflict_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "field": self.path,
            "here": self.here,
            "shopify": self.shopify,
            "why": self.why,
            "conflict_id": self.conflict_id,
        }


@dataclass(frozen=True, slots=True)
class Unequal:
    """One record. `kind` is `missing` (on Shopify, not here), `extra` (here, not on Shopify) or `different`."""

    kind: str
    key: str
    local_id: int | None
    shopify_id: int | None
    why: str
    fields: tuple[Difference, ...] = ()
    conflict_id: int | None = None

    @property
    def whys(self) -> set[str]:
        return {self.why, *(line.why for line in self.fields)}

    @property
    def disputed(self) -> bool:
        """Nothing is left to do about it but to decide."""
        return self.whys == {DISPUTED}

    def as_json(self) -> dict[str, Any]:
        told = {
            "record": self.key,
            "local_id": self.local_id,
            "shopify_id": self.shopify_id,
            "why": self.why,
            "conflict_id": self.conflict_id,
        }
        return told | {"fields": [line.as_json() for line in self.fields]} if self.kind == "different" else told


@dataclass
class Proof:
    """What was compared, and what came of it. `left` are records that were deleted here and left on Shopify on
    purpose; `read` is how many records were read whole; `digests` are those of ids and times, here and there.
    `damaged` are local ids (with Shopify ids) of records of which it can't be read any more what was last agreed on.
    """

    entity: str
    deep: bool = False
    here: int = 0
    shopify: int = 0
    left: int = 0
    read: int = 0
    as_of: datetime | None = None
    digests: tuple[str, str] = ("", "")
    unequal: list[Unequal] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)
    damaged: dict[int, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    whole: bool = False  # False until both sides were compared to their end

    def of(self, kind: str) -> list[Unequal]:
        return [item for item in self.unequal if item.kind == kind]

    def count(self, kind: str) -> int:
        return sum(item.kind == kind for item in self.unequal)

    @property
    def status(self) -> str:
        """`equal`, `different`, `conflicts` (nothing but decisions is missing), or `unknown` when it was stopped."""
        if not self.whole:
            return "unknown"
        if any(not item.disputed for item in self.unequal):
            return "different"
        return "conflicts" if self.unequal or self.waiting.get("conflicts") else "equal"

    @property
    def exit_code(self) -> int:
        return {"equal": 0, "different": 3, "conflicts": 4}.get(self.status, 1)

    def as_json(self) -> dict[str, Any]:
        return {
            "entity": self.entity,
            "status": self.status,
            "as_of": self.as_of.isoformat(timespec="seconds").replace("+00:00", "Z") if self.as_of else None,
            "counts": {
                "here": self.here,
                "shopify": self.shopify,
                "left_on_shopify": self.left,
                **{kind: self.count(kind) for kind in ("missing", "extra", "different")},
            },
            "waiting": self.waiting,
            "proof": {
                "deep": self.deep,
                "read_whole": self.read,
                "digest_here": self.digests[0] or None,
                "digest_shopify": self.digests[1] or None,
                "damaged": len(self.damaged),
            },
            **{kind: [item.as_json() for item in self.of(kind)] for kind in ("missing", "extra", "different")},
            "notes": self.notes,
        }
