"""JSON lines in the words of our tables: typed, complete, and each mistake told with its line."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from shopify_sync.entities import entity
from shopify_sync.files.jsonl import _CHILDREN, _PRODUCT
from tests.files.sheets import read, saved

MUG: dict[str, Any] = {"handle": "mug", "title": "Mug"}


def lines(*items: Any) -> bytes:
    return b"".join(orjson.dumps(item) + b"\n" for item in items)


def test_values_arrive_typed(tmp_path: Path) -> None:
    item = MUG | {
        "status": "draft",
        "tags": ["a", "b"],
        "published_at": "2026-11-01T02:00:00+02:00",
        "is_gift_card": False,
        "vendor": None,
        "options": [{"name": "Size", "position": 1, "values": ["S"]}],
        "variants": [
            {"price": "9.90", "cost": 4, "option_values": {"Size": "S"}, "weight": "0.5", "weight_unit": "KILOGRAMS"}
        ],
        "media": [{"source_url": "https://x.test/1.jpg", "alt": "line one\nline two"}],
        "metafields": [{"namespace": "custom", "key": "k", "type": "single_line_text_field", "value": "v"}],
    }
    (found,), problems, notes = read(saved(tmp_path, lines(item)))
    assert (problems, notes, found.line, found.key, found.defaults) == ([], [], 1, "mug", {})
    assert found.record == item | {
        "status": "DRAFT",
        "published_at": datetime(2026, 11, 1, tzinfo=UTC),
        "variants": [item["variants"][0] | {"price": Decimal("9.90"), "cost": Decimal(4), "weight": Decimal("0.5")}],
    }


def test_its_words_are_columns_of_our_tables() -> None:
    """And what it can say, the tables can hold."""
    products = entity("products")
    assert set(_PRODUCT) <= set(products.table.__table__.c.keys())  # type: ignore[attr-defined]
    for name, kinds in _CHILDREN.items():
        assert set(kinds) <= set(products.child[name].table.__table__.c.keys())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        (b"{nonsense", "", "not JSON"),
        (b'["mug"]', "", "no JSON object"),
        (orjson.dumps({"handle": "mug"}), "title", "needs a title"),
        (orjson.dumps({"title": "Mug"}), "handle", "needs a handle"),
        (orjson.dumps(MUG | {"prize": "1"}), "prize", "known are"),
        (orjson.dumps(MUG | {"title": 5}), "title", "wrong kind"),
        (orjson.dumps(MUG | {"title": "a\x00b"}), "title", "NUL"),
        (orjson.dumps(MUG | {"tags": "a,b"}), "tags", "wrong kind"),
        (orjson.dumps(MUG | {"published_at": "2026-11-01"}), "published_at", "needs a zone"),
        (orjson.dumps(MUG | {"status": "sold"}), "status", "is no status"),
        (orjson.dumps(MUG | {"variants": {}}), "variants", "list of objects"),
        (orjson.dumps(MUG | {"variants": [{}, {"price": 9.9}]}), "variants.1.price", "prices and weights as text"),
        (orjson.dumps(MUG | {"variants": [{"price": "-1"}]}), "variants.0.price", "is no price"),
        (orjson.dumps(MUG | {"variants": [{"weight_unit": "stone"}]}), "variants.0.weight_unit", "wrong kind"),
        (orjson.dumps(MUG | {"variants": [{"price": "1"}, {"price": "2"}]}), "variants", "same option values"),
        (b'{"handle": "mug", "title": "Caf\xe9"}', "", "not JSON"),
    ],
)  # fmt: skip
def test_a_bad_line_is_told_and_the_others_are_read(tmp_path: Path, line: bytes, column: str, says: str) -> None:
    content = lines(MUG | {"handle": "before"}) + b"\n" + line + b"\n" + lines(MUG | {"handle": "after"})
    records, (problem,), _ = read(saved(tmp_path, content), "jsonl")
    assert [(item.line, item.key) for item in records] == [(1, "before"), (4, "after")]
    assert (problem.line, problem.column, says in problem.message) == (3, column, True)


def test_a_handle_that_comes_again_is_told_and_the_first_one_counts(tmp_path: Path) -> None:
    records, (problem,), _ = read(saved(tmp_path, lines(MUG, MUG | {"title": "Other"})))
    assert [item.record["title"] for item in records] == ["Mug"]
    assert (problem.line, problem.key, problem.column) == (2, "mug", "handle")


def test_a_byte_order_mark_harms_nothing(tmp_path: Path) -> None:
    """Some editors write one; the form is found by the brace behind it, so the line has to be read as well."""
    records, problems, _ = read(saved(tmp_path, b"\xef\xbb\xbf" + lines(MUG, MUG | {"handle": "cup"})))
    assert ([item.key for item in records], problems) == (["mug", "cup"], [])


def test_line_separators_inside_texts_end_no_line(tmp_path: Path) -> None:
    """U+2028, U+0085 and the like are content in JSON."""
    (found,), problems, _ = read(saved(tmp_path, lines(MUG | {"description_html": "a\u2028b\u0085c\x0bd"})))
    assert (found.record["description_html"], problems) == ("a\u2028b\u0085c\x0bd", [])
