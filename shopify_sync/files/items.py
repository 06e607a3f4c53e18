"""What a reader gives: records, and what is wrong with the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shopify_sync.records import Record


def printable(text: str) -> str:
    """A text of the file for messages: bytes that are not in its encoding (surrogates) become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Parsed:
    """One record of a file. `line` is where it begins, `key` its natural key.

    `record` holds only what the file says; `defaults` is what a new record gets besides.
    """

    line: int
    key: str
    record: Record
    defaults: Record = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something of a file was left out. `column` may be empty, `key` is printable whatever the file holds."""

    line: int
    key: str
    column: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", printable(self.key))

    def as_json(self) -> dict[str, Any]:
        return {"line": self.line, "record": self.key, "column": self.column, "message": self.message}


class BadValue(ValueError):
    """A cell that can't be what its column holds."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message
