"""Shopify's product CSV: what each row means, and what is told about a row that means nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from shopify_sync.errors import UsageError
from tests.files.sheets import NEW, NOW, OLD, read, saved, sheet

FIRST = (
    "linen-shirt", "Linen shirt", "<p>Airy</p>", "Mill", "Shirts", "summer, linen, summer", "TRUE", "Size", "S",
    "Colour", "Red", "LS-1", "250", "shopify", "continue", "49.90", "60", "TRUE", "FALSE", "'0012345", "https://x.test/1.jpg",
    "2", "Front", "FALSE", "Shirt | Mill", "A shirt", "g", "12.5", "draft",
)  # fmt: skip
SECOND = (
    "linen-shirt", "", "", "", "", "", "", "", "M", "", "Red", "LS-2", "1250", "", "deny", "51", "", "FALSE", "TRUE",
    "", "https://x.test/2.jpg", "1", "", "", "", "", "kg", "", "",
)  # fmt: skip
RECORD = {
    "handle": "linen-shirt",
    "title": "Linen shirt",
    "description_html": "<p>Airy</p>",
    "vendor": "Mill",
    "product_type": "Shirts",
    "seo_title": "Shirt | Mill",
    "seo_description": "A shirt",
    "tags": ["summer", "linen"],
    "status": "DRAFT",
    "is_gift_card": False,
    "published_at": NOW,
    "options": [
        {"name": "Size", "position": 1, "values": ["S", "M"]},
        {"name": "Colour", "position": 2, "values": ["Red"]},
    ],
    "variants": [
        {
            "option_values": {"Size": "S", "Colour": "Red"},
            "position": 1,
            "sku": "LS-1",
            "barcode": "0012345",
            "price": Decimal("49.90"),
            "compare_at_price": Decimal(60),
            "cost": Decimal("12.5"),
            "taxable": False,
            "requires_shipping": True,
            "tracked": True,
            "inventory_policy": "CONTINUE",
            "weight": Decimal(250),
            "weight_unit": "GRAMS",
        },
        {
            "option_values": {"Size": "M", "Colour": "Red"},
            "position": 2,
            "sku": "LS-2",
            "barcode": None,
            "price": Decimal(51),
            "compare_at_price": None,
            "cost": None,
            "taxable": True,
            "requires_shipping": False,
            "tracked": False,
            "inventory_policy": "DENY",
            "weight": Decimal("1.25"),
            "weight_unit": "KILOGRAMS",
        },
    ],
    "media": [
        {"source_url": "https://x.test/2.jpg", "url": "https://x.test/2.jpg", "alt": None, "position": 1,
         "media_type": "IMAGE"},
        {"source_url": "https://x.test/1.jpg", "url": "https://x.test/1.jpg", "alt": "Front", "position": 2,
         "media_type": "IMAGE"},
    ],
}  # fmt: skip
SHORT = {"Handle": "mug", "Title": "Mug", "Variant Price": "5"}


def rows(columns: tuple[str, ...]) -> list[dict[str, str]]:
    return [dict(zip(columns, cells, strict=True)) for cells in (FIRST, SECOND)]


@pytest.mark.parametrize("columns", [OLD, NEW], ids=["older", "current"])
def test_every_column_is_read_under_its_older_and_its_current_name(tmp_path: Path, columns: tuple[str, ...]) -> None:
    (found,), problems, notes = read(saved(tmp_path, sheet(rows(columns))))
    assert (problems, notes) == ([], [])
    assert (found.line, found.key, found.defaults) == (2, "linen-shirt", {})
    assert found.record == RECORD


def test_continue_selling_is_told_in_both_ways(tmp_path: Path) -> None:
    """Older files say `deny` or `continue`, current ones whether to continue."""
    column = "Continue selling when out of stock"
    texts = {"a": "deny", "b": "continue", "c": "TRUE", "d": "false", "e": "Continue"}
    listed = [{"Handle": handle, "Title": "x", column: text} for handle, text in texts.items()]
    records, _, _ = read(saved(tmp_path, sheet(listed)))
    found = {item.key: item.record["variants"][0]["inventory_policy"] for item in records}
    assert found == {"a": "DENY", "b": "CONTINUE", "c": "CONTINUE", "d": "DENY", "e": "CONTINUE"}


def test_the_order_and_the_case_of_columns_do_not_matter(tmp_path: Path) -> None:
    listed = [{name.upper(): value for name, value in reversed(row.items())} for row in rows(OLD)]
    (found,), problems, _ = read(saved(tmp_path, sheet(listed)))
    assert (found.record, problems) == (RECORD, [])


def test_only_what_the_file_says_is_in_the_record(tmp_path: Path) -> None:
    """A column that is absent leaves a product as it is; the defaults are for new products alone."""
    (found,), _, _ = read(saved(tmp_path, sheet([{"Handle": "mug", "Title": "Mug"}])))
    assert found.defaults == {"status": "ACTIVE"}
    assert found.record == {
        "handle": "mug",
        "title": "Mug",
        "options": [{"name": "Title", "position": 1, "values": ["Default Title"]}],
        "variants": [{"option_values": {"Title": "Default Title"}, "position": 1}],
    }


@pytest.mark.parametrize(
    ("column", "text", "says"),
    [
        ("Variant Price", "12,50", "is no price"),
        ("Variant Price", "-1", "is no price"),
        ("Variant Price", "1e3", "is no price"),
        ("Variant Compare At Price", "$9", "is no price"),
        ("Variant Grams", "heavy", "is no weight"),
        ("Variant Grams", "NaN", "is no weight"),
        ("Variant Taxable", "perhaps", "neither true nor false"),
        ("Published", "soon", "neither true nor false"),
        ("Variant Inventory Policy", "sometimes", "neither true nor false"),
        ("Status", "sold", "is no status"),
        ("Image Src", "C:\\pictures\\1.jpg", "is no image URL"),
        ("Title", "", "has no title"),
        ("Variant SKU", "A\x00B", "NUL byte"),
    ],
)
def test_a_bad_cell_is_told_with_line_record_and_column_and_the_others_are_read(
    tmp_path: Path, column: str, text: str, says: str
) -> None:
    good = SHORT | {"Title": "Good"}
    bad = {"Handle": "bad", "Title": "Bad"} | {column: text}
    listed = [good | {"Handle": "before"}, {"Handle": "bad", "Title": "Bad"} | bad, good | {"Handle": "after"}]
    records, problems, _ = read(saved(tmp_path, sheet(listed)))
    assert [item.key for item in records] == ["before", "after"]
    ((line, key, name, message),) = [(p.line, p.key, p.column, p.message) for p in problems]
    assert (line, key, name) == (3, "bad", column)
    assert says in message


def test_a_bad_row_of_a_product_is_told_with_its_own_line_and_leaves_the_whole_product_out(tmp_path: Path) -> None:
    listed = [*rows(OLD), SHORT]
    listed[1] = listed[1] | {"Variant Price": "free"}
    records, (problem,), _ = read(saved(tmp_path, sheet(listed, OLD)))
    assert [item.key for item in records] == ["mug"]
    assert (problem.line, problem.key, problem.column) == (3, "linen-shirt", "Variant Price")


@pytest.mark.parametrize(
    ("second", "column", "says"),
    [
        ({"Option1 Value": "S"}, "Option1 Value", "stands there twice"),
        ({"Variant Price": "5"}, "Option1 Value", "has no value for 'Size'"),
    ],
)
def test_variants_that_cannot_be_told_apart_are_refused(
    tmp_path: Path, second: dict[str, str], column: str, says: str
) -> None:
    listed = [SHORT | {"Option1 Name": "Size", "Option1 Value": "S"}, {"Handle": "mug"} | second]
    records, (problem,), _ = read(saved(tmp_path, sheet(listed)))
    assert (records, problem.line, problem.column, says in problem.message) == ([], 3, column, True)


def test_a_second_variant_needs_an_option(tmp_path: Path) -> None:
    records, (problem,), _ = read(saved(tmp_path, sheet([SHORT, {"Handle": "mug", "Variant Price": "6"}])))
    assert (records, problem.line, "needs an option" in problem.message) == ([], 3, True)


def test_a_row_longer_than_the_header_is_refused(tmp_path: Path) -> None:
    """The usual trace of an unquoted comma; what would be cut off is not guessed at."""
    text = sheet([SHORT]) + "cup,Cup, nice one,4\r\n" + "jar,Jar,3,\r\n"
    records, (problem,), _ = read(saved(tmp_path, text))
    assert [item.key for item in records] == ["mug", "jar"]
    assert (problem.line, problem.key, problem.message) == (3, "cup", "the row has 4 cells, the header 3")


def test_a_row_without_a_handle_is_told_and_an_empty_one_is_not(tmp_path: Path) -> None:
    text = sheet([SHORT]) + ",Nobody,3\r\n" + ",,\r\n" + "jar,Jar,3\r\n"
    records, (problem,), _ = read(saved(tmp_path, text))
    assert [item.key for item in records] == ["mug", "jar"]
    assert (problem.line, problem.column, problem.message) == (3, "Handle", "the row has no handle")


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (("Title", "Price"), "no column 'Handle'"),
        (("Handle", "Price"), "no column 'Title'"),
        (("Handel", "Title"), "its nearest is 'handel'"),
        (("Name", "Amount"), "it has: Name, Amount"),
    ],
)
def test_a_missing_column_is_a_usage_error_that_names_it(tmp_path: Path, columns: tuple[str, ...], says: str) -> None:
    path = saved(tmp_path, ",".join(columns) + "\r\na,b\r\n")
    with pytest.raises(UsageError) as raised:
        read(path, "shopify-csv")
    assert (says in raised.value.what, raised.value.exit_code) == (True, 2)


def test_a_handle_that_comes_again_is_told_and_the_first_one_counts(tmp_path: Path) -> None:
    listed = [SHORT, SHORT | {"Handle": "cup"}, SHORT | {"Title": "Another mug"}]
    records, (problem,), _ = read(saved(tmp_path, sheet(listed)))
    assert [(item.key, item.record["title"]) for item in records] == [("mug", "Mug"), ("cup", "Mug")]
    assert (problem.line, problem.key, problem.column) == (4, "mug", "Handle")
    assert "further up" in problem.message


def test_image_only_rows_add_images_and_no_variants(tmp_path: Path) -> None:
    """Also between the variants, twice the same address once, and in the order of `Image Position`."""
    picture = {"Handle": "mug", "Image Src": "https://x.test/2.jpg", "Image Position": "3", "Image Alt Text": "Side"}
    listed = [
        SHORT | {"Option1 Name": "Size", "Option1 Value": "S", "Image Src": "https://x.test/1.jpg"},
        picture,
        {"Handle": "mug", "Option1 Value": "M", "Variant Price": "6"},
        picture,
        {"Handle": "mug", "Image Src": "https://x.test/3.jpg", "Image Position": "2"},
    ]
    (found,), problems, _ = read(saved(tmp_path, sheet(listed)))
    assert problems == []
    assert [variant["option_values"] for variant in found.record["variants"]] == [{"Size": "S"}, {"Size": "M"}]
    assert [(item["position"], item["source_url"][-5:], item["alt"]) for item in found.record["media"]] == [
        (1, "1.jpg", None),
        (2, "3.jpg", None),
        (3, "2.jpg", "Side"),
    ]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_breaks_in_cells_are_kept_and_lines_are_counted_as_an_editor_does(tmp_path: Path, end: str) -> None:
    """The line told is where the row begins, whatever the file's line ends."""
    listed = [
        SHORT | {"Body (HTML)": "<p>one</p>\n<p>two</p>\n\n<p>\u2028three</p>"},
        {"Handle": "cup", "Title": "Cup", "Variant Price": "oops"},
    ]
    (found,), (problem,), _ = read(saved(tmp_path, sheet(listed, end=end)))
    assert found.record["description_html"] == "<p>one</p>\n<p>two</p>\n\n<p>\u2028three</p>"
    assert (problem.key, problem.line) == ("cup", 6)


def test_a_cell_that_is_not_utf_8_is_told_with_its_column(tmp_path: Path) -> None:
    """A file saved in an old Windows encoding: what is plain ASCII in it is still read."""
    listed = [SHORT, {"Handle": "cafe", "Title": "Café"}, {"Handle": "jar", "Title": "Jar"}]
    records, (problem,), _ = read(saved(tmp_path, sheet(listed).encode("cp1252")))
    assert [item.key for item in records] == ["mug", "jar"]
    assert (problem.line, problem.key, problem.column) == (3, "cafe", "Title")
    assert "UTF-8" in problem.message


def test_what_is_told_of_a_file_in_another_encoding_can_be_printed(tmp_path: Path) -> None:
    """Handles and names of columns are part of messages, which go to a terminal and into JSON."""
    listed = [{"Handle": "café", "Title": "Café"}, {"Handle": "cup", "Title": "Cup", "Größe": "9"}]
    _, (problem,), (note,) = read(saved(tmp_path, sheet(listed).encode("cp1252")))
    assert (problem.line, problem.key) == (2, "caf\ufffd")
    assert note.startswith("column 'Gr\ufffd\ufffde'")
    with pytest.raises(UsageError) as raised:
        read(saved(tmp_path, "Schlüssel,Titel\r\n".encode("cp1252")), "shopify-csv")
    "".join((*orjson.loads(orjson.dumps(problem.as_json())), raised.value.what, note)).encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_as_spreadsheets_save_them(tmp_path: Path, encoding: str) -> None:
    """With or without a byte order mark."""
    records, problems, _ = read(saved(tmp_path, sheet([SHORT | {"Title": "Tasse «Größe» 陶器 👕"}]).encode(encoding)))
    assert problems == []
    assert [(item.key, item.record["title"]) for item in records] == [("mug", "Tasse «Größe» 陶器 👕")]


def test_metafields_come_from_their_columns(tmp_path: Path) -> None:
    listed = [
        SHORT
        | {"Material (product.metafields.custom.material)": "Clay", "Care (product.metafields.my-app.care)": "a\nb"}
        | {"Empty (product.metafields.custom.none)": ""}
    ]
    (found,), _, notes = read(saved(tmp_path, sheet(listed)))
    assert notes == []
    assert found.record["metafields"] == [
        {"namespace": "custom", "key": "material", "type": "single_line_text_field", "value": "Clay"},
        {"namespace": "my-app", "key": "care", "type": "multi_line_text_field", "value": "a\nb"},
    ]


def test_what_is_not_carried_is_told(tmp_path: Path) -> None:
    """Per column, with how many rows have something in it; what says nothing is not worth a note."""
    listed = [
        SHORT | {"Variant Inventory Qty": "3", "Google Shopping / Gender": "unisex", "Variant Tax Code": ""},
        SHORT | {"Handle": "cup", "Variant Inventory Qty": "0", "Variant Fulfillment Service": "manual"},
    ]
    _, _, notes = read(saved(tmp_path, sheet(listed)))
    assert notes == [
        "column 'Google Shopping / Gender': content in 1 rows, not carried",
        "column 'Variant Inventory Qty': content in 2 rows, stock is not imported yet",
    ]
