"""The GraphQL documents of an entity, derived from its declaration.

A page, a single record, the rest of a long connection: all are built from the same selection, so they cannot
drift apart, and no column can be forgotten in one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import orjson

from shopify_sync.spec.declare import Child, Column, Entity

_Tree = dict[str, "_Tree"]


def selection(columns: Iterable[Column]) -> str:
    """What has to be selected so that each column finds its value: `id title seo { title description }`."""
    tree: _Tree = {}
    texts: list[str] = []
    for column in columns:
        if column.maps.select is not None:
            if column.maps.select not in texts:
                texts.append(column.maps.select)
            continue
        branch = tree
        for step in column.maps.path.split("."):
            branch = branch.setdefault(step, {})
    return " ".join([_write(tree), *texts]).strip()


def _write(tree: _Tree) -> str:
    return " ".join(f"{name} {{ {_write(below)} }}" if below else name for name, below in tree.items())


def _child(child: Child) -> str:
    inner = selection(child.columns)
    if not child.connection:
        return f"{child.path} {{ {inner} }}"
    arguments = f"first: {child.first}" + (f", {child.arguments}" if child.arguments else "")
    return f"{child.path}({arguments}) {{ nodes {{ {inner} }} pageInfo {{ hasNextPage endCursor }} }}"


@cache
def fields(entity: Entity) -> str:
    """The whole selection of one record, children included."""
    own = selection(entity.columns)
    return " ".join([own, "updatedAt", *(_child(child) for child in entity.children)])


@cache
def listing(entity: Entity) -> str:
    """A light page: ids and times only. Variables `first`, `after`, `query`."""
    return (
        f"query List{entity.label}($first: Int!, $after: String, $query: String) {{ "
        f"{entity.root}(first: $first, after: $after, query: $query, sortKey: {entity.sort_key}) {{ "
        "nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }"
    )


@cache
def enumerating(entity: Entity) -> str:
    """A light page of everything in order of the ids. Variables `first`, `after`."""
    return (
        f"query Enumerate{entity.label}($first: Int!, $after: String) {{ "
        f"{entity.root}(first: $first, after: $after, sortKey: ID) {{ "
        "nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }"
    )


@cache
def deletions(entity: Entity) -> str:
    """Events that tell of deleted records. Variables `first`, `after`, `query`.

    Source: Admin schema 2026-10, `events`; kept for a year.
    """
    return (
        f"query Deleted{entity.label}($first: Int!, $after: String, $query: String) {{ "
        "events(first: $first, after: $after, query: $query, sortKey: ID) { "
        "nodes { id ... on BasicEvent { subjectId } } pageInfo { hasNextPage endCursor } } }"
    )


@cache
def counting(entity: Entity) -> str:
    """How many there are. Variable `query`. Without a limit exact up to 25,000, then a lower bound (shopify.dev,
    "API limits"; the limit's default is 10,000)."""
    return (
        f"query Count{entity.label}($query: String) "
        f"{{ {entity.root}Count(query: $query, limit: null) {{ count precision }} }}"
    )


@cache
def stamping(entity: Entity) -> str:
    """When each of many known records last changed. Variable `ids` (at most 250); gone ones come as null."""
    return (
        f"query Stamp{entity.label}($ids: [ID!]!) {{ "
        f"nodes(ids: $ids) {{ ... on {entity.gid_type} {{ id updatedAt }} }} }}"
    )


@cache
def fetching(entity: Entity) -> str:
    """Whole records by id. Variable `ids` (at most 250); gone ones come as null."""
    return (
        f"query Fetch{entity.label}($ids: [ID!]!) {{ "
        f"nodes(ids: $ids) {{ ... on {entity.gid_type} {{ {fields(entity)} }} }} }}"
    )


@cache
def continuing(entity: Entity, child: Child) -> str:
    """The next page of one record's long connection. Variables `id`, `first`, `after`."""
    inner = selection(child.columns)
    more = f", {child.arguments}" if child.arguments else ""
    return (
        f"query Fetch{entity.label}{child.path[:1].upper()}{child.path[1:]}"
        f"($id: ID!, $first: Int!, $after: String) {{ "
        f"{entity.single}(id: $id) {{ id updatedAt {child.path}(first: $first, after: $after{more}) "
        f"{{ nodes {{ {inner} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
    )


def exporting(entity: Entity, token: str, query: str | None) -> str:
    """The inner document of a bulk query: whole records, as `fetching` asks for them.

    Source of the form (recorded: bulk-operation-run-query-validators): connections through `edges`, no variables, no
    sizes, `id` first in each node. `token` stands in the operation's name, by which it is known again after a crash.
    """
    chosen = f"(query: {orjson.dumps(query).decode()}, sortKey: {entity.sort_key})" if query else ""
    parts = [selection(entity.columns), "updatedAt"]
    for child in entity.children:
        if not child.connection:
            parts.append(_child(child))
            continue
        arguments = f"({child.arguments})" if child.arguments else ""
        parts.append(f"{child.path}{arguments} {{ edges {{ node {{ {_led_by_id(selection(child.columns))} }} }} }}")
    return (
        f"query Export{entity.label}_{token} {{ {entity.root}{chosen} "
        f"{{ edges {{ node {{ {_led_by_id(' '.join(parts))} }} }} }} }}"
    )


def _led_by_id(text: str) -> str:
    """With `id` as its first field, which GraphQL lets one name twice."""
    return text if text.startswith("id ") else f"id {text}"


def documents(entity: Entity) -> dict[str, str]:
    """Every query document of an entity by operation name, for tests and for `docs`."""
    texts = [listing(entity), enumerating(entity), counting(entity), stamping(entity), fetching(entity)]
    if entity.subject:
        texts.append(deletions(entity))
    texts += [continuing(entity, child) for child in entity.children if child.connection]
    return {text.split("(", 1)[0].split()[-1]: text for text in texts}
