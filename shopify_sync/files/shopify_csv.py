"""Shopify's product CSV, read as a stream: one product in memory at a time.

The rows of a product follow each other and repeat its handle. The first has the product's own fields; each row may
add a variant, an image, or both. A product with anything wrong in it is left out as a whole.

A column that is missing says nothing; an empty cell of one that is there empties the field, as in Shopify's own import
(help.shopify.com, "Using CSV files to import and export products", on overwriting), but for what Shopify never leaves
empty: the vendor, the status, and flags.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import IO, Any

from shopify_sync.errors import UsageError
from shopify_sync.files import values
from shopify_sync.files.columns import KNOWN, SAYS_NOTHING, Header
from shopify_sync.files.items import BadValue, Parsed, Problem
from shopify_sync.records import Record

# A quote that is never closed would swallow the rest of the file; no description is longer than this.
_LONGEST_CELL = 1 << 20
# Letters that may be read a second time behind rows with a quote missing: a file of nothing else still ends.
_GO_BACK = 1 << 24
_PLAIN_HANDLE = re.compile(r"[\w-]+")
_OPTIONS = (1, 2, 3)


@dataclass(slots=True)
class _Block:
    """The rows of one product, as they come."""

    line: int
    handle: str
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    refused: Problem | None = None


class _Lines:
    """The file's lines. Those of the row that is being read are kept, so that it can go back to one of them."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream, self.number = stream, 0
        self.row: list[str] = []
        self._again: list[str] = []
        self._budget = _GO_BACK

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self.stream)
        self.number += 1
        self.row.append(line)
        return line

    def skip_to(self, begins: Callable[[str], bool]) -> None:
        """Leave this row's first line out, and all behind it up to one that `begins` a row."""
        for at, text in enumerate(self.row):
            if at and begins(text):
                self._give_again(self.row[at:])
                return
        for text in self:
            del self.row[1:]
            if begins(text):
                self._give_again([text])
                return

    def _give_again(self, lines: list[str]) -> None:
        self._budget -= sum(map(len, lines[1:]))
        if self._budget > 0:
            self._again += reversed(lines)
            self.number -= len(lines)


class ShopifyCsv:
    """Iterate over it; then `ignored` tells the columns with content that were not carried: {name: rows}."""

    def __init__(self, stream: IO[str], now: datetime) -> None:
        self.stream, self.now = stream, now
        self.ignored: dict[str, int] = {}

    def __iter__(self) -> Iterator[Parsed | Problem]:
        before = csv.field_size_limit(_LONGEST_CELL)
        try:
            yield from self._read()
        finally:
            csv.field_size_limit(before)

    def _read(self) -> Iterator[Parsed | Problem]:
        lines = _Lines(self.stream)
        rows = csv.reader(lines, strict=True)
        header = self._header(rows)
        seen: set[int] = set()
        block: _Block | None = None
        for line, row in self._rows(rows, lines, header):
            handle = row if isinstance(row, str) else header.cell(row, "handle").strip()
            if isinstance(row, str):
                if block is None or (handle and handle != block.handle):
                    if block is not None:
                        yield from self._finish(block, header, seen)
                    block = _Block(line, handle)
                block.refused = block.refused or _broken(line, lines, handle)
                continue
            if not handle:
                if any(cell.strip() for cell in row):
                    yield Problem(line, "", header.named("handle"), "the row has no handle")
                continue
            if block is None or handle != block.handle:
                if block is not None:
                    yield from self._finish(block, header, seen)
                block = _Block(line, handle)
            block.rows.append((line, row))
        if block is not None:
            yield from self._finish(block, header, seen)

    def _header(self, rows: Any) -> Header:
        try:
            header = Header(next(rows, []))
        except csv.Error:
            header = Header([])
        for key, shown in (("handle", "Handle"), ("title", "Title")):
            if key not in header:
                near = difflib.get_close_matches(shown.lower(), [n.lower() for n in header.names], 1, 0.5)
                hint = f"its nearest is {near[0]!r}" if near else f"it has: {', '.join(header.names[:8]) or 'nothing'}"
                raise UsageError(
                    f"the file has no column {shown!r}; {hint}",
                    why="it is no product CSV of Shopify's",
                    next=f"export products from the admin to see the form; known columns: {', '.join(KNOWN[:6])}, …",
                )
        return header

    def _rows(self, rows: Any, lines: _Lines, header: Header) -> Iterator[tuple[int, list[str] | str]]:
        """(line where the row begins, cells), or its handle as far as it can be told where the row can't be read."""
        while True:
            lines.row.clear()
            line = lines.number + 1
            try:
                yield line, next(rows)
            except StopIteration:
                return
            except csv.Error:
                # A quote too many opens a cell that swallows the rows behind it; one inside a text leaves the rest of
                # it to be taken for rows. Go on where a row surely begins.
                first = lines.row[0].split(",")
                lines.skip_to(lambda text: _begins_row(text, header))
                with suppress(IndexError):
                    yield line, first[header.place["handle"]].strip().strip('"')
                    continue
                yield line, ""

    def _finish(self, block: _Block, header: Header, seen: set[int]) -> Iterator[Parsed | Problem]:
        """The product of a block, or why there is none."""
        line, column = block.line, header.named("handle")
        try:
            handle = values.handle(column, block.handle)
            if hash(handle) in seen:
                raise BadValue(column, values.again(block.handle, handle))
            seen.add(hash(handle))
            if block.refused is not None:
                yield block.refused
                return
            product = _Product(header, self.now)
            for line, row in block.rows:  # noqa: B007 - the line is told when a row is refused
                product.add(row)
            record = product.record(handle)
        except BadValue as error:
            yield Problem(line, block.handle, error.column, error.message)
            return
        self._note_others(block, header)
        yield Parsed(block.line, handle, record, {} if "status" in header else {"status": "ACTIVE"})

    def _note_others(self, block: _Block, header: Header) -> None:
        for _, row in block.rows:
            for at, name in header.others.items():
                if at < len(row) and (text := row[at].strip()):
                    if text.lower() in SAYS_NOTHING.get(name.lower(), ()):
                        continue
                    self.ignored[name] = self.ignored.get(name, 0) + 1


def _broken(line: int, lines: _Lines, handle: str) -> Problem:
    lost = f"; lines {line:,} to {lines.number:,} are left out" if lines.number > line else ""
    return Problem(line, handle, "", f"the row can't be read: its quotes do not match{lost}")


def _begins_row(text: str, header: Header) -> bool:
    """Whether the line is a whole row, or one up to a cell with line breaks; not text that happens to have commas."""
    try:
        cells = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        at, cells = header.place["handle"], text.split(",")
        return (
            "end of data" in str(error) and at < len(cells) and _PLAIN_HANDLE.fullmatch(cells[at].strip()) is not None
        )
    return len(cells) == len(header.names) and _PLAIN_HANDLE.fullmatch(header.cell(cells, "handle")) is not None


class _Product:
    """One product being put together from its rows."""

    def __init__(self, header: Header, now: datetime) -> None:
        self.header, self.now = header, now
        self.fields: Record = {}
        self.option_names: list[str] = []
        self.variants: list[Record] = []
        self.media: list[Record] = []
        self.metafields: list[Record] = []
        self._chosen: set[tuple[tuple[str, str], ...]] = set()

    def _cell(self, row: Sequence[str], key: str) -> str:
        return values.clean(self.header.named(key), self.header.cell(row, key))

    def add(self, row: Sequence[str]) -> None:
        if len(row) > len(self.header.names) and any(cell.strip() for cell in row[len(self.header.names) :]):
            raise BadValue("", f"the row has {len(row)} cells, the header {len(self.header.names)}")
        first = not self.fields
        if first:
            self._head(row)
        if image := self._cell(row, "image"):
            self._image(row, image)
        if first or any(self._cell(row, key) for key in ("option1_value", "price", "sku")):
            self._variant(row, first=first)

    def _head(self, row: Sequence[str]) -> None:
        header = self.header
        title = self._cell(row, "title")
        if not title:
            raise BadValue(header.named("title"), "the product's first row has no title")
        self.fields["title"] = title
        for key in ("description_html", "vendor", "product_type", "seo_title", "seo_description", "template_suffix"):
            if key in header:
                self.fields[key] = self._cell(row, key) or None
        if not self.fields.get("vendor"):  # Shopify knows no product without: it takes the shop's name then
            self.fields.pop("vendor", None)
        if "tags" in header:
            self.fields["tags"] = values.tags(self._cell(row, "tags"))
        if "status" in header and (text := self._cell(row, "status")):
            self.fields["status"] = values.status(header.named("status"), text)
        if "is_gift_card" in header and (text := self._cell(row, "is_gift_card")):
            self.fields["is_gift_card"] = values.flag(header.named("is_gift_card"), text)
        if "published" in header and (text := self._cell(row, "published")):
            self.fields["published_at"] = self.now if values.flag(header.named("published"), text) else None
        for at in _OPTIONS:
            name = self._cell(row, f"option{at}_name")
            if not name and self._cell(row, f"option{at}_value") and at > 1:
                raise BadValue(header.named(f"option{at}_name"), "the option has a value and no name")
            if name in self.option_names:
                raise BadValue(header.named(f"option{at}_name"), f"the option {name!r} stands there twice")
            if name:
                self.option_names.append(name)
        for at, (namespace, key) in header.metafields.items():
            text = values.clean(header.names[at], row[at]) if at < len(row) else ""
            if text:
                kind = "multi_line_text_field" if "\n" in text else "single_line_text_field"
                self.metafields.append({"namespace": namespace, "key": key, "type": kind, "value": text})

    def _image(self, row: Sequence[str], url: str) -> None:
        source = values.address(self.header.named("image"), url)
        place = self._cell(row, "image_position")
        number = values.whole(self.header.named("image_position"), place) if place else len(self.media) + 1
        if any(item["source_url"] == source for item in self.media):
            return
        alt = self._cell(row, "image_alt") or None
        self.media.append({"source_url": source, "url": source, "alt": alt, "position": number, "media_type": "IMAGE"})

    def _variant(self, row: Sequence[str], *, first: bool) -> None:
        header = self.header
        chosen: dict[str, str] = {}
        for at, name in enumerate(self.option_names, start=1):
            value = self._cell(row, f"option{at}_value")
            if not value:
                if first and len(self.option_names) == 1 and not self._cell(row, "price"):
                    return  # a product whose variants begin on a later row
                raise BadValue(header.named(f"option{at}_value"), f"the variant has no value for {name!r}")
            chosen[name] = value
        if not self.option_names:
            if self.variants:
                raise BadValue(header.named("option1_value"), "a second variant needs an option with a name")
            chosen = {"Title": "Default Title"}
        if tuple(sorted(chosen.items())) in self._chosen:
            raise BadValue(
                header.named("option1_value"), f"the variant {' / '.join(chosen.values())!r} stands there twice"
            )
        self._chosen.add(tuple(sorted(chosen.items())))
        variant: Record = {"option_values": chosen, "position": len(self.variants) + 1}
        for key in ("sku", "barcode"):
            if key in header:
                variant[key] = self._cell(row, key).removeprefix("'") or None
        for key in ("price", "compare_at_price", "cost"):
            if key in header:
                text = self._cell(row, key)
                nothing = Decimal("0.00") if key == "price" else None
                variant[key] = values.money(header.named(key), text) if text else nothing
        for key in ("taxable", "requires_shipping"):
            if key in header and (text := self._cell(row, key)):
                variant[key] = values.flag(header.named(key), text)
        if "tracker" in header:
            variant["tracked"] = self._cell(row, "tracker").lower() == "shopify"
        if "policy" in header and (text := self._cell(row, "policy")):
            variant["inventory_policy"] = self._policy(text)
        if "grams" in header and (text := self._cell(row, "grams")):
            unit = self._cell(row, "weight_unit")
            variant["weight"], variant["weight_unit"] = values.weight(header.named("grams"), text, unit)
        self.variants.append(variant)

    def _policy(self, text: str) -> str:
        """Older files say deny or continue, current ones whether to continue."""
        if text.lower() in ("deny", "continue"):
            return text.upper()
        return "CONTINUE" if values.flag(self.header.named("policy"), text) else "DENY"

    def record(self, handle: str) -> Record:
        names = self.option_names or ["Title"]
        record = {"handle": handle, **self.fields}
        if self.variants:
            record["options"] = [
                {
                    "name": name,
                    "position": at,
                    "values": list(dict.fromkeys(variant["option_values"][name] for variant in self.variants)),
                }
                for at, name in enumerate(names, start=1)
            ]
            record["variants"] = self.variants
        if "image" in self.header:
            self.media.sort(key=lambda item: item["position"])
            for at, item in enumerate(self.media, start=1):
                item["position"] = at
            record["media"] = self.media
        if self.metafields:
            record["metafields"] = self.metafields
        return record
