"""A table's rows in sorted order, kept up to date as records change."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from typing import Any

Row = tuple[Any, int]


class SortedIndex:
    """Rows `(value, id)` in ascending order; equal values are in order of their ids, so paging is stable.

    `key(record)` gives the value; the values of one index must be comparable. Few changes are merged one by one,
    many lead to a new sort.
    """

    def __init__(self, key: Callable[[dict[str, Any]], Any]) -> None:
        self.rows: list[Row] = []
        self._key = key
        self._values: dict[int, Any] = {}
        self._pending: set[int] = set()

    def having(self, value: Any) -> list[int]:
        """The ids of the records with this value, ascending."""
        found = []
        for at in range(bisect_left(self.rows, (value,)), len(self.rows)):  # a shorter tuple sorts first
            if self.rows[at][0] != value:
                break
            found.append(self.rows[at][1])
        return found

    def changed(self, number: int) -> None:
        """Note that a record was put or dropped."""
        self._pending.add(number)

    def rebuild(self, table: Mapping[int, dict[str, Any]]) -> None:
        """Sort the table anew."""
        key = self._key
        self._values = {number: key(record) for number, record in table.items()}
        self.rows = sorted((value, number) for number, value in self._values.items())
        self._pending.clear()

    def refresh(self, table: Mapping[int, dict[str, Any]]) -> None:
        """Take in the noted changes."""
        if not self._pending:
            return
        if len(self._pending) > 64 and len(self._pending) > len(table) // 50:
            self.rebuild(table)
            return
        for number in self._pending:
            if number in self._values:
                row = (self._values.pop(number), number)
                del self.rows[bisect_left(self.rows, row)]
            record = table.get(number)
            if record is not None:
                value = self._values[number] = self._key(record)
                insort(self.rows, (value, number))
        self._pending.clear()
