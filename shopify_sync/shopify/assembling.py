"""From the lines of a bulk query's file to whole nodes, in memory that does not grow with the file.

A child's line names its parent (`__parentId`); what it is told by the type in its own id. Where it stands says nothing
(shopify.dev, "Bulk operation queries"; Admin schema, `groupObjects`). Whether the file happens to be grouped, each
child behind its parent, is looked at first, byte by byte; then a node is whole when the next one begins. If it is not,
the lines are dealt out by parent into small files, each of which is put together in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from shopify_sync.errors import Unreachable
from shopify_sync.records import Node, number_of
from shopify_sync.spec import Entity

_PARENT = b'"__parentId":"'
_ID = b'{"id":"'
_KIND_AT = len("gid://shopify/")
_BUFFER = 1 << 20
_HEAP_BYTES = 4 << 20  # of lines that are put together at once
_HEAPS = 200  # files open at the same time


@dataclass(slots=True)
class Assembled:
    """Some whole nodes. `unordered` are ids whose lists mean something by their order, which the file does not tell:
    these have to be read otherwise."""

    nodes: list[Node] = field(default_factory=list)
    unordered: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lines:
    """What a look at a file found: how many lines, how many of them are roots, and whether it is grouped."""

    count: int
    roots: int
    grouped: bool


def broken(why: str) -> Unreachable:
    """The error for a file that can't be trusted."""
    return Unreachable(
        "the file of a bulk operation is damaged",
        kind="bulk_file",
        why=why,
        next="run the command again; with --method paged it does without bulk operations",
    )


def look(path: Path, beat: Callable[[], None] = lambda: None) -> Lines:
    """Count the lines, and see whether each child stands behind its own parent. Reads bytes, parses nothing."""
    count = roots = 0
    grouped, current = True, b"-"
    with path.open("rb", buffering=_BUFFER) as file:
        for line in file:
            count += 1
            at = line.rfind(_PARENT)
            if at < 0:
                roots += 1
                end = line.find(b'"', len(_ID))
                grouped = grouped and line.startswith(_ID)
                current = line[len(_ID) : end + 1]
            elif not line.startswith(current, at + len(_PARENT)):
                grouped = False
            if not count & 0xFFFF:
                beat()
    return Lines(count, roots, grouped)


def assemble(entity: Entity, path: Path, lines: Lines, size: int, *, ordered: bool) -> Iterator[Assembled]:
    """All nodes of a file, about `size` at a time.

    `ordered` says that Shopify was asked to keep children together and in order (`groupObjects`), which is only
    believed of a file that is grouped. Raises Unreachable (`kind` "bulk_file") for a line that is no JSON, a child
    without its parent, and a type that was not asked for.
    """
    maker = _Maker(entity, ordered=ordered and lines.grouped)
    if lines.grouped:
        yield from maker.grouped(path, size)
    else:
        yield from maker.dealt(path, size)


class _Maker:
    def __init__(self, entity: Entity, *, ordered: bool) -> None:
        connections = [child for child in entity.children if child.connection]
        self.path_of = {kind: child.path for child in connections for kind in child.gid_types}
        self.empty = [child.path for child in connections]
        # Lists whose order Shopify numbers, and those of which only their place in the file would tell.
        self.numbered = [
            (child.path, next(c.maps.path for c in child.columns if c.name == child.order_column))
            for child in connections
            if child.ordered and child.order_column
        ]
        by_place = [child.path for child in connections if child.ordered and not child.order_column]
        self.untold = [] if ordered else by_place
        self.sets = [child.path for child in connections if not child.ordered]

    def grouped(self, path: Path, size: int) -> Iterator[Assembled]:
        paths = self.path_of
        found: list[Node] = []
        node: Node = {}
        key = None
        for item in _parsed(path):
            parent = item.pop("__parentId", None)
            if parent is None:
                if len(found) >= size:
                    yield self._finished(found)
                    found = []
                node, key = item, item["id"]
                for name in self.empty:
                    node[name] = []
                found.append(node)
            elif parent != key:
                raise broken("a line that looked as if it belonged to one record belongs to another")
            else:
                try:
                    own = item["id"]
                    node[paths[own[_KIND_AT : own.rfind("/")]]].append(item)
                except KeyError:
                    raise broken(f"nobody asked for {item.get('id')!r}") from None
        if found:
            yield self._finished(found)

    def dealt(self, path: Path, size: int) -> Iterator[Assembled]:
        heaps = max(1, min(_HEAPS, path.stat().st_size // _HEAP_BYTES))
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="bulk-") as folder:
            names = [Path(folder) / str(at) for at in range(heaps)]
            _deal(path, names)
            for name in names:
                whole = self._together(name)
                for at in range(0, len(whole.nodes), size):
                    yield Assembled(whole.nodes[at : at + size])
                if whole.unordered:
                    yield Assembled([], whole.unordered)
                name.unlink()

    def _together(self, path: Path) -> Assembled:
        roots: dict[str, Node] = {}
        children: list[tuple[str, Node]] = []
        for item in _parsed(path):
            parent = item.pop("__parentId", None)
            if parent is None:
                for name in self.empty:
                    item[name] = []
                roots[item["id"]] = item
            else:
                children.append((parent, item))
        for parent, item in children:
            kind = self.path_of.get(_kind(item))
            if kind is None:
                raise broken(f"nobody asked for {item.get('id')!r}")
            if parent not in roots:
                raise broken(f"{item.get('id')} belongs to {parent}, which the file does not have")
            roots[parent][kind].append(item)
        return self._finished(roots.values())

    def _finished(self, nodes: Iterable[Node]) -> Assembled:
        """With each list in its order, and those apart whose order is not known."""
        found = Assembled()
        for node in nodes:
            for name, place in self.numbered:
                if len(node[name]) > 1:
                    node[name].sort(key=itemgetter(place))
            if self.untold and any(len(node[name]) > 1 for name in self.untold):
                found.unordered.append(number_of(node["id"]))
            else:
                found.nodes.append(in_order(node, self.sets))
        return found


def in_order(node: Node, sets: list[str]) -> Node:
    """Lists whose order means nothing, always in the same one, however they were read."""
    for name in sets:
        if len(node[name]) > 1:
            node[name].sort(key=_number)
    return node


def _number(item: Node) -> int:
    return number_of(item["id"])


def _kind(item: Node) -> str:
    parts = str(item.get("id")).split("/", 4)
    return parts[3] if len(parts) == 5 else ""


def _parsed(path: Path) -> Iterator[Node]:
    loads = orjson.loads
    with path.open("rb", buffering=_BUFFER) as file:
        for number, line in enumerate(file, start=1):
            try:
                item: Any = loads(line)
            except orjson.JSONDecodeError:
                raise broken(f"line {number} is no JSON") from None
            if item.__class__ is not dict:
                raise broken(f"line {number} holds no object")
            yield item


def _deal(path: Path, names: list[Path]) -> None:
    """Deal the lines out by the record that they belong to."""
    files: list[BinaryIO] = [name.open("wb", buffering=1 << 16) for name in names]
    try:
        count = len(files)
        for item, line in _with_lines(path):
            owner = item.get("__parentId") or item.get("id") or ""
            files[number_of(owner) % count].write(line)
    finally:
        for file in files:
            file.close()


def _with_lines(path: Path) -> Iterator[tuple[Node, bytes]]:
    with path.open("rb", buffering=_BUFFER) as file:
        yield from zip(_parsed(path), file, strict=True)
