"""What a sync would do, as data that can be printed, saved, priced and refused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from shopify_sync.records.exchange import Operation


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One field: from, to, and why. Values are JSON."""

    path: str
    before: Any
    after: Any
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"field": self.path, "from": self.before, "to": self.after, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Action:
    """What happens to one record on one side.

    `direction` is `pull` (the database changes) or `push` (Shopify does). `kind` is `create`, `update`, `delete`,
    `archive`, `link`, `restore`, `fill` (a changed row gets what was left out of it; the push does that), or (direction
    and kind alike; nothing is written but that) `conflict`, or `refuse` for a record that can't be sent as it is.
    """

    direction: str
    kind: str
    entity: str
    key: str
    local_id: int | None = None
    shopify_id: int | None = None
    lines: tuple[PlanLine, ...] = ()
    reason: str = ""
    requests: int = 0
    points: int = 0

    @property
    def writes(self) -> bool:
        """Whether a record is written, on either side."""
        return self.direction in ("pull", "push")

    @property
    def run(self) -> str:
        """Which run carries it out."""
        return "push" if self.kind == "fill" else self.direction

    @property
    def fingerprint(self) -> str:
        """Equal for two actions that do the same to the same record, from the same state."""
        told: list[Any] = [self.direction, self.kind, self.entity, self.local_id, self.shopify_id]
        told += [[line.path, line.before, line.after] for line in self.lines]
        return hashlib.blake2b(orjson.dumps(told, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()

    def as_json(self) -> dict[str, Any]:
        return {
            "direction": self.direction,
            "kind": self.kind,
            "entity": self.entity,
            "record": self.key,
            "local_id": self.local_id,
            "shopify_id": self.shopify_id,
            "reason": self.reason,
            "changes": [line.as_json() for line in self.lines],
            "requests": self.requests,
            "points": self.points,
            "fingerprint": self.fingerprint,
        }


class Gate(Protocol):
    """Stands between what a run has decided and doing it. `links` are records (local id: Shopify id) that a pull has
    found to be one, for the push that follows in a plan."""

    links: dict[int, int]

    @property
    def refused(self) -> list[Action]:
        """What was planned and is not done (yet), since its record is no longer as it was."""
        ...

    def admits(self, action: Action, operations: Sequence[Operation] = ()) -> bool:
        """Whether it is to be done. `operations` is what it would send, where that is known beforehand."""
        ...


@dataclass
class Planning:
    """The gate of a dry run: everything is written down, nothing is done. `price` gives an operation's points."""

    price: Any = None
    actions: list[Action] = field(default_factory=list)
    links: dict[int, int] = field(default_factory=dict)
    refused: list[Action] = field(default_factory=list)  # a plan refuses nothing
    _told: set[str] = field(default_factory=set)

    def admits(self, action: Action, operations: Sequence[Operation] = ()) -> bool:
        if action.fingerprint in self._told:  # two looks may find the same, as a pull and the push that follows
            return False
        self._told.add(action.fingerprint)
        if operations:
            points = sum(self.price(operation) for operation in operations) if self.price else 0
            action = Action(
                action.direction,
                action.kind,
                action.entity,
                action.key,
                action.local_id,
                action.shopify_id,
                action.lines,
                action.reason,
                len(operations),
                points,
            )
        self.actions.append(action)
        return False


@dataclass
class Applying:
    """The gate of `apply`: only what was planned, and only as it was planned."""

    planned: dict[str, Action]
    done: set[str] = field(default_factory=set)
    moved: list[Action] = field(default_factory=list)
    links: dict[int, int] = field(default_factory=dict)

    def admits(self, action: Action, operations: Sequence[Operation] = ()) -> bool:
        print_ = action.fingerprint
        if print_ in self.planned:
            self.done.add(print_)
            return True
        self.moved.append(action)
        return False

    @property
    def refused(self) -> list[Action]:
        """What was planned and not done, since its record is no longer as it was."""
        return [action for key, action in self.planned.items() if key not in self.done]


@dataclass
class Checking(Applying):
    """The gate of a dry run of `apply`: what it would do and refuse is told, nothing is done."""

    def admits(self, action: Action, operations: Sequence[Operation] = ()) -> bool:
        Applying.admits(self, action, operations)
        return False
