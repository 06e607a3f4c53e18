"""Files with something wrong in them: what is valid is read, the rest is told with its line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shopify_sync.files import FileReader, Parsed, Problem

HEADER = "Handle,Title,Option1 Name,Option1 Value,Variant Price,Variant Grams"


def read(folder: Path, *rows: str, header: str = HEADER) -> tuple[list[str], list[Problem]]:
    """(handles of the products that were read, problems)"""
    file = folder / "file.csv"
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return read_file(file)


def read_file(file: Path) -> tuple[list[str], list[Problem]]:
    items = list(FileReader(file, now=datetime(2026, 11, 24, tzinfo=UTC)))
    problems = [item for item in items if isinstance(item, Problem)]
    return [item.key for item in items if isinstance(item, Parsed)], problems


@pytest.mark.parametrize("grams", ["1e999999", "9" * 40, "1e18"])
def test_a_weight_beyond_all_bounds_is_told_with_its_line(tmp_path: Path, grams: str) -> None:
    handles, problems = read(tmp_path, f"a,A,,,1,{grams}", "b,B,,,1,5")
    assert handles == ["b"]
    assert [(p.line, p.key, p.column) for p in problems] == [(2, "a", "Variant Grams")]


@pytest.mark.parametrize("price", ["9" * 40, "١٢", "NaN", "-1", "1e3"])
def test_a_price_that_shopify_would_refuse_is_told_with_its_line(tmp_path: Path, price: str) -> None:
    handles, problems = read(tmp_path, f"a,A,,,{price},", "b,B,,,1,")
    assert handles == ["b"]
    assert [(p.line, p.column) for p in problems] == [(2, "Variant Price")]


@pytest.mark.parametrize("price", ['"1e999999"', '"1e-999999"', '"-1"', "-1", "1" + "0" * 18])
def test_jsonl_takes_no_amount_beyond_all_bounds(tmp_path: Path, price: str) -> None:
    file = tmp_path / "file.jsonl"
    file.write_text(f'{{"handle": "a", "title": "A", "variants": [{{"price": {price}}}]}}\n')
    handles, problems = read_file(file)
    assert handles == []
    assert [(p.line, p.column) for p in problems] == [(1, "variants.0.price")]


@pytest.mark.parametrize("rows", [("c,C,,,1,", 'd,"D",,,1,', "e,E,,,1,"), ("c,C,,,1,",)])
def test_a_quote_that_is_never_closed_costs_its_own_row_only(tmp_path: Path, rows: tuple[str, ...]) -> None:
    """Whether or not another quote further down ends it."""
    handles, problems = read(tmp_path, "a,A,,,1,", 'b,"B,,,1,', *rows)
    assert handles == ["a", *(row[0] for row in rows)]
    assert [(p.line, p.key) for p in problems] == [(3, "b")]
    assert "quotes" in problems[0].message


def test_a_product_with_an_unreadable_row_is_left_out_whole(tmp_path: Path) -> None:
    """The broken row belongs to the product that its first line names, not to where the reader gave up."""
    rows = ("a,A,Size,S,1,", 'a,,,"M,1,', "b,B,,,1,", 'c,"C",,,1,')
    handles, problems = read(tmp_path, *rows)
    assert handles == ["b", "c"]
    assert [(p.line, p.key) for p in problems] == [(3, "a")]


def test_text_with_commas_behind_a_lost_quote_does_not_become_a_product(tmp_path: Path) -> None:
    handles, problems = read(
        tmp_path,
        'a,"A with a ""quote"" that is lost" here,,,1,',
        'b,"B" begins',
        "foo, some text, in six, parts,",
        'with spaces in, it, and, six, of," them',
        "c,C,,,1,",
    )
    assert handles == ["c"]
    assert problems[0].line == 2
    assert {p.line for p in problems} <= {2, 3, 4, 5}


def test_lines_lost_with_an_open_quote_are_counted(tmp_path: Path) -> None:
    _, problems = read(tmp_path, 'a,"A', "more text", "more text", header="Handle,Title")
    assert [(p.line, p.key) for p in problems] == [(2, "a")]
    assert "lines 2 to 4" in problems[0].message


def test_line_numbers_hold_behind_cells_with_line_breaks_and_going_back(tmp_path: Path) -> None:
    rows = ('a,"A\nsecond\nthird",,,1,', 'b,"B,,,1,', "c,C,,,1,", 'd,"D",,,1,', "e,E,,,x,")
    handles, problems = read(tmp_path, *rows)
    assert handles == ["a", "c", "d"]
    assert [(p.line, p.key) for p in problems] == [(5, "b"), (8, "e")]


def test_a_row_with_line_breaks_behind_a_broken_one_is_read(tmp_path: Path) -> None:
    handles, problems = read(tmp_path, 'a,"A" is,,,1,', 'b,"B\nwith\nbreaks",,,1,', "c,C,,,1,")
    assert handles == ["b", "c"]
    assert [(p.line, p.key) for p in problems] == [(2, "a")]


def test_going_back_is_bounded(tmp_path: Path) -> None:
    """Each second line opens a quote that only the end of the file closes: no time that grows with its square."""
    handles, problems = read(tmp_path, *(f'x{at},a","\np{at},P,,,1,' for at in range(20_000)))
    assert handles
    assert any(p.message.endswith("to 40,001 are left out") for p in problems)


def test_handles_that_shopify_spells_alike_are_one(tmp_path: Path) -> None:
    """They would be one product there, and the second import of the file would make new ones here."""
    handles, problems = read(tmp_path, "Case-Handle,A,,,1,", "case-handle,B,,,1,", "c,C,,,1,", "Case Handle,D,,,1,")
    assert handles == ["case-handle", "c"]
    assert [(p.line, p.key, p.column) for p in problems] == [(3, "case-handle", "Handle"), (5, "Case Handle", "Handle")]
    assert problems[1].message == "the handle stands further up already (Shopify spells it 'case-handle')"


def test_a_handle_of_which_nothing_is_left_is_told(tmp_path: Path) -> None:
    handles, problems = read(tmp_path, "!!!,A,,,1,", "b,B,,,1,")
    assert (handles, [(p.line, p.column) for p in problems]) == (["b"], [(2, "Handle")])


def test_jsonl_spells_handles_as_shopify_does(tmp_path: Path) -> None:
    file = tmp_path / "file.jsonl"
    file.write_text('{"handle": "A B", "title": "A"}\n{"handle": "a-b", "title": "B"}\n{"handle": "?", "title": "C"}\n')
    handles, problems = read_file(file)
    assert (handles, [(p.line, p.key, p.column) for p in problems]) == (
        ["a-b"],
        [(2, "a-b", "handle"), (3, "?", "handle")],
    )
