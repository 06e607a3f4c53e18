"""Opening an import file: which form it has, in which encoding, and what was not carried."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from shopify_sync.errors import UsageError
from shopify_sync.files.items import Parsed, Problem
from shopify_sync.files.jsonl import JsonLines
from shopify_sync.files.shopify_csv import ShopifyCsv

FORMATS = ("shopify-csv", "jsonl")
_STOCK = {"variant inventory qty", "inventory quantity"}


class FileReader:
    """Iterate over it for `Parsed | Problem` in the file's order; then `notes` tells what was not carried.

    Memory is bounded by one product (and a number for each handle). Raises UsageError (exit 2) for a file that can't
    be read at all.
    """

    def __init__(self, path: Path, *, format: str | None = None, now: datetime) -> None:
        if format is not None and format not in FORMATS:
            raise UsageError(f"there is no format {format!r}", next=f"choose one of: {', '.join(FORMATS)}")
        self.path, self.format, self.now = path, format, now
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Parsed | Problem]:
        try:
            with self.path.open("rb") as raw:
                yield from self._read(raw)
        except OSError as error:
            raise UsageError(f"{self.path} can't be read: {error.strerror}", next="check the path") from None
        except UnicodeError:
            raise UsageError(f"{self.path} is not in the encoding that it says", next="save it as UTF-8") from None

    def _read(self, raw: IO[bytes]) -> Iterator[Parsed | Problem]:
        start = raw.read(4096)
        if not start.strip():
            raise UsageError(f"{self.path} is empty", next="check the path")
        kind = self.format or ("jsonl" if start.lstrip(codecs.BOM_UTF8).lstrip()[:1] == b"{" else "shopify-csv")
        if kind == "jsonl":
            raw.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)
            yield from JsonLines(raw)
            return
        raw.seek(0)
        # Bytes that are no UTF-8 survive as surrogates, so that they can be told with their line.
        with io.TextIOWrapper(raw, encoding=_encoding(start), errors="surrogateescape", newline="") as text:
            reader = ShopifyCsv(text, self.now)
            yield from reader
        for name, rows in sorted(reader.ignored.items()):
            why = "stock is not imported yet" if name.lower() in _STOCK else "not carried"
            self.notes.append(f"column {name!r}: content in {rows:,} rows, {why}")


def _encoding(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"
