"""Deciding what both sides changed: which rows are meant, what may be chosen, and how a decision is taken back.

Deciding queues: a row becomes `decided`, and the next sync carries it out where both sides still are what was seen.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Connection

from shopify_sync.clock import Clock
from shopify_sync.columns import storage_time
from shopify_sync.entities import NAMES, entity
from shopify_sync.errors import UsageError
from shopify_sync.records import AMBIGUOUS
from shopify_sync.spec import Entity, Form, Merge
from shopify_sync.spec.compare import same
from shopify_sync.store import conflicts, fields
from shopify_sync.store.database import Database
from shopify_sync.store.fields import Place
from shopify_sync.store.tables import Shop

Row: TypeAlias = dict[str, Any]
TAKES = ("local", "shopify", "merged")
_LARGEST_ID = 2**31 - 1
APART = "give all but one of them another handle, or delete them; the next sync links the one that is left"
_LIST = "`shopify-sync conflicts list` shows which there are"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which conflicts are meant: some ids, or (`every`) all open ones; each other word narrows them down.

    `field` is a path, or a path without the element's label: `variants.price` means the price of any variant.
    """

    ids: Sequence[int] = ()
    every: bool = False
    entity: str | None = None
    record: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of a decision: `reopened`, or `edited` where the value that had lost was put back."""

    row: Row
    effect: str
    take: str | None = None
    value: Any = None


def shop_id_of(database: Database, domain: str | None) -> int:
    """The shop whose conflicts are meant. Without a domain it is the only one there is. Raises UsageError."""
    table = Shop.__table__  # type: ignore[attr-defined]
    with database.read() as conn:
        known: dict[str, int] = {row.domain: row.id for row in conn.execute(table.select().order_by(table.c.id))}
    if domain is None and len(known) == 1:
        return next(iter(known.values()))
    if domain in known:
        return known[domain]
    if not known:
        raise UsageError(
            "no shop has been synced into this database, so there is nothing to decide",
            next="give the right one with --database, or run `shopify-sync sync`",
        )
    named = "no shop is named" if domain is None else f"{domain} has not been synced into this database"
    raise UsageError(named, next=f"give one with --shop: {', '.join(known)}")


def choose(database: Database, shop_id: int, selection: Selection) -> list[Row]:
    """The conflicts that are meant, as they are now. Raises UsageError."""
    with database.transaction() as conn:
        return _chosen(conn, shop_id, selection)


def resolve(
    database: Database,
    shop_id: int,
    clock: Clock,
    selection: Selection,
    *,
    take: str,
    by: str,
    value: str | None = None,
    seen: Row | None = None,
) -> list[Row]:
    """Queue one decision for each conflict that is meant, all or none; the rows with their decisions.

    `value` is the text of a merged value. With `seen`, a row whose sides have moved since is refused. Raises
    UsageError, naming everything that is wrong.
    """
    if take not in TAKES:
        raise UsageError(f"{take!r} can't be taken", next=f"choose one of: {', '.join(TAKES)}")
    if (take == "merged") != (value is not None):
        raise UsageError(
            "--take merged and --value belong together", next="give both, or --take local, or --take shopify"
        )
    with database.transaction() as conn:
        rows = _decidable(_chosen(conn, shop_id, selection), all_of_them=bool(selection.ids))
        if seen is not None and any(row[side] != seen[side] for row in rows for side in ("local", "remote")):
            raise UsageError("a side has moved since it was shown", code="moved", next="look at it again")
        problems, merged = [], {}
        for row in rows if value is not None else ():
            try:
                merged[row["id"]] = merged_value(row, value or "")
            except ValueError as error:
                problems.append(f"{row['id']}: {error}")
        if problems:
            raise UsageError(
                "the value can't be taken" + ("" if len(rows) == 1 else " for all that are meant"),
                why="; ".join(problems),
                next="give one that fits, or --take local, or --take shopify",
            )
        now = clock.now()
        for row in rows:
            chosen = {"decision": take, "merged": merged.get(row["id"]), "decided_by": by, "decided_at": now}
            conflicts.decide(conn, row["id"], take=take, merged=chosen["merged"], by=by, now=now)
            row.update(chosen, status="decided")
    return rows


def undo(database: Database, shop_id: int, clock: Clock, number: int, *, by: str, take: str | None = None) -> Undone:
    """Take one decision back. Raises UsageError with the reason where that can't be.

    One that waits becomes open again. Of one that was carried out, the value that had lost is written as a local
    edit, which the next sync takes over; that is a decision of its own in the log, and can be undone as well.
    """
    with database.transaction() as conn:
        row = next(iter(conflicts.find(conn, shop_id, _possible([number]))), None)
        if row is None:
            raise UsageError(f"there is no conflict {number}", next=_LIST)
        if row["status"] == "decided":
            conflicts.reopen(conn, number)
            return Undone(row, "reopened")
        if row["status"] == "open":
            raise _refused(number, "it is open, nobody has decided it", f"`shopify-sync conflicts show {number}`")
        if row["decision"] not in TAKES:
            raise _refused(
                number, f"nobody decided it ({row['closed_reason'] or 'it became moot'})", "edit the record instead"
            )
        side = _losing(row, take)
        value = _put_back(conn, shop_id, row, side)
        conflicts.record_decided(
            conn,
            shop_id=shop_id,
            entity=row["entity"],
            local_id=row["local_id"],
            field_path=row["field_path"],
            now=clock.now(),
            decision=side,
            decided_by=by,
            reason=f"undo of conflict {number}",
            **{name: row[name] for name in ("shopify_id", "record_key", "type", "base", "local", "remote", "policy")},
        )
        return Undone(row, "edited", side, value)


def merged_value(row: Row, text: str) -> Any:
    """A merged value as JSON holds it, from what somebody typed: text as it is, all else as JSON.

    Raises ValueError with a sentence.
    """
    declared = _entity(row)
    place = fields.place_of(declared, row["field_path"]) if declared else None
    if declared is None or place is None or place.column is None:
        raise ValueError(f"{_named(row)} is no single field, so there is no value to merge; take one side")
    name, form = row["field_path"], place.column.form
    may_be_null = fields.nullable(place) and not place.column.maps.required
    if form is Form.TEXT:
        if not text and not may_be_null:
            raise ValueError(f"{name} can't be empty")
        return text
    text = text.strip()
    if text == "null":
        if not may_be_null:
            raise ValueError(f"{name} can't be null")
        return None
    return _READ[form](name, text, place)


def _chosen(conn: Connection, shop_id: int, selection: Selection) -> list[Row]:
    if selection.entity is not None and selection.entity not in NAMES:
        raise UsageError(f"there is no entity {selection.entity!r}", next=f"choose one of: {', '.join(NAMES)}")
    if not selection.ids and not selection.every:
        raise UsageError("no conflict is named", next="give ids, --all, --entity or --record")
    rows = conflicts.find(
        conn,
        shop_id,
        _possible(selection.ids) if selection.ids else None,
        entity=selection.entity,
        record=selection.record,
        statuses=None if selection.ids else ("open",),
    )
    known = conflicts.find(conn, shop_id, _possible(selection.ids)) if selection.ids else rows
    unknown = [number for number in dict.fromkeys(selection.ids) if number not in {row["id"] for row in known}]
    closed = [row["id"] for row in known if row["status"] == "closed"]
    if unknown or closed:
        told = [f"there is no conflict {_and(unknown)}"] if unknown else []
        told += [f"conflict {_and(closed)} is closed"] if closed else []
        raise UsageError(
            "; ".join(told), next=_LIST + " (--all for closed ones)", details={"unknown": unknown, "closed": closed}
        )
    if selection.field is not None:
        paths = sorted({row["field_path"] for row in rows})
        rows = [row for row in rows if selection.field in (row["field_path"], fields.shape(row["field_path"]))]
        if not rows and paths:
            raise UsageError(
                f"none of these conflicts is about {selection.field!r}", next=f"they are about: {', '.join(paths[:12])}"
            )
    if not rows and selection.ids:
        raise UsageError("none of these conflicts is of that entity and record", next=_LIST)
    return rows


def _decidable(rows: list[Row], *, all_of_them: bool) -> list[Row]:
    """Those where a side can be taken. Raises UsageError where one that is named, or all there are, can't be."""
    alike = [row for row in rows if row["policy"] == AMBIGUOUS]
    if alike and (all_of_them or len(alike) == len(rows)):
        raise UsageError(
            f"conflict {_and([row['id'] for row in alike])} can't be decided by taking a side",
            why="; ".join(f"{' and '.join(row['local'])} are both {row['record_key']!r}" for row in alike),
            next=APART,
        )
    return [row for row in rows if row["policy"] != AMBIGUOUS]


def _losing(row: Row, take: str | None) -> str:
    """The side whose value comes back."""
    if take not in (None, "local", "shopify"):
        raise UsageError(f"{take!r} can't be put back", next="--take local, or --take shopify")
    if row["decision"] == "merged":
        if take is None:
            raise _refused(
                row["id"],
                "it was merged, so both sides' values had to give way",
                f"`shopify-sync conflicts undo {row['id']} --take local|shopify` says which comes back",
            )
        return take
    other = "shopify" if row["decision"] == "local" else "local"
    if take not in (None, other):
        raise _refused(row["id"], f"{take} is what was decided", f"undo it without --take: {other} comes back")
    return other


def _put_back(conn: Connection, shop_id: int, row: Row, side: str) -> Any:
    number, by_hand = row["id"], "edit the record by hand; the next sync carries it over"
    declared = _entity(row)
    place = fields.place_of(declared, row["field_path"]) if declared else None
    if declared is None or place is None or place.column is None or (place.child and place.child.target):
        raise _refused(number, f"{_named(row)} is no single field, and only those can be put back", by_hand)
    if place.column.maps.merge is Merge.READ_ONLY:
        raise _refused(number, f"{_named(row)} is Shopify's own and can't be changed from here", by_hand)
    try:
        spot = fields.locate(conn, declared, shop_id, row["local_id"], place)
    except fields.Gone as error:
        raise _refused(number, str(error), "") from None
    waiting = [
        other["id"]
        for other in conflicts.find(
            conn, shop_id, entity=row["entity"], field_path=row["field_path"], statuses=("open", "decided")
        )
        if other["local_id"] == row["local_id"]
    ]
    if waiting:
        raise _refused(
            number,
            f"the same field is in dispute again, in conflict {_and(waiting)}",
            f"`shopify-sync conflicts show {waiting[0]}`",
        )
    left = row["merged"] if row["decision"] == "merged" else row[_COLUMN[row["decision"]]]
    back = fields.typed(place.column, row[_COLUMN[side]])
    if not same(place.column, spot.value, fields.typed(place.column, left), strict=True):
        raise _refused(number, f"{_named(row)} was changed after the decision", by_hand)
    if back is None and not fields.nullable(place):
        raise _refused(number, f"the value that had lost is null, and {_named(row)} can't be", by_hand)
    fields.put(conn, spot, back)
    return row[_COLUMN[side]]


_COLUMN = {"local": "local", "shopify": "remote"}


def _entity(row: Row) -> Entity | None:
    return entity(row["entity"]) if row["entity"] in NAMES else None


def _named(row: Row) -> str:
    return row["field_path"] or "a whole record"


def _possible(ids: Sequence[int]) -> list[int]:
    """Those that a database can hold."""
    return [number for number in ids if 0 < number <= _LARGEST_ID]


def _and(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _refused(number: int, why: str, following: str) -> UsageError:
    return UsageError(f"conflict {number} can't be undone", why=why, next=following)


# What somebody typed, by the form of the column.


def _int(name: str, text: str, _place: Place) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError(f"{name} is a whole number, as 12, and {text!r} is none") from None
    if not -(2**31) <= value < 2**31:
        raise ValueError(f"{name} can't be as large as {text}")
    return value


def _bool(name: str, text: str, _place: Place) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{name} is true or false, and {text!r} is neither")
    return text == "true"


def _decimal(name: str, text: str, _place: Place) -> str:
    try:
        value = Decimal(text.strip('"'))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or "_" in text or abs(value.adjusted()) > 30:
        raise ValueError(f"{name} is a decimal number, as 12.50, and {text!r} is none")
    return format(value, "f")


def _time(name: str, text: str, _place: Place) -> str:
    try:
        return storage_time(datetime.fromisoformat(text.strip('"')))
    except ValueError:
        raise ValueError(f"{name} is a time with its zone, as 2026-11-24T12:00:00Z, and {text!r} is none") from None


def _json(name: str, text: str, place: Place) -> Any:
    listed = _is_list(place)
    wanted = 'a JSON list of texts, as ["a", "b"]' if listed else 'a JSON object of texts, as {"Size": "S"}'
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError(f"{name} is {wanted}, and {text[:60]!r} can't be read as that") from None
    items = value if listed and isinstance(value, list) else None
    if not listed and isinstance(value, dict):
        items = list(value.values())
    if items is None or not all(isinstance(item, str) for item in items):
        raise ValueError(f"{name} is {wanted}, and {text[:60]!r} is not")
    return value


def _is_list(place: Place) -> bool:
    assert place.column is not None
    return typing.get_origin(typing.get_type_hints(place.owner)[place.column.name]) is list


_READ: dict[Form, typing.Callable[[str, str, Place], Any]] = {
    Form.INT: _int,
    Form.BOOL: _bool,
    Form.DECIMAL: _decimal,
    Form.TIME: _time,
    Form.JSON: _json,
}
