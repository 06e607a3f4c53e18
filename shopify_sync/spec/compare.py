"""Comparing two records: what differs, field by field, list element by list element."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from shopify_sync.records import Record
from shopify_sync.spec.declare import Child, Column, Entity, Form, Merge


@dataclass(slots=True)
class ChildDiff:
    """How a list differs. `changed` holds (before, after, names of the columns that differ); `order` the labels of
    what stayed, before and after, where its order changed."""

    added: list[Record] = field(default_factory=list)
    removed: list[Record] = field(default_factory=list)
    changed: list[tuple[Record, Record, tuple[str, ...]]] = field(default_factory=list)
    order: tuple[list[str], list[str]] | None = None

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.order)

    @property
    def structural(self) -> bool:
        """True where elements come, go or move, not only change."""
        return bool(self.added or self.removed or self.order)


@dataclass(slots=True)
class Diff:
    """What differs between two records. `fields` maps a column to (before, after)."""

    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    children: dict[str, ChildDiff] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.fields or self.children)

    def child(self, name: str) -> ChildDiff:
        return self.children.get(name) or ChildDiff()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One line of a difference for people: `path` is `title` or `variants[S / Red].price`."""

    path: str
    before: Any
    after: Any


def compare(entity: Entity, before: Record, after: Record, *, sendable: bool = True, strict: bool = False) -> Diff:
    """What changed from `before` to `after`. With `sendable`, read-only columns do not count; with `strict`, a null
    counts where it otherwise means: as Shopify has it; and so does a number of a place, and any other spelling."""
    diff = Diff()
    for column in entity.columns:
        if sendable and column.maps.merge is Merge.READ_ONLY:
            continue
        old, new = before.get(column.name), after.get(column.name)
        if not same(column, old, new, strict=strict):
            diff.fields[column.name] = (old, new)
    for child in entity.children:
        found = _compare_child(child, before.get(child.name) or [], after.get(child.name) or [], sendable, strict)
        if found:
            diff.children[child.name] = found
    return diff


def same(column: Column, old: Any, new: Any, *, strict: bool = False) -> bool:
    """Whether two values mean the same: an empty text is no text, a set has no order, times differ by seconds,
    and what Shopify normalises is no difference."""
    maps = column.maps
    if maps.required and not strict and (old is None or new is None):
        return True
    if maps.merge is Merge.UNION:
        return _folded(maps.normal, old) == _folded(maps.normal, new)
    if column.form is Form.TEXT:
        old, new = old or "", new or ""
    if old == new:
        return True
    if column.form is Form.TIME and old is not None and new is not None:
        return bool(old.replace(microsecond=0) == new.replace(microsecond=0))
    if maps.normal is not None and not strict and old is not None and new is not None:
        return bool(maps.normal(old) == maps.normal(new))
    return False


def _folded(normal: Callable[[Any], Any] | None, values: Any) -> set[Any]:
    return {normal(value) if normal is not None else value for value in values or ()}


def identity_of(child: Child) -> Callable[[Record], tuple[Any, ...]]:
    """A function from an element to what tells it apart from its siblings when it has no Shopify id."""

    if (made_up := child.identify) is not None:
        return lambda item: (made_up(item),)

    def identify(item: Record) -> tuple[Any, ...]:
        return tuple(_hashable(item.get(name)) for name in child.identity)

    return identify


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return tuple(value) if isinstance(value, list) else value


def pair(
    child: Child, before: Sequence[Record], after: Sequence[Record]
) -> Iterator[tuple[Record | None, Record | None]]:
    """Match the elements of two lists: by Shopify id, else by identity, each at most once."""
    identify = identity_of(child)
    by_id = {item["shopify_id"]: item for item in before if item.get("shopify_id") is not None}
    taken: set[int] = set()
    waiting: list[Record] = []
    pairs: dict[int, Record] = {}
    for item in after:
        match = by_id.get(item.get("shopify_id"))
        if match is not None and id(match) not in taken:
            taken.add(id(match))
            pairs[id(item)] = match
        else:
            waiting.append(item)
    free: dict[tuple[Any, ...], list[Record]] = {}
    for item in before:
        if id(item) not in taken:
            free.setdefault(identify(item), []).append(item)
    for item in waiting:
        # Two elements that both have ids, and different ones, are different things however alike they look.
        candidates = free.get(identify(item)) or []
        for at, candidate in enumerate(candidates):
            if item.get("shopify_id") is None or candidate.get("shopify_id") is None:
                pairs[id(item)] = candidates.pop(at)
                taken.add(id(candidate))
                break
    for item in after:
        yield pairs.get(id(item)), item
    for item in before:
        if id(item) not in taken:
            yield item, None


def fields_of(child: Child, *, sendable: bool = True) -> tuple[Column, ...]:
    """The columns of an element that count as its content: not its place in the list."""
    return tuple(
        column
        for column in child.columns
        if column.name != child.order_column and not (sendable and column.maps.merge is Merge.READ_ONLY)
    )


def _compare_child(child: Child, before: list[Record], after: list[Record], sendable: bool, strict: bool) -> ChildDiff:
    diff = ChildDiff()
    columns = fields_of(child, sendable=sendable)
    if strict and child.order_column:
        columns += tuple(column for column in child.columns if column.name == child.order_column)
    places = {id(item): at for at, item in enumerate(before)}
    kept: list[tuple[int, Record]] = []
    for old, new in pair(child, before, after):
        if old is None and new is not None:
            diff.added.append(new)
        elif new is None and old is not None:
            diff.removed.append(old)
        elif old is not None and new is not None:
            kept.append((places[id(old)], new))
            names = tuple(
                column.name
                for column in columns
                if not same(column, old.get(column.name), new.get(column.name), strict=strict)
            )
            if names:
                diff.changed.append((old, new, names))
    if child.ordered and any(one[0] > other[0] for one, other in itertools.pairwise(kept)):
        named = labels(child, before)
        ordered = sorted(at for at, _ in kept)
        diff.order = ([named[at] for at in ordered], [named[at] for at, _ in kept])
    return diff


def lines(entity: Entity, diff: Diff) -> list[FieldChange]:
    """A difference as flat lines, for people and for `conflict_log`."""
    flat = [FieldChange(name, old, new) for name, (old, new) in diff.fields.items()]
    for name, child_diff in diff.children.items():
        child = entity.child[name]
        flat += [FieldChange(f"{name}[{label(child, item)}]", None, shown(item)) for item in child_diff.added]
        flat += [FieldChange(f"{name}[{label(child, item)}]", shown(item), None) for item in child_diff.removed]
        for old, new, names in child_diff.changed:
            flat += [
                FieldChange(f"{name}[{label(child, old)}].{column}", old.get(column), new.get(column))
                for column in names
            ]
        if child_diff.order is not None:
            flat.append(FieldChange(f"{name}.order", *child_diff.order))
    return flat


def label(child: Child, item: Record) -> str:
    """A short name for an element: `S / Red`, `custom.material`, a URL."""
    if child.identify is not None:
        return child.identify(item)
    parts: list[str] = []
    for name in child.identity:
        value = item.get(name)
        parts.append(" / ".join(map(str, value.values())) if isinstance(value, dict) else str(value))
    return ".".join(parts)


def labels(child: Child, items: Sequence[Record]) -> list[str]:
    """A name for each element of one list, no two the same: a second `x` is `x #2`."""
    counts: dict[str, int] = {}
    found = []
    for item in items:
        name = label(child, item)
        counts[name] = counts.get(name, 0) + 1
        found.append(name if counts[name] == 1 else f"{name} #{counts[name]}")
    return found


def shown(item: Record) -> Record:
    """An element for people: what it has, without what is ours."""
    return {name: value for name, value in item.items() if value not in (None, "", [], {}) and name != "local_id"}
