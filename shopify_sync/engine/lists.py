"""Merging lists and sets: which elements belong together, which stay, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from shopify_sync.records import Record
from shopify_sync.spec import Child, pair


@dataclass(frozen=True, slots=True)
class Triple:
    """One element as base, local and remote have it; its places in the three lists (None where it is not)."""

    base: Record | None
    local: Record | None
    remote: Record | None
    places: tuple[int | None, int | None, int | None]

    @property
    def any(self) -> Record:
        """The element for its name: the base's, or whichever there is."""
        return self.base or self.remote or self.local or {}


def triples(child: Child, base: list[Record], local: list[Record], remote: list[Record]) -> list[Triple]:
    """Match three lists, by Shopify id, else by identity. Every element is in exactly one triple."""
    places = [{id(item): at for at, item in enumerate(side)} for side in (base, local, remote)]
    to_local = {id(b): item for b, item in pair(child, base, local) if b is not None}
    to_remote = {id(b): item for b, item in pair(child, base, remote) if b is not None}
    taken_local = {id(item) for item in to_local.values()}
    taken_remote = {id(item) for item in to_remote.values()}
    new_local = [item for item in local if id(item) not in taken_local]
    new_remote = [item for item in remote if id(item) not in taken_remote]
    found: list[tuple[Record | None, Record | None, Record | None]] = [
        (item, to_local.get(id(item)), to_remote.get(id(item))) for item in base
    ]
    found += [(None, ours, theirs) for ours, theirs in pair(child, new_local, new_remote)]
    return [
        Triple(
            *items,
            (
                places[0].get(id(items[0])),
                places[1].get(id(items[1])),
                places[2].get(id(items[2])),
            ),
        )
        for items in found
    ]


@dataclass(frozen=True, slots=True)
class Arranged:
    """Orders of triples, by their number. Without a `clash`, `local` and `remote` are the same, merged, order."""

    base: list[int]
    local: list[int]
    remote: list[int]
    clash: bool


def arranged(found: Sequence[Triple], last: Collection[int] = ()) -> Arranged:
    """The order of a merged list: the side that moved elements decides; a clash where both did, differently. Those
    named in `last` come behind all others."""
    orders = [order_of(found, side) for side in range(3)]
    ends = [at for at in orders[1] if at in last]
    base, local, remote = ([at for at in order if at not in last] for order in orders)
    moved_here, moved_there = _moves(base, local, remote)
    common = set(local) & set(remote)
    clash = moved_here and moved_there and [t for t in local if t in common] != [t for t in remote if t in common]
    if clash:
        return Arranged(base, [*_woven(local, remote, base), *ends], [*_woven(remote, local, base), *ends], clash=True)
    first, second = (local, remote) if moved_here else (remote, local)
    merged = [*_woven(first, second, base), *ends]
    return Arranged(base, merged, merged, clash=False)


def order_of(found: Sequence[Triple], side: int) -> list[int]:
    """The triples that a side (0 base, 1 local, 2 remote) has, in its order."""
    placed = [(place, at) for at, triple in enumerate(found) if (place := triple.places[side]) is not None]
    return [at for _, at in sorted(placed)]


def _moves(base: Sequence[Any], local: Sequence[Any], remote: Sequence[Any]) -> tuple[bool, bool]:
    """Whether each side moved what all three have; where something went, it is no matter where it had gone before."""
    kept = set(base) & set(local) & set(remote)
    before, ours, theirs = ([item for item in side if item in kept] for side in (base, local, remote))
    return before != ours, before != theirs


def _woven(first: Sequence[Any], *others: Sequence[Any]) -> list[Any]:
    """`first`, with what only the others have, each behind the one that it stands behind there."""
    woven = list(first)
    present = set(woven)
    for other in others:
        previous: Any = None
        for item in other:
            if item not in present:
                woven.insert(woven.index(previous) + 1 if previous is not None else 0, item)
                present.add(item)
            previous = item
    return woven


def union(
    base: Sequence[Any] | None,
    local: Sequence[Any] | None,
    remote: Sequence[Any] | None,
    normal: Callable[[Any], Any] | None = None,
) -> list[Any]:
    """A set of which both sides added and removed: theirs in their order, then what only we added.

    Elements are equal when their normal forms are; the spelling on Shopify stays.
    """
    fold = normal or (lambda value: value)
    before, ours, theirs = ({fold(value) for value in side or ()} for side in (base, local, remote))
    kept = (before & ours & theirs) | (ours - before) | (theirs - before)
    merged: dict[Any, Any] = {}
    for value in (*(remote or ()), *(local or ())):
        if fold(value) in kept:
            merged.setdefault(fold(value), value)
    return list(merged.values())


def sequence(base: Sequence[Any], local: Sequence[Any], remote: Sequence[Any]) -> list[Any] | None:
    """An ordered list without doubles of which both sides added, removed and moved; None where the moves clash."""
    moved_here, moved_there = _moves(base, local, remote)
    common = set(local) & set(remote)
    if moved_here and moved_there and [v for v in local if v in common] != [v for v in remote if v in common]:
        return None
    before, ours, theirs = set(base), set(local), set(remote)
    kept = (before & ours & theirs) | (ours - before) | (theirs - before)
    first, second = (local, remote) if moved_here else (remote, local)
    return [value for value in _woven(first, second) if value in kept]
