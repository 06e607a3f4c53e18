"""What a document will probably cost, in points, before Shopify has told.

The rules are fitted to recorded pairs of document and `requestedQueryCost` (shopify-admin-api.md B.2): a connection
costs 2 + m(n) × one node, n = first or last, m(n) = max(1, floor(2·ln n)); an object or a plain list of objects 1
and what is below it; scalars and some objects nothing; `…Count` 10 at the root and 1 below; a mutation 10, what its
input adds, and what is below the objects of its payload. Types are not looked up: what a field is, is told by its
name and its selection. Wrong guesses last for one answer, which tells the true cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from shopify_sync.shopify import selections
from shopify_sync.shopify.selections import Field, Inline, Selection, Spread, Variable

Number: TypeAlias = "int | str | None"  # a literal, the name of a variable, or nothing

_PAGE = 50  # assumed where a connection says no size; Shopify demands one nearly everywhere
_MUTATION = 10
_DEARER = {
    "fileCreate": 20,
    "productCreateMedia": 20,
    "refundCreate": 20,
    "orderCapture": 20,
    "fulfillmentTrackingInfoUpdate": 50,
    "deliveryProfileUpdate": 100,
}
_FREE = frozenset(
    (
        "pageInfo",
        "measurement",
        "weight",
        "ruleSet",
        "defaultAddress",
        "address",
        "emailMarketingConsent",
        "smsMarketingConsent",
    )
)
_MONEY = frozenset(("amount", "currencyCode", "shopMoney", "presentmentMoney"))
# Points for each element of the input (description of `productSet` in Shopify's schema; the bulk mutations of
# variants were recorded to count them alike).
_VARIANT, _METAFIELD, _FILE, _VARIANT_FILE = 0.2, 0.4, 1.9, 0.6


@dataclass(frozen=True, slots=True)
class _Field:
    """A field with a selection. `branches` are the selections of each type of an interface or union."""

    name: str
    size: Number
    common: tuple[_Field, ...]
    branches: tuple[tuple[_Field, ...], ...]
    kind: str  # "connection", "count", "free" or "object"
    arguments: tuple[tuple[str, str], ...] = ()  # argument -> variable, kept at the root of a mutation


@dataclass(frozen=True, slots=True)
class _Plan:
    mutation: bool
    roots: tuple[_Field, ...]
    sizes: tuple[str, ...]  # variables that stand at first or last
    defaults: tuple[tuple[str, int], ...]


def multiplier(count: int) -> int:
    """By how much a page of `count` nodes multiplies the cost of one: 11 for 250."""
    return 0 if count <= 0 else max(1, math.floor(2 * math.log(count)))


def estimate(document: str, variables: Mapping[str, Any]) -> int:
    """Points for `document`, at least 1. A document that can't be parsed counts as 1: Shopify will refuse it."""
    plan = _planned(document)
    if plan is None:
        return 1
    given = dict(plan.defaults)
    sizes = tuple(_whole(variables.get(name, given.get(name))) for name in plan.sizes)
    total: float = _total(document, sizes)
    if plan.mutation:
        total += sum(_input(root, variables) for root in plan.roots)
    return max(1, round(total))


@lru_cache(maxsize=1024)
def _total(document: str, sizes: tuple[int, ...]) -> int:
    plan = _planned(document)
    if plan is None:
        return 1
    values = dict(zip(plan.sizes, sizes, strict=True))
    if plan.mutation:
        return sum(_DEARER.get(root.name, _MUTATION) + _payload(root, values) for root in plan.roots)
    return sum(_cost(root, values, root=True) for root in plan.roots)


def _cost(at: _Field, values: Mapping[str, int], *, root: bool = False) -> int:
    if at.kind == "connection":
        return 2 + multiplier(_size(at, values)) * _node(at, values)
    if at.kind == "count":
        return 10 if root else 1
    return (0 if at.kind == "free" else 1) + _below(at, values)


def _below(at: _Field, values: Mapping[str, int]) -> int:
    dearest = max((sum(_cost(each, values) for each in branch) for branch in at.branches), default=0)
    return dearest + sum(_cost(each, values) for each in at.common)


def _node(connection: _Field, values: Mapping[str, int]) -> int:
    """One node of a connection: what `nodes` and `edges` ask, added up; a connection asked for nothing costs 1."""
    total = 0
    for part in connection.common:
        if part.name == "nodes":
            total += 1 + _below(part, values)
        elif part.name == "edges":
            total += sum(1 + _below(each, values) for each in part.common if each.name == "node")
    return total


def _payload(root: _Field, values: Mapping[str, int]) -> int:
    return sum(_cost(each, values) if each.kind == "connection" else _below(each, values) for each in root.common)


def _size(at: _Field, values: Mapping[str, int]) -> int:
    if isinstance(at.size, str):
        return values.get(at.size, _PAGE)
    return _PAGE if at.size is None else at.size


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else _PAGE if value is None else 0


def _input(root: _Field, variables: Mapping[str, Any]) -> float:
    """What the elements of a product's input add."""
    if not root.name.startswith("product"):
        return 0.0
    given = {argument: variables.get(name) for argument, name in root.arguments}
    body: Mapping[str, Any] = given.get("input") or given.get("product") or {}
    variants = body.get("variants") or given.get("variants") or ()
    metafields = [body.get("metafields") or (), *(each.get("metafields") or () for each in variants)]
    return (
        _VARIANT * len(variants)
        + _METAFIELD * sum(map(len, metafields))
        + _FILE * len(body.get("files") or ())
        + _VARIANT_FILE * sum(1 for each in variants if each.get("file"))
    )


# Reading the document


@lru_cache(maxsize=256)
def _planned(document: str) -> _Plan | None:
    try:
        parsed = selections.read(document)
    except selections.NotADocument:
        return None
    if not parsed.kind:
        return None
    roots, _ = _Reader(parsed.fragments).fields(parsed.selection, root=True)
    sizes = tuple(sorted({name for root in roots for name in _sized_by(root)}))
    return _Plan(parsed.kind == "mutation", roots, sizes, tuple(parsed.defaults.items()))


def _sized_by(at: _Field) -> Iterator[str]:
    if isinstance(at.size, str):
        yield at.size
    for fields in (at.common, *at.branches):
        for each in fields:
            yield from _sized_by(each)


class _Reader:
    """Turns selections into fields. `fragments` are the named ones; one inside itself selects nothing."""

    def __init__(self, fragments: Mapping[str, Inline]) -> None:
        self.fragments, self.inside = fragments, set[str]()

    def fields(
        self, selection: Sequence[Selection], *, root: bool = False
    ) -> tuple[tuple[_Field, ...], tuple[tuple[_Field, ...], ...]]:
        """(fields of every type, fields of each type named in a fragment); scalars are left out."""
        common: list[_Field] = []
        typed: dict[str, list[_Field]] = {}
        for node in selection:
            if isinstance(node, Field):
                if node.selection is not None:
                    common.append(self._field(node, node.selection, root=root))
                continue
            named = node.name if isinstance(node, Spread) else ""
            part = self.fragments.get(named) if isinstance(node, Spread) else node
            if part is None or named in self.inside:
                continue
            self.inside.add(named)
            inner, branches = self.fields(part.selection, root=root)
            self.inside.discard(named)
            target = typed.setdefault(part.type, []) if part.type and not root else common
            target += inner
            longest: tuple[_Field, ...] = max(branches, key=len, default=())  # a type inside a type: rare
            target += longest
        return tuple(common), tuple(tuple(fields) for fields in typed.values())

    def _field(self, node: Field, selection: Sequence[Selection], *, root: bool) -> _Field:
        name = node.name
        common, branches = self.fields(selection)
        first, last = node.arguments.get("first"), node.arguments.get("last")
        size = last if first is None else first
        names = {each.name for each in common}
        leaves = {each.name for each in selection if isinstance(each, Field)}
        if leaves & {"nodes", "edges"} and ({"first", "last"} & node.arguments.keys() or names & {"nodes", "edges"}):
            kind = "connection"
        elif name.endswith("Count"):
            kind = "count"
        elif name in _FREE or (
            leaves & (_MONEY - {"currencyCode"}) and leaves - {"__typename"} <= _MONEY and not branches
        ):
            kind = "free"
        else:
            kind = "object"
        kept = tuple((key, str(value)) for key, value in node.arguments.items() if isinstance(value, Variable))
        return _Field(name, size, common, branches, kind, kept if root else ())
