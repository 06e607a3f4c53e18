"""Readers of import files: rows in, records in our words out, each with the line it began on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shopify_sync.records import Record


@dataclass(frozen=True, slots=True)
class Parsed:
    """One record of a file. `line` is where it begins, `key` its natural key."""

    line: int
    key: str
    record: Record


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something of a file was left out. `column` may be empty."""

    line: int
    key: str
    column: str
    message: str

    def as_json(self) -> dict[str, Any]:
        return {"line": self.line, "record": self.key, "column": self.column, "message": self.message}
