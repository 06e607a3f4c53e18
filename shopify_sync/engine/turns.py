"""Whose key is whose: what stands on Shopify under the keys that records here want, and who has to go first.

A record that wants the key of another one can have it when that one has let go of it. Where several want each other's
(two that swap), one steps aside to a key that nobody wants until the others are done. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shopify_sync.records import Known, LocalRecord, Record
from shopify_sync.spec import Column, Entity, same

_ASIDE = "-stepped-aside"
_LONGEST = 200  # a handle has 255 characters at most (Admin schema, Product.handle)


@dataclass
class Turns:
    """`holders` are the rows here of the records that have a key on Shopify, by that key. `going` are those whose new
    key is sent before whatever is decided next; `waits` says whom a record waits for, by local ids; `after` are new
    records that wait for one to be renamed."""

    entity: Entity
    holders: dict[str, Known] = field(default_factory=dict)
    going: set[int] = field(default_factory=set)
    waits: dict[int, int] = field(default_factory=dict)
    after: list[int] = field(default_factory=list)

    def holder(self, key: str, local_id: int) -> Known | None:
        """The row of another record that has this key on Shopify."""
        found = self.holders.get(key)
        return found if found is not None and found.local_id != local_id else None

    def leaves(self, holder: Known, key: str) -> bool:
        """Whether it is to have another key, which is not sent yet."""
        return holder.dirty and not same(_key_column(self.entity), holder.key, key)

    def order(self) -> tuple[list[int], list[list[int]]]:
        """(those that wait, each behind the one it waits for; rings, each member waiting for the next)."""
        waits, rings = dict(self.waits), _rings(self.waits)
        inside = {local_id for ring in rings for local_id in ring}
        ordered: list[int] = []
        placed: set[int] = set()
        for first in waits:
            path = []
            at: int | None = first
            while at is not None and at in waits and at not in placed and at not in inside:
                path.append(at)
                placed.add(at)
                at = waits.get(at)
            ordered += reversed(path)
        return ordered, rings


def _rings(waits: Mapping[int, int]) -> list[list[int]]:
    seen: set[int] = set()
    rings = []
    for first in waits:
        path: list[int] = []
        at: int | None = first
        while at is not None and at in waits and at not in seen:
            seen.add(at)
            path.append(at)
            at = waits.get(at)
        if at in path:
            rings.append(path[path.index(at) :])
    return rings


def wanted(entity: Entity, local: LocalRecord) -> str | None:
    """The key that a linked record is to have, where it is another than it had."""
    now = local.record.get(entity.natural_key)
    if local.seen is None or not now or same(_key_column(entity), local.seen.get(entity.natural_key), now):
        return None
    return entity.push.key(local.record)


def aside(entity: Entity, remote: Record) -> Record:
    """A record that has stepped aside. Told by its key, so that a run that was killed then knows it again."""
    key = f"{str(remote.get(entity.natural_key) or '')[:_LONGEST]}-{remote['shopify_id']}{_ASIDE}"
    return dict(remote) | {entity.natural_key: key}


def back(entity: Entity, seen: Record, remote: Record) -> Record:
    """`remote` with the key it had before, if it has stepped aside."""
    key = entity.natural_key
    if str(remote.get(key) or "").endswith(_ASIDE) and seen.get(key) and remote[key] == aside(entity, seen)[key]:
        return dict(remote) | {key: seen[key]}
    return remote


def in_order(rows: Sequence[LocalRecord], ids: Sequence[int]) -> list[LocalRecord]:
    places = {local_id: at for at, local_id in enumerate(ids)}
    return sorted(rows, key=lambda row: places.get(row.local_id, len(places)))


def _key_column(entity: Entity) -> Column:
    return next(column for column in entity.columns if column.name == entity.natural_key)
