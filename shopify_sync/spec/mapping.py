"""How a node becomes rows and a record.

Two readings of one declaration. `row_maker` compiles a function that turns a node into a tuple in storage form
(see `columns.py`), for bulk writes; `record_of` gives typed Python values, for comparing and merging. A test
proves that rows written by the one read back as the other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from shopify_sync.clock import storage_time
from shopify_sync.records import Node, Record, content_hash, number_of
from shopify_sync.spec.declare import Child, Column, Entity, Form


def canonical(entity: Entity, node: Node) -> tuple[bytes, str]:
    """The payload (UTF-8) and its hash: the node without volatile fields, keys sorted.

    The children of `identity`-keyed lists keep Shopify's order, since order is content in most of them.
    """
    kept = node.copy()
    for name in entity.volatile:
        kept.pop(name, None)
    raw = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
    return raw, content_hash(raw)


def shopify_id(node: Node) -> int:
    return number_of(node["id"])


def updated_at(node: Node) -> datetime:
    return parse_time(node["updatedAt"])


def parse_time(text: str) -> datetime:
    """Shopify's `2026-11-24T12:00:00Z` as an aware datetime in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def storage_moment(text: str) -> str:
    """A time of Shopify's in the storage form of `columns.UtcTime`."""
    if text.endswith("Z"):
        return text
    return parse_time(text).isoformat().replace("+00:00", "Z")


def record_of(entity: Entity, node: Node) -> Record:
    """A node in our words: `{column: value, …, "variants": [{column: value, …}, …]}`."""
    record = _values(entity.columns, node)
    for child in entity.children:
        record[child.name] = [_values(child.columns, item) for item in node[child.path]]
    return record


def _values(columns: tuple[Column, ...], node: Node) -> Record:
    return {column.name: _typed(column, _raw(column, node)) for column in columns}


def _raw(column: Column, node: Node) -> Any:
    if column.maps.read is not None:
        return column.maps.read(node)
    value: Any = node
    for step in column.maps.path.split("."):
        if value is None:
            return None
        value = value[step]
    return value


def _typed(column: Column, value: Any) -> Any:
    if value is None:
        return None
    match column.form:
        case Form.DECIMAL:
            return Decimal(str(value))
        case Form.TIME:
            return parse_time(value)
        case Form.INT if isinstance(value, str):
            return number_of(value) if value.startswith("gid:") else int(value)
        case _:
            return value


def plain(value: Any) -> Any:
    """A value as JSON can hold it; decimals and times as text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    return storage_time(value) if isinstance(value, datetime) else str(value)


def revived(columns: tuple[Column, ...], values: Record) -> Record:
    """What `plain` made of columns' values, typed again. Other keys stay as they are."""
    forms = {column.name: column.form for column in columns}
    return {name: _revived(forms.get(name), value) for name, value in values.items()}


def _revived(form: Form | None, value: Any) -> Any:
    if value is None:
        return None
    match form:
        case Form.DECIMAL:
            return Decimal(str(value))
        case Form.TIME:
            return parse_time(value)
        case _:
            return value


def revived_record(entity: Entity, values: Record) -> Record:
    """A whole record that `plain` made JSON of, typed again."""
    record = revived(entity.columns, values)
    for child in entity.children:
        record[child.name] = [revived(child.columns, item) for item in values.get(child.name) or []]
    return record


def row_maker(columns: tuple[Column, ...]) -> Callable[[Node], tuple[Any, ...]]:
    """A compiled function from a node to the tuple of its columns in storage form.

    Compiled, since a call a column costs as much as the database does (measured in benchmarks/memory.py).
    """
    lines, cells, scope = _compiled(columns)
    body = "".join(f"    {line}\n" for line in lines)
    made: Callable[[Node], tuple[Any, ...]] = _made(f"def make(n):\n{body}    return ({', '.join(cells)},)\n", scope)
    return made


def rows_maker(
    columns: tuple[Column, ...], fixed: tuple[Any, ...], *, numbered: bool
) -> Callable[[list[Node]], list[tuple[Any, ...]]]:
    """A compiled function from a child's elements to a tuple in storage form for each: the columns, with `numbered`
    the place from 1 on, and `fixed`."""
    lines, cells, scope = _compiled(columns)
    scope |= {f"f{at}": value for at, value in enumerate(fixed)}
    cells = [*cells, *(["at"] if numbered else []), *(f"f{at}" for at in range(len(fixed)))]
    body = "".join(f"        {line}\n" for line in lines)
    loop = "    for at, n in enumerate(items, 1):\n" if numbered else "    for n in items:\n"
    made: Callable[[list[Node]], list[tuple[Any, ...]]] = _made(
        f"def make(items):\n    rows = []\n{loop}{body}        rows.append(({', '.join(cells)},))\n    return rows\n",
        scope,
    )
    return made


def _made(text: str, scope: dict[str, Any]) -> Any:
    exec(compile(text, "<row_maker>", "exec"), scope)  # noqa: S102 - our own declarations, no input
    return scope["make"]


def _compiled(columns: tuple[Column, ...]) -> tuple[list[str], list[str], dict[str, Any]]:
    """Statements over a node `n`, an expression for each column, and the names they use."""
    scope: dict[str, Any] = {"number_of": number_of, "dumps": orjson.dumps, "moment": storage_moment}
    lines: list[str] = []
    branches: dict[str, str] = {"": "n"}
    cells: list[str] = []
    for at, column in enumerate(columns):
        if column.maps.read is not None:
            scope[f"read_{at}"] = column.maps.read
            cells.append(_cell(column.form, f"read_{at}(n)", at, lines))
            continue
        *parents, leaf = column.maps.path.split(".")
        source, prefix = "n", ""
        for step in parents:
            before, prefix = source, f"{prefix}.{step}"
            if prefix not in branches:
                branches[prefix] = f"b{len(branches)}"
                guard = "" if before == "n" else f"{before} and "
                lines.append(f"{branches[prefix]} = {guard}{before}[{step!r}]")
            source = branches[prefix]
        value = f"n[{leaf!r}]" if source == "n" else f"({source}[{leaf!r}] if {source} else None)"
        cells.append(_cell(column.form, value, at, lines))
    return lines, cells, scope


def _cell(form: Form, value: str, at: int, lines: list[str]) -> str:
    match form:
        case Form.TEXT | Form.BOOL:
            return value
        case Form.INT:
            # The number in a global id, as `number_of` finds it, without a call for each.
            lines += [
                f"v{at} = {value}",
                f"try: v{at} = int(v{at}[v{at}.rfind('/') + 1 :]) if v{at}.__class__ is str else v{at}",
                f"except ValueError: v{at} = number_of(v{at})",
            ]
            return f"v{at}"
        case Form.DECIMAL:
            lines.append(f"v{at} = {value}")
            return f"(v{at} if v{at} is None or v{at}.__class__ is str else repr(v{at}))"
        case Form.TIME:
            lines.append(f"v{at} = {value}")
            return f"(moment(v{at}) if v{at} else None)"
        case Form.JSON:
            lines.append(f"v{at} = {value}")
            return f"(dumps(v{at}).decode() if v{at} is not None else None)"


def child_rows(child: Child, node: Node, make: Callable[[Node], tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """One storage tuple for each element of a child's list."""
    return [make(item) for item in node[child.path]]
