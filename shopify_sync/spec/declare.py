"""The words an entity is declared in: `Entity`, `Child`, `Maps`, `Merge`, `Push`.

Everything else follows from a declaration: the GraphQL documents (`documents.py`), how a node becomes rows and a
record (`mapping.py`), how two records are compared (`compare.py`), the commands and the contract tests.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from shopify_sync.records import Node, Operation, Record

if TYPE_CHECKING:
    from shopify_sync.spec.compare import Diff


class Merge(Enum):
    """What happens to a field that both sides changed."""

    ASK = "ask"  # a person decides, unless a policy does
    UNION = "union"  # a set: element by element, never a conflict
    SEQUENCE = "sequence"  # a list of texts whose order means something: element by element, the order as a whole
    COUNTER = "counter"  # a number that both sides move: the sum of both moves, never a conflict
    READ_ONLY = "read_only"  # Shopify's; a local change is never sent


class Form(Enum):
    """How a value is compared and stored."""

    TEXT = "text"
    INT = "int"
    BOOL = "bool"
    DECIMAL = "decimal"
    TIME = "time"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Maps:
    """Where a column's value stands in a node, and what happens when both sides changed it.

    `path` is dotted (`seo.title`); each step is selected in the documents. A field that needs code gives `read`
    (node -> value as Shopify spells it) and the `select` text that it needs. Shopify always has a value where
    `required` is set, so a null here means: as Shopify has it. `normal` is what Shopify makes of a value when it
    stores it (of each element, for a set): two values are equal when their normal forms are. `alike` is a tolerance of
    ours: where both sides changed a field, it says whether they mean the same, and Shopify's spelling is taken; and
    whether one of them only says otherwise what was there before, so that the other's change goes through.
    """

    path: str
    merge: Merge = Merge.ASK
    select: str | None = None
    read: Callable[[Node], Any] | None = None
    sendable: bool = True  # False: it has a mutation of its own
    required: bool = False
    normal: Callable[[Any], Any] | None = None
    alike: Callable[[Any, Any], bool] | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One mapped column of a table, made from its annotation. `kind` is the Python type of its values."""

    name: str
    form: Form
    maps: Maps
    kind: type = object

    def reads(self, value: Any) -> bool:
        """Whether a value is of this column's kind; SQLite lets other programs write any."""
        if value is None or self.form in (Form.INT, Form.BOOL):  # Shopify names these in its refusal
            return True
        if not isinstance(value, self.kind):
            return False
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return all(isinstance(item, str) for item in inner)


_FORMS: dict[Any, Form] = {
    str: Form.TEXT,
    int: Form.INT,
    bool: Form.BOOL,
    Decimal: Form.DECIMAL,
    datetime: Form.TIME,
}


def columns_of(table: type) -> tuple[Column, ...]:
    """The columns of a table class that carry a `Maps`, in order. Raises TypeError for a type without a form."""
    found = []
    for name, hint in typing.get_type_hints(table, include_extras=True).items():
        if typing.get_origin(hint) is not typing.Annotated:
            continue
        inner, *extras = typing.get_args(hint)
        maps = next((extra for extra in extras if isinstance(extra, Maps)), None)
        if maps is not None:
            kind = _bare(inner)
            found.append(Column(name, _form(kind), maps, typing.get_origin(kind) or kind))
    return tuple(found)


def _bare(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(arg for arg in typing.get_args(hint) if arg is not type(None))
    return hint


def _form(hint: Any) -> Form:
    if typing.get_origin(hint) in (list, dict):
        return Form.JSON
    try:
        return _FORMS[hint]
    except KeyError:
        raise TypeError(f"no form for a column of type {hint!r}") from None


@dataclass(frozen=True, eq=False)
class Child:
    """A list inside a record with a table of its own.

    `connection` children come in pages of `first`; others are plain lists. `identity` names the columns that tell
    two elements apart where there is no Shopify id yet (`identify` makes one up instead); `key` those of the unique
    index that an upsert meets, beside the parent. A `complete` list in an import file says all there is; others are
    only added to. `linked` children are rows of another table (`target`), joined through `table` by the column
    `link`. `parent_column` is the foreign key; `fixed` are constant columns. Where the order of an `ordered` list
    means something, it is compared as a whole: `order_column` is then Shopify's number of the place, and no field;
    `position_column` is one that we number ourselves, from 1 in Shopify's order. `remembers` (column, copy) keeps
    the value that a local row had before Shopify's answer replaces it. `gid_types` are the types in the global ids of
    a connection's nodes: in the file of a bulk operation nothing else tells whose list a line belongs to. `foreign`
    tells elements that another app may own, so that only it can make them.
    """

    name: str
    table: type
    path: str
    connection: bool = False
    first: int = 0
    identity: tuple[str, ...] = ()
    identify: Callable[[Record], str] | None = None
    complete: bool = False
    key: tuple[str, ...] = ("shopify_id",)
    ordered: bool = False
    order_column: str = ""
    target: type | None = None
    link: str = ""
    parent_column: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    position_column: str = ""
    remembers: tuple[str, str] | None = None
    arguments: str = ""
    gid_types: tuple[str, ...] = ()
    foreign: Callable[[Record], bool] = lambda item: False

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.target or self.table)


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What a push needs to know of the shop beside the record."""

    publication_id: int | None = None


@dataclass(frozen=True)
class Push:
    """How a record reaches Shopify. All functions are pure and build operations that are safe to repeat.

    `lookup(keys)` asks for many natural keys in one request; `found(data, keys)` reads its answer as
    `{key: (shopify_id, created_at)}`. `create(record)` makes one; `created(payload)` gives its new Shopify id.
    `update(shopify_id, base, local, diff, facts)` sends as little as the change needs, in order.
    `finish(shopify_id, record, facts)` is what a new record needs besides. `key(record)` gives the natural key
    that Shopify will use, made up from the record where the user left it empty. `settled(node)` says whether
    Shopify has finished what it does after its answer. `archive(shopify_id)` and `remove(shopify_id)` carry a local
    deletion over, where the entity has such a thing; `archived(node)` tells what the first one leaves.
    """

    lookup: Callable[[Sequence[str]], Operation]
    found: Callable[[Mapping[str, Any], Sequence[str]], dict[str, tuple[int, datetime]]]
    create: Callable[[str, Record], Operation]
    created: Callable[[Mapping[str, Any]], int]
    update: Callable[[int, Record, Record, Diff, ShopFacts], list[Operation]]
    finish: Callable[[int, Record, ShopFacts], list[Operation]]
    key: Callable[[Record], str]
    settled: Callable[[Node], bool] = lambda node: True
    archive: Callable[[int], Operation] | None = None
    archived: Callable[[Node], bool] = lambda node: False
    remove: Callable[[int], Operation] | None = None


@dataclass(frozen=True, slots=True)
class Deletes:
    """What a deletion does to the other side: `propagate`, `archive` or `ignore`.

    `shopify` is one that happened on Shopify (`archive` keeps the row, with `deleted_at`), `local` one that
    happened here (`archive` archives the record on Shopify).
    """

    shopify: str = "archive"
    local: str = "archive"


Align: TypeAlias = Callable[[Record, Record, Record], tuple[list[Record], Callable[[Record], Record]]]


@dataclass(frozen=True, eq=False)
class Entity:
    """One kind of record that is kept the same on both sides.

    `gid_type` is the type in its global ids, `root` the connection that lists it, `single` the field that reads
    one. `volatile` are node fields left out of the payload and its hash since they move without a change.
    `complete(record, base)` fills in what Shopify adds by itself to a record that leaves it out. `second_key` tells
    records apart where the natural key fails (None where it can't). Lists that only fit together in one way are a
    `group`; `align(base, local, remote)` gives the three in words that can be compared, and a function that puts a
    merged record back into its own; where `fits(record)` says that its lists don't go together, the group as a whole
    is in dispute. `subject` is the type's name in Shopify's events.
    """

    name: str
    label: str
    gid_type: str
    root: str
    single: str
    table: type
    children: tuple[Child, ...]
    natural_key: str
    push: Push
    complete: Callable[[Record, Record | None], Record] = lambda record, base: record
    second_key: Callable[[Record], str | None] = lambda record: None
    group: tuple[str, ...] = ()
    align: Align = lambda base, local, remote: ([base, local, remote], lambda merged: merged)
    fits: Callable[[Record], bool] = lambda record: True
    deletes: Deletes = Deletes()
    subject: str = ""
    sort_key: str = "UPDATED_AT"
    filter: str = ""
    volatile: tuple[str, ...] = ("updatedAt",)
    after: tuple[str, ...] = ()
    pull_scopes: tuple[str, ...] = ()
    push_scopes: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.table)

    @cached_property
    def child(self) -> dict[str, Child]:
        return {child.name: child for child in self.children}
