"""Lines of a bulk query's file become the same nodes in whatever order they lie."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_sync.entities import entity
from shopify_sync.errors import Unreachable
from shopify_sync.shopify import assembling
from shopify_sync.shopify.assembling import assemble, look

PRODUCTS = entity("products")
Json = dict[str, Any]


def _gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def _node(number: int, variants: int, media: int, metafields: int) -> Json:
    return {
        "id": _gid("Product", number),
        "title": f'a "__parentId":"{_gid("Product", 1)}" in a text',
        "variants": [
            {"id": _gid("ProductVariant", number * 100 + at), "position": at} for at in range(1, variants + 1)
        ],
        "media": [{"id": _gid("Video", number * 100 + at), "alt": ""} for at in range(media)],
        "metafields": [{"id": _gid("Metafield", number * 100 + at), "key": str(at)} for at in range(metafields)],
        "collections": [],
    }


def _lines(nodes: Iterable[Json]) -> list[bytes]:
    """As Shopify writes them: the record, then each of its children, slashes escaped."""
    found = []
    for node in nodes:
        found.append({key: value for key, value in node.items() if not isinstance(value, list)})
        for value in node.values():
            if isinstance(value, list):
                found += [{**item, "__parentId": node["id"]} for item in value]
    return [orjson.dumps(line).replace(b"/", b"\\/") + b"\n" for line in found]


def _read(path: Path, lines: list[bytes], size: int = 3, ordered: bool = False) -> tuple[list[Json], list[int], bool]:
    path.write_bytes(b"".join(lines))
    seen = look(path)
    parts = list(assemble(PRODUCTS, path, seen, size, ordered=ordered))
    assert (seen.count, seen.roots) == (len(lines), sum(b'__parentId":"' not in line for line in lines))
    return [n for part in parts for n in part.nodes], [i for part in parts for i in part.unordered], seen.grouped


NODES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3)), max_size=12).map(
    lambda counts: [_node(at, *each) for at, each in enumerate(counts, start=1)]
)


@given(NODES)
def test_grouped_lines(tmp_path_factory: pytest.TempPathFactory, nodes: list[Json]) -> None:
    found, unordered, grouped = _read(tmp_path_factory.mktemp("lines") / "file", _lines(nodes), ordered=True)
    assert grouped
    assert (found, unordered) == (nodes, [])


@given(NODES, st.integers(0, 1000))
def test_lines_in_any_order(tmp_path_factory: pytest.TempPathFactory, nodes: list[Json], seed: int) -> None:
    """Children before their parents, and far from them. Where the order of a list can't be known, that is said."""
    lines = _lines(nodes)
    random.Random(seed).shuffle(lines)
    found, unordered, _ = _read(tmp_path_factory.mktemp("lines") / "file", lines)
    assert sorted(unordered) == [at for at, node in enumerate(nodes, start=1) if len(node["media"]) > 1]
    nodes = [node for node in nodes if len(node["media"]) < 2]
    assert sorted(found, key=lambda node: int(node["id"].rpartition("/")[2])) == nodes


def test_many_heaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembling, "_HEAP_BYTES", 1000)
    nodes = [_node(at, 3, at % 2, 2) for at in range(1, 200)]
    found, _, _ = _read(tmp_path / "file", _lines(nodes)[::-1], size=10)
    assert sorted(found, key=lambda node: int(node["id"].rpartition("/")[2])) == nodes
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"id":"gid://shopify/Product/1"', "is no JSON"),
        (b"<html>", "is no JSON"),
        (b'["a"]', "holds no object"),
        (
            b'{"id":"gid://shopify/Metafield/7","__parentId":"gid://shopify/Product/99"}',
            "does not have|belongs to another",
        ),
        (b'{"id":"gid://shopify/Thing/7","__parentId":"gid://shopify/Product/2"}', "nobody asked for"),
        (b'{"key":"7","__parentId":"gid://shopify/Product/2"}', "nobody asked for"),
    ],
)
def test_a_line_that_is_wrong(tmp_path: Path, line: bytes, why: str, order: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"".join([*_lines([_node(1, 1, 0, 0), _node(2, 1, 0, 0)])[::order], line + b"\n"]))
    with pytest.raises(Unreachable, match="damaged") as raised:
        list(assemble(PRODUCTS, path, look(path), 10, ordered=True))
    assert raised.value.kind == "bulk_file"
    assert re.search(why, raised.value.why)


def test_every_connection_says_whose_its_nodes_are() -> None:
    """Without the types in their ids a line of the file would belong to nobody."""
    kinds = [kind for child in PRODUCTS.children if child.connection for kind in child.gid_types]
    assert all(child.gid_types for child in PRODUCTS.children if child.connection)
    assert len(kinds) == len(set(kinds))
