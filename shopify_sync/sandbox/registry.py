"""How resources plug into the simulated shop: decorators for root and computed fields, pages, errors.

A root field is a function `fn(ctx, args) -> raw`, where `args` are the coerced arguments by GraphQL name (an
absent optional argument is absent, an explicit null is None, enums are their names, Money and Decimal are
strings) and `raw` is a record of the state (see state.py), a plain dict keyed by GraphQL names, a list, a `Page`
or None. Objects behind an interface or union carry their type in `_type`; `Shop.put` sets it, `node()` adds it.

A mutation returns its payload, e.g. `{"product": record_or_None, "userErrors": [user_error(["title"], "...")]}`.
Other fields are read with `raw.get(name)`, unless `@field(type, name)` registered a function for them. An `id`
that is a number is sent as gid of the object's type; a text is sent as it is.

The core has checked before a function is called: token, scopes, validity, coercion, cost, and that no list of
the input is longer than 250 (`variants` of productSet and productVariantsBulkCreate: 2048; `metafields` of
metafieldsSet: not checked, Shopify answers those with a userError).
"""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, TypeVar

import orjson

from shopify_sync.sandbox.state import Record, Shop

MAX_PAGE = 250  # Shopify docs: `first` and `last` go up to 250
EVERYTHING = sys.maxsize  # as `first` of a connection in a bulk query, where paging arguments do not count
Args = dict[str, Any]


@dataclass
class Context:
    """What one request is about: the store, the caller's scopes, the variables, the version served, the app."""

    shop: Shop
    scopes: frozenset[str] = frozenset()
    variables: dict[str, Any] = dataclass_field(default_factory=dict)
    api_version: str = "2026-10"
    app: str = "sandbox"
    search: list[dict[str, Any]] = dataclass_field(default_factory=list)  # becomes extensions.search
    path: tuple[str | int, ...] = ()  # response path of the root field being executed
    many: bool = False  # the document may read more than one product
    mutating: bool = False
    first_new_media: int = 0  # media with this id or a later one were made by this request
    idempotency_key: str | None = None  # of `@idempotent` on the root field being executed


class TopLevelError(Exception):
    """Becomes an entry of `errors`: the root field is null, or with `whole` there is no `data`."""

    def __init__(
        self,
        message: str,
        code: str | None = None,
        *,
        extensions: dict[str, Any] | None = None,
        path: Sequence[str | int] | None = None,
        whole: bool = False,
        locations: list[dict[str, int]] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.extensions = {**({"code": code} if code else {}), **(extensions or {})}
        self.path = path
        self.whole = whole
        self.locations = locations  # set by the core: where the root field stands in the document


Root = Callable[[Context, Args], Any]
Resolver = Callable[[Context, Any, Args], Any]
_Root = TypeVar("_Root", bound=Root)
_Resolver = TypeVar("_Resolver", bound=Resolver)

QUERIES: dict[str, Root] = {}
MUTATIONS: dict[str, Root] = {}
FIELDS: dict[tuple[str, str], Resolver] = {}
BEFORE_EACH: list[Callable[[Shop], None]] = []


def query_field(name: str) -> Callable[[_Root], _Root]:
    """Register a root field of the query type."""
    return _registered(QUERIES, name)


def mutation(name: str) -> Callable[[_Root], _Root]:
    """Register a mutation. It runs under the store's lock; what it put is written when the request ends."""
    return _registered(MUTATIONS, name)


def field(type_name: str, name: str) -> Callable[[_Resolver], _Resolver]:
    """Register code for a field that is not simply a key of the record."""
    return _registered(FIELDS, (type_name, name))


def before_each(function: Callable[[Shop], None]) -> Callable[[Shop], None]:
    """Register what is to happen to the store before each operation, under its lock; it must be quick."""
    BEFORE_EACH.append(function)
    return function


def _registered(table: dict[Any, Any], key: Any) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        if key in table and table[key].__module__ != function.__module__:
            raise ValueError(f"{key} is registered twice: {table[key].__module__}, {function.__module__}")
        table[key] = function
        return function

    return register


def node(type_name: str, record: Record) -> Record:
    """A copy of `record` that knows its GraphQL type; for objects that are not in a table."""
    return {**record, "_type": type_name}


def user_error(path: Sequence[str] | None, message: str, code: str | None = None) -> Record:
    """One entry of `userErrors`; `path` is null or a path of strings, list positions included."""
    return {"field": None if path is None else [str(part) for part in path], "message": message, "code": code}


class Page:
    """One page of a connection: its items, whether more lie on either side, and cursors on demand."""

    __slots__ = ("_key", "has_next", "has_previous", "items")

    def __init__(self, items: list[Any], has_next: bool, has_previous: bool, key: Callable[[Any], Any]) -> None:
        self.items = items
        self.has_next = has_next
        self.has_previous = has_previous
        self._key = key

    def cursor(self, item: Any) -> str:
        return encode_cursor(self._key(item), item["id"])

    def page_info(self) -> Record:
        items = self.items
        return {
            "hasNextPage": self.has_next,
            "hasPreviousPage": self.has_previous,
            "startCursor": self.cursor(items[0]) if items else None,
            "endCursor": self.cursor(items[-1]) if items else None,
        }

    def edges(self) -> list[Record]:
        return [{"cursor": self.cursor(item), "node": item} for item in self.items]


def encode_cursor(value: Any, number: int | str) -> str:
    """An opaque position: base64 of the last sort value and id, as in recorded answers."""
    return base64.b64encode(orjson.dumps({"last_id": number, "last_value": value}, default=str)).decode()


def decode_cursor(text: str, path: Sequence[str | int] | None = None) -> tuple[Any, int | str]:
    """(value, id) of a cursor. Raises TopLevelError BAD_REQUEST when it is none of ours."""
    try:
        position = orjson.loads(base64.b64decode(text, validate=True))
        return position["last_value"], position["last_id"]
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise TopLevelError(f"Invalid cursor for current pagination sort: {text}.", "BAD_REQUEST", path=path) from None


def page_size(args: Args, limit: int = MAX_PAGE) -> tuple[int, bool]:
    """(size, from the end) of a connection's arguments. Raises TopLevelError for a bad combination."""
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        raise TopLevelError("you must provide one of first or last", "BAD_REQUEST")
    if first is not None and last is not None:
        raise TopLevelError("providing both first and last is not supported", "BAD_REQUEST")
    size = int(last if first is None else first)  # type: ignore[arg-type]  # one of both is there
    if size == EVERYTHING:
        return size, False
    if size > limit:
        raise TopLevelError(f"Size limit exceeded: the maximum is {limit}, got {size}", "BAD_REQUEST")
    if size < 0:
        raise TopLevelError("first and last cannot be negative", "BAD_REQUEST")
    return size, first is None


def connection(
    items: Sequence[Any], args: Args, *, key: Callable[[Any], Any] | None = None, limit: int = MAX_PAGE
) -> Page:
    """A page of `items`, which are in the connection's order: first/last/after/before/reverse.

    `key(item)` is the sort value put into cursors (the id when absent). A cursor whose item is gone continues at
    the first item that sorts behind it. Raises TopLevelError.
    """
    size, from_end = page_size(args, limit)
    value_of = key or _identity
    ordered = list(reversed(items)) if args.get("reverse") else items
    start, stop = 0, len(ordered)
    backwards = bool(args.get("reverse"))
    if args.get("after"):
        start = _position(ordered, args["after"], value_of, backwards, after=True)
    if args.get("before"):
        stop = _position(ordered, args["before"], value_of, backwards, after=False)
    low, high = (max(start, stop - size), stop) if from_end else (start, min(stop, start + size))
    return Page(list(ordered[low:high]), high < len(ordered), low > 0, value_of)


def _identity(item: Any) -> Any:
    return item["id"]


def _position(items: Sequence[Any], cursor: str, key: Callable[[Any], Any], backwards: bool, *, after: bool) -> int:
    """Where the items behind (`after`) or from (`not after`) a cursor begin."""
    value, number = decode_cursor(cursor)
    for position, item in enumerate(items):
        if item["id"] == number:
            return position + 1 if after else position
    for position, item in enumerate(items):
        here, there = (key(item), item["id"]), (value, number)
        try:
            if (here < there) if backwards else (here > there):
                return position
        except TypeError:
            raise TopLevelError(f"Invalid cursor for current pagination sort: {cursor}.", "BAD_REQUEST") from None
    return len(items)
