"""Product nodes of real stores, through the declaration into records and rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from graphql import FieldNode, InlineFragmentNode, get_named_type, is_composite_type, is_list_type, is_non_null_type
from graphql import parse as parse_document

from shopify_sync.entities import entity
from shopify_sync.records import Node
from shopify_sync.spec import record_of, row_maker
from shopify_sync.spec.documents import fields
from shopify_sync.spec.mapping import child_rows
from tests.shared import CAPTURES, admin_schema, needs_captures, needs_schema

PRODUCTS = entity("products")
_SCALARS = {
    "Boolean": True, "Int": 1, "Float": 1.5, "Decimal": "1.50", "Money": "1.50", "DateTime": "2026-11-01T02:03:04Z",
    "URL": "https://x.test/1",
}  # fmt: skip
# Selected for the sync itself, not for a column; an option value's id is there for the hash of the payload.
_NO_COLUMN = {"updatedAt", "options.optionValues.id"}
_ON = {"IMAGE": "MediaImage", "VIDEO": "Video", "EXTERNAL_VIDEO": "ExternalVideo", "MODEL_3D": "Model3d"}


class Watched(dict[str, Any]):
    """A node that writes down which of its scalars were asked for."""

    def __init__(self, found: Node, path: str, read: set[str]) -> None:
        super().__init__({key: self._watch(value, f"{path}{key}", read) for key, value in found.items()})
        self.path, self.read = path, read

    def _watch(self, value: Any, path: str, read: set[str]) -> Any:
        if isinstance(value, dict):
            return Watched(value, f"{path}.", read)
        return [self._watch(item, path, read) for item in value] if isinstance(value, list) else value

    def __getitem__(self, key: str) -> Any:
        self.read.add(self.path + key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(self.path + key)
        return super().get(key, default)


def completed(found: Any, selection: Any, kind: Any, *, fill: bool = False) -> dict[str, Any]:
    """What Shopify would answer to our selection: recorded values, and where the recording did not ask, what the
    schema allows (null, or with `fill` never null)."""
    answer: dict[str, Any] = {}
    for node in selection.selections:
        if isinstance(node, InlineFragmentNode):
            assert node.type_condition is not None
            on = node.type_condition.name.value
            if on == _ON.get(answer["mediaContentType"]):
                answer |= completed(found, node.selection_set, admin_schema().get_type(on), fill=fill)
            continue
        assert isinstance(node, FieldNode)
        name = node.name.value
        declared = kind.fields[name].type
        value = found.get(name)
        inner = get_named_type(declared)
        if inner.name.endswith("Connection"):
            asked = value or {}
            items = asked.get("nodes") or [edge["node"] for edge in asked.get("edges") or ()]
            items = items or ([{}] if fill else [])
            below: Any = next(n for n in node.selection_set.selections if n.name.value == "nodes")  # type: ignore[union-attr]
            of = get_named_type(inner.fields["nodes"].type)
            answer[name] = [completed(item, below.selection_set, of, fill=fill) for item in items]
        elif is_composite_type(inner):
            listed = is_list_type(declared.of_type if is_non_null_type(declared) else declared)
            if listed:
                items = value or ([{}] if fill else [])
                answer[name] = [completed(item, node.selection_set, inner, fill=fill) for item in items]
            elif value is None and not is_non_null_type(declared) and not fill:
                answer[name] = None
            else:
                answer[name] = completed(value or {}, node.selection_set, inner, fill=fill)
        elif value is None and (fill or is_non_null_type(declared)):
            answer[name] = _scalar(inner, name, kind.name, listed="[" in str(declared))
        else:
            answer[name] = value
    return answer


def _scalar(inner: Any, name: str, on: str, *, listed: bool) -> Any:
    if inner.name == "ID":
        return f"gid://shopify/{on}/1"
    if values := getattr(inner, "values", None):
        one = "IMAGE" if name == "mediaContentType" else next(iter(values))
    else:
        one = _SCALARS.get(inner.name, "text")
    return [one] if listed else one


def recorded() -> Iterator[tuple[str, Node]]:
    """Every product that some answer of the recordings shows, with its file."""

    def walk(value: Any) -> Iterator[Node]:
        if isinstance(value, dict):
            if str(value.get("id", "")).startswith("gid://shopify/Product/") and "?" not in value["id"]:
                yield value
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from walk(item)

    def answers(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from (walk(item) if key == "data" else answers(item))
        elif isinstance(value, list):
            for item in value:
                yield from answers(item)

    for path in sorted((CAPTURES / "products").glob("*.json")):
        for node in answers(orjson.loads(path.read_bytes())):
            yield path.name, node


def _selection() -> Any:
    parsed: Any = parse_document(f"{{ product {{ {fields(PRODUCTS)} }} }}")
    return parsed.definitions[0].selection_set.selections[0].selection_set


def _through(node: Node) -> tuple[dict[str, Any], dict[str, list[tuple[Any, ...]]]]:
    rows = {"": [row_maker(PRODUCTS.columns)(node)]}
    for child in PRODUCTS.children:
        rows[child.name] = child_rows(child, node, row_maker(child.columns))
    return record_of(PRODUCTS, node), rows


def _leaves(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for item in value:
            yield from _leaves(item, path)
    else:
        yield path


@needs_schema
@needs_captures
def test_every_recorded_product_becomes_a_record_and_rows() -> None:
    """Nothing raises, every selected field is read by both readings, and recorded values arrive unchanged."""
    selection, kind = _selection(), admin_schema().get_type("Product")
    count = 0
    for name, found in recorded():
        node = completed(found, selection, kind)
        for reading in (lambda n: record_of(PRODUCTS, n), _through):
            read: set[str] = set()
            reading(Watched(node, "", read))
            assert set(_leaves(node)) - _NO_COLUMN <= read, name
        record, rows = _through(node)
        for child in PRODUCTS.children:
            assert len(record[child.name]) == len(rows[child.name]) == len(node[child.path]), name
        for column in PRODUCTS.columns:
            plain = column.maps.path
            if "." not in plain and plain in found and plain not in {"id", "createdAt", "publishedAt"}:
                assert record[column.name] == found[plain], (name, plain)
        count += 1
    assert count > 100


@needs_schema
@pytest.mark.parametrize("media", ["IMAGE", "VIDEO", "EXTERNAL_VIDEO", "MODEL_3D"])
def test_every_selected_field_of_a_full_product_is_read(media: str) -> None:
    """A product with a value everywhere: no field is asked of Shopify in vain, and no column stays empty."""
    selection, kind = _selection(), admin_schema().get_type("Product")
    node = completed({"media": {"nodes": [{"mediaContentType": media}]}}, selection, kind, fill=True)
    read: set[str] = set()
    record = record_of(PRODUCTS, Watched(node, "", read))
    assert set(_leaves(node)) - _NO_COLUMN - read == set()
    for child in PRODUCTS.children:
        (item,) = record[child.name]
        assert not [column for column, value in item.items() if value is None], child.name
