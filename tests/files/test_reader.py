"""Opening a file: its form and its encoding are found out, and its size costs no memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopify_sync.errors import UsageError
from shopify_sync.files import FileReader, Parsed
from tests.files.sheets import NOW, read, saved, sheet

CSV = sheet([{"Handle": "mug", "Title": "Mug"}])
JSONL = '{"handle": "mug", "title": "Mug"}\n'


@pytest.mark.parametrize(
    ("content", "name"), [(CSV, "a.csv"), (JSONL, "a.jsonl"), (CSV, "a.txt"), ("\n  " + JSONL, "a.csv")]
)
def test_the_form_is_found_by_what_a_file_holds(tmp_path: Path, content: str, name: str) -> None:
    """Not by its name."""
    records, problems, _ = read(saved(tmp_path, content, name))
    assert ([item.key for item in records], problems) == (["mug"], [])


@pytest.mark.parametrize(
    ("content", "format", "says"),
    [
        (b"", None, "is empty"),
        (b" \n\n", None, "is empty"),
        (CSV.encode(), "xlsx", "there is no format 'xlsx'"),
        (b"\xff\xfe" + CSV.encode("utf-16-le")[:-1], None, "encoding"),
        (b"PK\x03\x04\x14\x00\x00\x00", None, "no column 'Handle'"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_a_usage_error(
    tmp_path: Path, content: bytes, format: str | None, says: str
) -> None:
    with pytest.raises(UsageError) as raised:
        read(saved(tmp_path, content), format)
    assert (says in raised.value.what, raised.value.exit_code) == (True, 2), raised.value.what
    assert raised.value.next


def test_a_path_that_leads_to_no_file_is_a_usage_error(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(UsageError, match="can't be read"):
            read(path)


def _csv_rows(count: int) -> Iterator[str]:
    yield "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant Price,Image Src\r\n"
    text = "<p>" + "words " * 80 + "</p>"
    for number in range(count):
        yield f"p-{number},Product {number},{text},Size,S,1.00,https://x.test/{number}.jpg\r\n"
        yield f"p-{number},,,,M,2.00,\r\n"


def _jsonl_rows(count: int) -> Iterator[str]:
    text = "<p>" + "words " * 80 + "</p>"
    for number in range(count):
        yield f'{{"handle":"p-{number}","title":"Product {number}","description_html":"{text}"}}\n'


@pytest.mark.parametrize("made", [_csv_rows, _jsonl_rows])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, made: object) -> None:
    """Ten times the products: the same peak, but for one number a handle."""
    peaks = []
    for count in (300, 3000):
        path = tmp_path / f"{count}.txt"
        with path.open("w", newline="") as out:
            out.writelines(made(count))  # type: ignore[operator]
        tracemalloc.start()
        try:
            found = sum(isinstance(item, Parsed) for item in FileReader(path, now=NOW))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert found == count
    a_handle = 150  # an int and its place in a set, which is resized by doubling
    assert peaks[1] - peaks[0] <= 2700 * a_handle, peaks
