"""One product as the model sees it: what each side has, what both may last have agreed on, and what is allowed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.convergence.views import LISTS, Side, Value

# (list or "", number of the element or 0, column; "" for the element itself); (ORDER, 0, list) for a list's order
Path: TypeAlias = tuple[str, int, str]
Fields: TypeAlias = dict[Path, Value]
ORDER = "order"
_ASIDE = re.compile(r"(.*)-\d+-stepped-aside")


class Broken(AssertionError):
    """A promise was not kept; the text says which."""


@dataclass
class Keys:
    """Numbers for the elements of one product's lists that stay the same while rows and Shopify ids come and go."""

    by_row: dict[tuple[str, int], int] = field(default_factory=dict)
    by_number: dict[tuple[str, int], int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    _next: int = 0

    def of(self, child: str, row: int | None, number: int | None, name: str) -> tuple[int, int | None]:
        """(key, another key that turned out to be the same element)."""
        one = self.by_row.get((child, row)) if row is not None else None
        other = self.by_number.get((child, number)) if number is not None else None
        key = one if one is not None else other
        if key is None:
            self._next += 1
            key = self._next
        if row is not None:
            self.by_row[child, row] = key
        if number is not None:
            self.by_number[child, number] = key
        self.names[key] = name
        return key, other if other not in (None, key) else None

    def match(self, ours: Side, theirs: Side, known: Fields) -> None:
        """What this run has made there: elements of both sides that are called the same are the same."""
        for child in LISTS:
            made = [
                e for e in theirs.lists[child] if (child, self.by_number.get((child, e.number or 0)), "") not in known
            ]
            for one in ours.lists[child]:
                same = next((e for e in made if one.number is None and e.name == one.name), None)
                if same is not None:
                    made.remove(same)
                    self.by_number[child, same.number or 0] = self.by_row[child, one.row or 0]


@dataclass(eq=False)
class Thing:
    """`local` and `remote` are None where that side has no such product. A path that is missing is None.

    `bases` holds what both sides may have agreed on: more than one value where a run was cut off.
    """

    row: int | None = None
    number: int | None = None
    local: Fields | None = None
    remote: Fields | None = None
    gone: bool = False
    was_here: bool = False
    buried: bool = False
    bases: dict[Path, set[Value]] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)  # what `conflict_log` has told of it, so that people know
    keys: Keys = field(default_factory=Keys)

    def flat(self, side: Side) -> Fields:
        """A side's fields by path; elements that two keys turned out to mean become one."""
        found: Fields = {("", 0, name): value for name, value in side.columns.items() if value not in ("", False)}
        if aside := _ASIDE.fullmatch(side.handle or ""):  # it makes room for another one, and moves on in the same run
            found["", 0, "handle"] = aside[1]
        for child in LISTS:
            for one in side.lists[child]:
                key, same = self.keys.of(child, one.row, one.number, one.name)
                if same is not None:
                    self._unite(child, key, same)
                found[child, key, ""] = True
                found |= {(child, key, name): value for name, value in one.columns.items() if value != ""}
            if keys := tuple(key for name, key, column in found if name == child and column == ""):
                found[ORDER, 0, child] = keys
        return found

    def _unite(self, child: str, key: int, other: int) -> None:
        for fields in (self.local, self.remote):
            if fields is None:
                continue
            moved = {path: value for path, value in fields.items() if path[0] == child and path[1] == other}
            if moved and fields.get((child, key, "")):
                raise Broken(f"{child}[{self.keys.names.get(key)}] is linked to another element of the same side")
            for path, value in moved.items():
                del fields[path]
                fields[child, key, path[2]] = value
            if (ORDER, 0, child) in fields:
                fields[ORDER, 0, child] = tuple(key if one == other else one for one in fields[ORDER, 0, child])
        for path in [path for path in self.bases if path[0] == child and path[1] == other]:
            self.bases.setdefault((child, key, path[2]), set()).update(self.bases.pop(path))

    def base(self, path: Path) -> set[Value]:
        return self.bases.get(path) or {None}

    def agreed(self, path: Path, value: Value, *, certain: bool) -> None:
        self.bases[path] = {value} if certain else self.base(path) | {value}

    def edited(self, fields: Fields, *, surely: bool = True) -> list[Path]:
        """Paths at which a side has something else than what was agreed (for any, or for every possible base)."""
        paths = {*fields, *self.bases}
        if surely:
            return [path for path in paths if fields.get(path) not in self.base(path)]
        return [path for path in paths if self.base(path) != {fields.get(path)}]

    def told(self, path: Path) -> str:
        child, key, column = path
        return column if not child else f"{child}[{self.keys.names.get(key)}]" + (f".{column}" if column else "")


def covers(row_path: str, path: Path) -> bool:
    """Whether a line of `conflict_log` is about a path. Labels of elements are not looked at: they change."""
    child, _, column = path
    if row_path == "":
        return True
    name, bracket, rest = row_path.partition("[")
    if child == ORDER:
        return column in (name, name.partition(".")[0]) or (row_path == "variants" and column == "options")
    if not child:
        return (
            _COLUMNS.get(row_path, row_path) == column
            or (bool(bracket) and column.startswith(row_path.rpartition("].")[0] + "]"))
            or (bool(bracket) and column == row_path)
        )
    if row_path == "variants":
        return child in ("variants", "options")
    if row_path.endswith(".order") and not bracket:
        return False
    inner = rest.rpartition("]")[2].lstrip(".")
    return name == child and (not inner or _COLUMNS.get(inner, inner) in (column, ""))


_COLUMNS = {"option_values": "values", "published_at": "published"}


def units(*sides: Fields) -> Iterable[tuple[str, int]]:
    """The elements of lists that any side has."""
    return sorted({(child, key) for fields in sides for child, key, _ in fields if child not in ("", ORDER)})


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", unicodedata.normalize("NFC", text).lower()).strip("-")
