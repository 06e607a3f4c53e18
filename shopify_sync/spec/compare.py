"""Comparing two records: what differs, field by field, list element by list element."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from shopify_sync.records import Record
from shopify_sync.spec.declare import Child, Column, Entity, Form, Merge


@dataclass(slots=True)
class ChildDiff:
    """How a list differs. `changed` holds (before, after, names of the columns that differ)."""

    added: list[Record] = field(default_factory=list)
    removed: list[Record] = field(default_factory=list)
    changed: list[tuple[Record, Record, tuple[str, ...]]] = field(default_factory=list)
    reordered: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.reordered)

    @property
    def structural(self) -> bool:
        """True where elements come, go or move, not only change."""
        return bool(self.added or self.removed or self.reordered)


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
    counts where it otherwise means: as Shopify has it."""
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
    """Whether two values mean the same: an empty text is no text, a set has no order, times differ by seconds."""
    if column.maps.required and not strict and (old is None or new is None):
        return True
    if column.form is Form.TEXT:
        return (old or "") == (new or "")
    if column.maps.merge is Merge.UNION:
        return set(old or ()) == set(new or ())
    if column.form is Form.TIME and old is not None and new is not None:
        return bool(old.replace(microsecond=0) == new.replace(microsecond=0))
    return bool(old == new)


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


def pair(child: Child, before: list[Record], after: list[Record]) -> Iterator[tuple[Record | None, Record | None]]:
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


def _compare_child(child: Child, before: list[Record], after: list[Record], sendable: bool, strict: bool) -> ChildDiff:
    diff = ChildDiff()
    kept_before: list[int] = []
    for old, new in pair(child, before, after):
        if old is None and new is not None:
            diff.added.append(new)
        elif new is None and old is not None:
            diff.removed.append(old)
        elif old is not None and new is not None:
            kept_before.append(next(at for at, item in enumerate(before) if item is old))
            names = tuple(
                column.name
                for column in child.columns
                if not (sendable and column.maps.merge is Merge.READ_ONLY)
                and not same(column, old.get(column.name), new.get(column.name), strict=strict)
            )
            if names:
                diff.changed.append((old, new, names))
    if child.ordered and kept_before != sorted(kept_before):
        diff.reordered = True
    return diff


def lines(entity: Entity, diff: Diff) -> list[FieldChange]:
    """A difference as flat lines, for people and for `conflict_log`."""
    flat = [FieldChange(name, old, new) for name, (old, new) in diff.fields.items()]
    for name, child_diff in diff.children.items():
        child = entity.child[name]
        flat += [FieldChange(f"{name}[{label(child, item)}]", None, _shown(item)) for item in child_diff.added]
        flat += [FieldChange(f"{name}[{label(child, item)}]", _shown(item), None) for item in child_diff.removed]
        for old, new, names in child_diff.changed:
            flat += [
                FieldChange(f"{name}[{label(child, new)}].{column}", old.get(column), new.get(column))
                for column in names
            ]
        if child_diff.reordered:
            flat.append(FieldChange(f"{name}.order", None, None))
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


def _shown(item: Record) -> Record:
    return {name: value for name, value in item.items() if value not in (None, "", [], {}) and name != "local_id"}
