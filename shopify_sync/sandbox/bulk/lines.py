"""Runs a bulk query: one line for each node of each connection, written as it is made.

Memory does not grow with the result: roots are taken a few at a time under the store's lock, and without
`groupObjects` lines lose their order in a window of fixed size, so that children stand far from their parents, before
or behind them. What is projected, and how, is execute.py's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import orjson

from shopify_sync.sandbox.bulk.rules import below, holds_connection, node_of
from shopify_sync.sandbox.desk import Operation
from shopify_sync.sandbox.execute import Compiled, Getter, Run, compile_fields, project, reader
from shopify_sync.sandbox.plan import Field, Plan
from shopify_sync.sandbox.registry import EVERYTHING, Context
from shopify_sync.sandbox.state import Record

BATCH = 100  # roots under one hold of the lock
WINDOW = 2_000  # lines among which the order is lost
_PAGING = ("first", "last", "after", "before")


class Sink:
    """The result file: escapes slashes as Shopify does, and loses the order of lines unless they are grouped."""

    def __init__(self, file: BinaryIO, seed: int, *, grouped: bool) -> None:
        self._file = file
        self._random = random.Random(seed)  # noqa: S311  # a repeatable order, no secret
        self._window: list[bytes] = []
        self._lines: list[bytes] = []
        self._grouped = grouped

    def add(self, line: Record) -> None:
        text = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        if not self._grouped:
            window = self._window
            if len(window) < WINDOW:
                window.append(text)
                return
            place = int(self._random.random() * WINDOW)
            window[place], text = text, window[place]
        self._lines.append(text)

    def flush(self) -> None:
        """Write what has left the window."""
        if self._lines:
            self._file.write(b"".join(self._lines).replace(b"/", b"\\/"))  # a slash stands in strings only
            self._lines = []

    def close(self) -> None:
        """Write the rest."""
        self._random.shuffle(self._window)
        self._lines += self._window
        self._window = []
        self.flush()


class Node:
    """How one node becomes a line: by concrete type its fields, and its connections with their nodes."""

    def __init__(self, at: Field) -> None:
        self.by_type: dict[str, tuple[Compiled, list[tuple[Getter, Node]]]] = {}
        for name, fields in at.sub.items():
            plain = [_stripped(each) for each in fields if not each.is_connection]
            children = [pair for each in fields for pair in _children(each)]
            self.by_type[name] = (compile_fields(tuple(plain)), children)
        self.only = next(iter(self.by_type.values())) if len(self.by_type) == 1 else None


def _children(at: Field) -> Iterator[tuple[Getter, Node]]:
    """The connections of a field: itself, or those inside of the object that it is."""
    if at.is_connection:
        inner = node_of(at)
        assert inner is not None
        at.fixed = {key: value for key, value in at.arguments({}).items() if key not in _PAGING}
        at.fixed["first"] = EVERYTHING
        yield reader(at), Node(inner)
        return
    outer = reader(at) if at.sub and holds_connection(at) else None
    if outer is not None:
        for each in below(at):
            for inside, node in _children(each):
                yield _through(outer, inside), node


def _through(outer: Getter, inside: Getter) -> Getter:
    def read(raw: Any, run: Run) -> Any:
        found = outer(raw, run)
        return None if found is None else inside(found, run)

    return read


def _stripped(at: Field) -> Field:
    """The field without the connections in it, which become lines of their own."""
    if not at.sub or not holds_connection(at):
        return at
    kept = {
        name: tuple(_stripped(each) for each in fields if not each.is_connection) for name, fields in at.sub.items()
    }
    return replace(at, sub=kept)


def run_query(plan: Plan, ctx: Context, operation: Operation, until: float = 1.0) -> None:
    """Write the result of a query, `until` this share of the roots. Raises what the projector raises."""
    run = Run(ctx, {})
    with operation.path.open("wb") as file:
        sink = Sink(file, operation.seed, grouped=operation.group)
        for root in plan.fields:
            for read, node in _roots(root):
                with ctx.shop.lock:
                    page = read(None, run)
                if page is not None and not _write(page.items, node, run, sink, operation, until):
                    break
        sink.close()


def _roots(at: Field) -> Iterator[tuple[Getter, Node]]:
    if at.is_connection:
        inner = node_of(at)
        assert inner is not None
        at.fixed = {key: value for key, value in at.arguments({}).items() if key not in _PAGING}
        at.fixed["first"] = EVERYTHING
        yield reader(at, root="query"), Node(inner)
    else:
        outer = reader(at, root="query")
        for each in below(at):
            for inside, node in _children(each):
                yield _through(outer, inside), node


def _write(items: list[Record], node: Node, run: Run, sink: Sink, operation: Operation, until: float) -> bool:
    """Lines for the roots of one connection; False when the operation is to stop."""
    shop = run.ctx.shop
    emit = _emitter(run, sink)
    wanted = int(len(items) * until)
    for start in range(0, wanted, BATCH):
        if not operation.pace(start / len(items), shop.now):
            return False
        with shop.lock:
            for item in items[start : min(start + BATCH, wanted)]:
                raw = _present(item, run)
                if raw is not None:
                    operation.objects += emit(raw, node, None)
                    operation.roots += 1
        sink.flush()
    return operation.pace(until, shop.now)


def _present(item: Record, run: Run) -> Record | None:
    """The record as it is now; None when it has gone since the operation began."""
    kind = item.get("_type")
    table = run.ctx.shop.table(kind) if kind else {}
    return table.get(item["id"]) if table else item


def _emitter(run: Run, sink: Sink) -> Callable[[Record, Node, str | None], int]:
    add = sink.add

    def emit(raw: Record, node: Node, parent: str | None) -> int:
        fields, children = node.only or node.by_type[raw["_type"]]
        line = project(fields, raw, run)
        if parent is not None:
            line["__parentId"] = parent
        add(line)
        count = 1
        for read, child in children:
            page = read(raw, run)
            if page is not None:
                own = line["id"]
                for each in page.items:
                    count += emit(each, child, own)
        return count

    return emit
