"""The three-way merge: base, local and remote to what each side is to have, and what is in dispute. Pure.

A field that one side changed goes to the other. One that both changed to the same is agreed. One that both changed
differently is in dispute: a decision, then a policy, settles it; without either, each side keeps its own, and all
the rest of the record goes through. Sets merge element by element, counters by the sum of their moves, lists by the
identity of their elements. Where one side deleted an element that the other changed, the element is in dispute.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shopify_sync.engine.lists import Triple, arranged, order_of, sequence, triples, union
from shopify_sync.records import Decision, Dispute, Record
from shopify_sync.spec import Child, Column, Entity, Merge, compare, plain, revived, same
from shopify_sync.spec.compare import fields_of, label, labels

_NOTHING: Record = {}


@dataclass(frozen=True, slots=True)
class Rules:
    """Who wins a dispute. `strategy` is `merge`, `overwrite` or `skip`; `prefer` is `ask`, `newest`, `shopify` or
    `local`; `fields` overrides both for a field (`title`, `variants.price`, `media` for its elements), by one of these
    words, `skip`, `overwrite` or `overwrite:SIDE`."""

    strategy: str = "merge"
    prefer: str = "ask"
    fields: Mapping[str, str] = field(default_factory=dict)

    def winner(self, pattern: str, newer: str) -> tuple[str, str]:
        """(side or "" for nobody, the policy that says so)."""
        prefer = self._word(pattern) or self.prefer
        if prefer.startswith("overwrite"):
            prefer = prefer.partition(":")[2] or self.prefer
        side = {"newest": newer, "shopify": "shopify", "local": "local"}.get(prefer, "")
        return side, prefer

    def whole(self, pattern: str) -> bool:
        """Whether a set or list that both sides changed is taken from one of them, not merged by its elements."""
        return self._word(pattern).startswith("overwrite")

    def _word(self, pattern: str) -> str:
        return self.fields.get(pattern) or self.fields.get(pattern.partition(".")[0]) or ""


@dataclass(slots=True)
class Merged:
    """`here` is what the database is to have, `there` what Shopify is to have; they differ in what is in dispute.

    `disputes` wait for a decision; `settled` were decided, by a policy or by somebody.
    """

    here: Record
    there: Record
    disputes: list[Dispute] = field(default_factory=list)
    settled: list[Dispute] = field(default_factory=list)


def merge(
    entity: Entity,
    base: Record,
    local: Record,
    remote: Record,
    rules: Rules | None = None,
    decisions: Mapping[str, Decision] | None = None,
    newer: str = "shopify",
) -> Merged:
    """Merge one record. `newer` is the side that changed last, for the policy `newest`."""
    return _Merger(entity, rules or Rules(), decisions or {}, newer).record(base, local, remote)


@dataclass(slots=True)
class _Merger:
    entity: Entity
    rules: Rules
    decisions: Mapping[str, Decision]
    newer: str
    disputes: list[Dispute] = field(default_factory=list)
    settled: list[Dispute] = field(default_factory=list)

    def record(self, base: Record, local: Record, remote: Record) -> Merged:
        if self.rules.strategy != "merge" and _apart(self.entity, base, local, remote):
            return self._whole(base, local, remote)
        sides = (base, local, remote)
        (base, local, remote), back = self.entity.align(*sides)
        here: Record = {}
        there: Record = {}
        for column in self.entity.columns:
            name = column.name
            dispute = Dispute(path=name, column=name)
            here[name], there[name] = self._value(
                column, name, dispute, base.get(name), local.get(name), remote.get(name)
            )
        for child in self.entity.children:
            lists = [side.get(child.name) or [] for side in (base, local, remote)]
            here[child.name], there[child.name] = self._list(child, *lists)
        here, there = back(here), back(there)
        self._group(*sides, here, there)
        return Merged(here, there, self.disputes, self.settled)

    # one value

    def _value(
        self, column: Column, pattern: str, dispute: Dispute, base: Any, local: Any, remote: Any
    ) -> tuple[Any, Any]:
        """(here, there) of one field."""
        kind = column.maps.merge
        if kind is Merge.READ_ONLY or same(column, local, remote):
            return remote, remote
        if self.rules.whole(pattern):
            kind = Merge.ASK
        if kind is Merge.UNION:
            value = union(base, local, remote, column.maps.normal)
            return value, value
        if kind is Merge.COUNTER and None not in (local, remote):
            value = local + remote - (base or 0)
            return value, value
        if _as_before(column, base, local):
            return remote, remote
        if _as_before(column, base, remote):
            return local, local
        if kind is Merge.SEQUENCE and (found := sequence(base or [], local or [], remote or [])) is not None:
            return found, found
        alike = column.maps.alike
        if alike is not None:  # a side that only says the same otherwise has changed nothing
            if None not in (local, remote) and alike(local, remote):
                return remote, remote
            if None not in (base, remote) and alike(base, remote):
                return local, local
            if None not in (base, local) and alike(base, local):
                return remote, remote
        return self._dispute(dispute, pattern, base, local, remote)

    def _dispute(self, dispute: Dispute, pattern: str, base: Any, local: Any, remote: Any) -> tuple[Any, Any]:
        """Settle it by a decision or a policy, or leave each side what it has."""
        dispute = dispute.between(base, local, remote)
        decision = self.decisions.get(dispute.path)
        if decision is not None and _stands(decision, local, remote):
            value = {"local": local, "shopify": remote}.get(decision.take, decision.merged)
            if decision.take == "merged":
                value = self._typed(dispute, decision.merged)
            self.settled.append(dispute.decided(decision.take, "", decision.id))
            return value, value
        side, prefer = self.rules.winner(pattern, self.newer)
        if side:
            self.settled.append(dispute.decided(side, f"policy:{prefer}"))
            value = local if side == "local" else remote
            return value, value
        self.disputes.append(dispute)
        return local, remote

    def _typed(self, dispute: Dispute, value: Any) -> Any:
        columns = self.entity.child[dispute.child].columns if dispute.child else self.entity.columns
        return revived(columns, {dispute.column: value})[dispute.column] if dispute.column else value

    # lists

    def _list(
        self, child: Child, base: list[Record], local: list[Record], remote: list[Record]
    ) -> tuple[list[Record], list[Record]]:
        if self.rules.whole(child.name) and (chosen := self._one_list(child, base, local, remote)) is not None:
            return chosen, [dict(item) for item in chosen]
        found = triples(child, base, local, remote)
        names = dict(zip(map(id, base), labels(child, base), strict=True))
        pairs = [
            self._element(child, names.get(id(triple.any)) or label(child, triple.any), triple) for triple in found
        ]
        order_here, order_there = self._order(child, found)
        here = [(item, found[at].remote) for at in order_here if (item := pairs[at][0]) is not None]
        there = [(item, found[at].remote) for at in order_there if (item := pairs[at][1]) is not None]
        return _numbered(child.order_column, here), _numbered(child.order_column, there)

    def _one_list(
        self, child: Child, base: list[Record], local: list[Record], remote: list[Record]
    ) -> list[Record] | None:
        """The list of the side that a policy prefers, where both sides changed it; None where that does not settle
        it."""
        sides = [{child.name: side} for side in (base, local, remote)]
        if not _all_apart(self.entity, *sides) or not self.rules.winner(child.name, self.newer)[0]:
            return None
        value, _ = self._dispute(Dispute(path=child.name, child=child.name), child.name, base, local, remote)
        return _at_home(child, value, sides[2])

    def _order(self, child: Child, found: list[Triple]) -> tuple[list[int], list[int]]:
        """(here, there): the triples in the order that each side is to have."""
        if not child.ordered:
            return list(range(len(found))), list(range(len(found)))
        wanted = arranged(found, _last(child, found))
        if not wanted.clash:
            return wanted.local, wanted.remote
        path = f"{child.name}.order"
        keys = [_key(child, found[at].any) for at in wanted.base]
        dispute = Dispute(path=path, child=child.name, element={"order": keys}, column="order")
        ordered = [
            [label(child, found[at].any) for at in order] for order in (wanted.base, wanted.local, wanted.remote)
        ]
        before = len(self.disputes)
        chosen, _ = self._dispute(dispute, path, *ordered)
        if len(self.disputes) > before:
            return wanted.local, wanted.remote
        order = wanted.local if chosen == ordered[1] else wanted.remote
        return order, order

    def _element(self, child: Child, name: str, triple: Triple) -> tuple[Record | None, Record | None]:
        """(here, there) of one element; None where it is not to be."""
        base, local, remote = triple.base, triple.local, triple.remote
        if local is not None and remote is not None:
            return self._fields(child, name, base or _NOTHING, local, remote)
        there = local or remote
        if there is None:
            return None, None
        survivor = dict(there) if local is None else _anew(child, local)
        if base is None:  # one side made it
            return survivor, survivor
        if not _changed(child, base, there):  # one side deleted it, the other left it alone
            return None, None
        dispute = Dispute(path=f"{child.name}[{name}]", child=child.name, element=_whole_key(child, base))
        ours, theirs = (_content(child, side) for side in (local, remote))
        count = len(self.disputes)
        value, _ = self._dispute(dispute, child.name, _content(child, base), ours, theirs)
        if len(self.disputes) > count:
            return local, remote
        return (survivor, survivor) if value is not None else (None, None)

    def _fields(self, child: Child, name: str, base: Record, local: Record, remote: Record) -> tuple[Record, Record]:
        here, there = dict(local), dict(remote)
        compared = fields_of(child, sendable=False)
        for column in compared:
            path = f"{child.name}[{name}].{column.name}"
            dispute = Dispute(path=path, child=child.name, element=_key(child, base or remote), column=column.name)
            here[column.name], there[column.name] = self._value(
                column,
                f"{child.name}.{column.name}",
                dispute,
                base.get(column.name),
                local.get(column.name),
                remote.get(column.name),
            )
        return here, there

    # the record as a whole

    def _group(self, base: Record, local: Record, remote: Record, here: Record, there: Record) -> None:
        """Lists that no longer fit together go back to what each side has, as one dispute."""
        group = self.entity.group
        if not group or (self.entity.fits(here) and self.entity.fits(there)):
            return
        sides = [{name: side.get(name) or [] for name in group} for side in (base, local, remote)]
        if not all(self._moved(sides[0], side) for side in sides[1:]):
            return  # one side alone is odd: Shopify will say so
        inside = [d for d in (*self.disputes, *self.settled) if d.child in group]
        self.disputes[:] = [d for d in self.disputes if d not in inside]
        self.settled[:] = [d for d in self.settled if d not in inside]
        count = len(self.disputes)
        value, _ = self._dispute(Dispute(path=group[0], child=group[0]), group[0], *sides)
        undecided = len(self.disputes) > count
        for name in group:
            child = self.entity.child[name]
            ours, theirs = (sides[1], sides[2]) if undecided else (value, value)
            here[name] = [dict(item) for item in ours[name]] if undecided else _at_home(child, ours[name], remote)
            there[name] = _at_home(child, theirs[name], remote)

    def _moved(self, before: Record, after: Record) -> bool:
        found = compare(self.entity, before, after)
        return any(found.child(name) for name in self.entity.group)

    def _whole(self, base: Record, local: Record, remote: Record) -> Merged:
        """`overwrite`: one side's record as it is; `skip`: each side keeps its own until somebody decides."""
        rules = self.rules
        if rules.strategy == "skip":
            self.rules = Rules()
        value, _ = self._dispute(Dispute(path=""), "", base, local, remote)
        self.rules = rules
        read_only = {c.name: remote.get(c.name) for c in self.entity.columns if c.maps.merge is Merge.READ_ONLY}
        if self.disputes:
            return Merged(local | read_only, dict(remote), self.disputes, self.settled)
        whole = value | read_only
        for child in self.entity.children:
            whole[child.name] = _at_home(child, value.get(child.name) or [], remote)
        return Merged(whole, dict(whole), self.disputes, self.settled)


def _apart(entity: Entity, base: Record, local: Record, remote: Record) -> bool:
    """Whether both sides changed the record, and not to the same."""
    return bool(compare(entity, base, local) and compare(entity, base, remote) and compare(entity, local, remote))


def _all_apart(entity: Entity, base: Record, local: Record, remote: Record) -> bool:
    """The same for one list of it."""
    (name,) = base
    pairs = ((base, local), (base, remote), (local, remote))
    return all(compare(entity, one, other).child(name) for one, other in pairs)


def _stands(decision: Decision, local: Any, remote: Any) -> bool:
    """Whether the losing side still is what the one who decided saw."""
    if decision.take != "local" and plain(local) != decision.local:
        return False
    return decision.take == "shopify" or plain(remote) == decision.remote


def _as_before(column: Column, base: Any, now: Any) -> bool:
    """Whether a side left a value alone. One that was not there before is new, also where Shopify always has one."""
    return now is None if base is None and column.maps.required else same(column, base, now)


def _changed(child: Child, base: Record, now: Record) -> bool:
    return any(not same(column, base.get(column.name), now.get(column.name)) for column in fields_of(child))


def _key(child: Child, item: Record) -> dict[str, Any]:
    return {"shopify_id": item.get("shopify_id"), "label": label(child, item)}


def _whole_key(child: Child, item: Record) -> dict[str, Any]:
    """With what makes it the element that it is, for when neither it nor its like is in Shopify's list any more."""
    names = [c.name for c in child.columns if c.maps.merge is Merge.READ_ONLY and c.name != "shopify_id"]
    own = {name: plain(item.get(name)) for name in (*names, *(child.remembers or ()))}
    return _key(child, item) | {"own": own}


def _anew(child: Child, item: Record) -> Record:
    """An element that Shopify does not have (any more): it goes there as a new one."""
    return dict(item) if child.target is not None else item | {"shopify_id": None}


def _content(child: Child, item: Record | None) -> Record | None:
    """What an element says, without ids and numbers that move by themselves."""
    if item is None:
        return None
    return {column.name: item.get(column.name) for column in fields_of(child)}


def _at_home(child: Child, items: list[Record], remote: Record) -> list[Record]:
    """A list whose elements keep their Shopify ids only where Shopify still has them."""
    known = {item.get("shopify_id") for item in remote.get(child.name) or []}
    return [dict(item) if item.get("shopify_id") in known else _anew(child, item) for item in items]


def _last(child: Child, found: Sequence[Triple]) -> set[int]:
    """New elements that say nothing of their place, at the end here: they come behind all others, whoever added
    those."""
    number = child.order_column or child.position_column
    ends: set[int] = set()
    for at in reversed(order_of(found, 1)):
        local = found[at].local
        if found[at].base is not None or found[at].remote is not None or local is None or local.get(number) is not None:
            break
        ends.add(at)
    return ends


def _numbered(column: str, items: Sequence[tuple[Record, Record | None]]) -> list[Record]:
    """A merged list with numbers that say its order: Shopify's where they do, else its own, else from 1."""
    if not column:
        return [item for item, _ in items]
    for numbers in (
        [(remote or item).get(column) for item, remote in items],
        [item.get(column) for item, _ in items],
    ):
        if _ascending(numbers):
            break
    else:
        numbers = list(range(1, len(items) + 1))
    return [item | {column: number} for (item, _), number in zip(items, numbers, strict=True)]


def _ascending(numbers: Sequence[int | None]) -> bool:
    """Whether rows sorted by these come in this order; those without a number come last."""
    given = [number for number in numbers if isinstance(number, int)]
    return given == list(numbers[: len(given)]) and all(one < other for one, other in itertools.pairwise(given))
