"""Change capture: triggers that mark a record when anybody but the sync writes to it or to its children.

The sync's own writes move `sync_rev` (a new row has at least 1, a row about to go has -1), so the guards in the
WHEN clauses let them pass at the cost of one comparison. Everybody else's writes leave it alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Watched:
    """A record's table, its columns whose change counts, and how its children refer to it.

    `children` holds (table, parent column, condition on the row, columns); the condition is empty or a comparison
    with the row named `{row}`.
    """

    entity: str
    table: str
    key: str
    columns: Sequence[str]
    children: Sequence[tuple[str, str, str, Sequence[str]]]


def statements(watched: Watched, dialect: str) -> Iterator[str]:
    """The DDL for one entity, in order."""
    yield from _postgres(watched) if dialect == "postgresql" else _sqlite(watched)


def removed(watched: Watched, dialect: str) -> Iterator[str]:
    """The DDL that takes all of it away again, where an older version may have had less."""
    made = list(statements(watched, dialect))
    for statement in made:
        if (found := re.match(r"CREATE TRIGGER (\w+) .*? ON (\w+) ", statement)) is not None:
            yield f"DROP TRIGGER IF EXISTS {found[1]}" + (f" ON {found[2]}" if dialect == "postgresql" else "")
    for statement in made:
        if (found := re.match(r"CREATE FUNCTION (\w+)\(", statement)) is not None:
            yield f"DROP FUNCTION IF EXISTS {found[1]}()"


def names(watched: Watched) -> Iterator[tuple[str, str]]:
    """(trigger, table) of everything that `statements` makes."""
    yield f"tr_{watched.table}_update", watched.table
    yield f"tr_{watched.table}_delete", watched.table
    for table, _, _, _ in watched.children:
        for event in ("insert", "update", "delete"):
            yield f"tr_{table}_{watched.table}_{event}", table


_NOW = {"sqlite": "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')", "postgresql": "now()"}


def _mark(w: Watched, dialect: str) -> str:
    return f"UPDATE {w.table} SET dirty = true, local_rev = local_rev + 1, edited_at = {_NOW[dialect]} WHERE id ="


def _bury(w: Watched, dialect: str) -> str:
    """A deletion, with what Shopify had when it was last seen."""
    return f"{_TOMB} VALUES ({_buried(w, dialect)})"


_TOMB = (
    "INSERT INTO tombstones (shop_id, entity, local_id, shopify_id, record_key, payload, payload_hash, updated_at, "
    "deleted_at)"
)
# A record that Shopify has, or may have: one whose creation was begun and never confirmed.
_THERE = "(OLD.shopify_id IS NOT NULL OR OLD.push_started_at IS NOT NULL)"


def _buried(w: Watched, dialect: str) -> str:
    """Of a record that may have been made, `updated_at` tells since when."""
    return (
        f"OLD.shop_id, '{w.entity}', OLD.id, OLD.shopify_id, OLD.{w.key}, OLD.payload, OLD.payload_hash, "
        f"coalesce(OLD.updated_at, OLD.push_started_at), {_NOW[dialect]}"
    )


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


# Deleted and put back, as a REPLACE does or a client that writes whole tables: no deletion after all.
_BACK = "NEW.sync_rev = 0 AND NEW.shopify_id IS NOT NULL"


def _unbury(w: Watched) -> str:
    return (
        f"DELETE FROM tombstones WHERE shop_id = NEW.shop_id AND entity = '{w.entity}' "
        "AND shopify_id = NEW.shopify_id AND handled_at IS NULL"
    )


def _sqlite(w: Watched) -> Iterator[str]:
    mark = _mark(w, "sqlite")
    yield (
        f"CREATE TRIGGER tr_{w.table}_update AFTER UPDATE OF {_quoted(w.columns)} ON {w.table} "
        f"WHEN NEW.sync_rev = OLD.sync_rev BEGIN {mark} NEW.id; END"
    )
    yield (
        f"CREATE TRIGGER tr_{w.table}_delete AFTER DELETE ON {w.table} "
        f"WHEN OLD.sync_rev <> -1 AND {_THERE} BEGIN {_bury(w, 'sqlite')}; END"
    )
    # REPLACE deletes without a trigger (recursive_triggers is off). The row that comes back is looked at as one that
    # was deleted and put back (`returned`); the sync itself never inserts where there is one.
    same = f"(OLD.id = NEW.id OR OLD.shop_id = NEW.shop_id AND OLD.shopify_id = NEW.shopify_id) AND {_THERE}"
    yield (
        f"CREATE TRIGGER tr_{w.table}_replace BEFORE INSERT ON {w.table} "
        f"WHEN EXISTS (SELECT 1 FROM {w.table} WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM {w.table} "
        "WHERE shop_id = NEW.shop_id AND shopify_id = NEW.shopify_id) "
        f"BEGIN {_TOMB} SELECT {_buried(w, 'sqlite')} FROM {w.table} AS OLD WHERE {same}; END"
    )
    yield f"CREATE TRIGGER tr_{w.table}_insert AFTER INSERT ON {w.table} WHEN {_BACK} BEGIN {_unbury(w)}; END"
    # Most clients have foreign keys off (SQLite's default), and what cascades would stay behind.
    below = [
        f"DELETE FROM {table} WHERE {parent} = OLD.id" + (f" AND {condition.format(row=table)}" if condition else "")
        for table, parent, condition, _ in w.children
    ]
    yield f"CREATE TRIGGER tr_{w.table}_below AFTER DELETE ON {w.table} BEGIN {'; '.join(below)}; END"
    for table, parent, condition, columns in w.children:
        new = f" AND {condition.format(row='NEW')}" if condition else ""
        old = f" AND {condition.format(row='OLD')}" if condition else ""
        stays = f"OLD.{parent} = NEW.{parent}{new}"
        yield (
            f"CREATE TRIGGER tr_{table}_{w.table}_insert AFTER INSERT ON {table} "
            f"WHEN NEW.sync_rev = 0{new} BEGIN {mark} NEW.{parent}; END"
        )
        # REPLACE deletes without a trigger: the row may have had another parent, and comes with a revision that it
        # was read with.
        yield (
            f"CREATE TRIGGER tr_{table}_{w.table}_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) "
            f"BEGIN {mark} (SELECT OLD.{parent} FROM {table} AS OLD WHERE OLD.id = NEW.id{old}); "
            f"{mark} NEW.{parent}{new}; END"
        )
        yield (
            f"CREATE TRIGGER tr_{table}_{w.table}_update AFTER UPDATE OF {_quoted(columns)} ON {table} "
            f"WHEN NEW.sync_rev = OLD.sync_rev BEGIN {mark} NEW.{parent}{new}; "
            f"{mark} OLD.{parent}{old} AND NOT ({stays}); END"
        )
        yield (
            f"CREATE TRIGGER tr_{table}_{w.table}_delete AFTER DELETE ON {table} "
            f"WHEN OLD.sync_rev <> -1{old} BEGIN {mark} OLD.{parent}; END"
        )


def _postgres(w: Watched) -> Iterator[str]:
    yield (
        f"CREATE FUNCTION fn_{w.table}_mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "NEW.dirty := true; NEW.local_rev := OLD.local_rev + 1; NEW.edited_at := now(); RETURN NEW; END $$"
    )
    yield (
        f"CREATE TRIGGER tr_{w.table}_update BEFORE UPDATE OF {_quoted(w.columns)} ON {w.table} FOR EACH ROW "
        f"WHEN (NEW.sync_rev = OLD.sync_rev) EXECUTE FUNCTION fn_{w.table}_mark()"
    )
    yield (
        f"CREATE FUNCTION fn_{w.table}_bury() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"{_bury(w, 'postgresql')}; RETURN OLD; END $$"
    )
    yield (
        f"CREATE FUNCTION fn_{w.table}_unbury() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"{_unbury(w)}; RETURN NULL; END $$"
    )
    yield (
        f"CREATE TRIGGER tr_{w.table}_insert AFTER INSERT ON {w.table} FOR EACH ROW "
        f"WHEN ({_BACK}) EXECUTE FUNCTION fn_{w.table}_unbury()"
    )
    yield (
        f"CREATE TRIGGER tr_{w.table}_delete AFTER DELETE ON {w.table} FOR EACH ROW "
        f"WHEN (OLD.sync_rev <> -1 AND {_THERE}) EXECUTE FUNCTION fn_{w.table}_bury()"
    )
    for table, parent, condition, columns in w.children:
        function = f"fn_{table}_{w.table}"
        mark = _mark(w, "postgresql")
        new = f" AND {condition.format(row='NEW')}" if condition else ""
        old = f" AND {condition.format(row='OLD')}" if condition else ""
        stays = f"OLD.{parent} = NEW.{parent}{old}"
        yield (
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP <> 'INSERT' THEN {mark} OLD.{parent}{old}; END IF; "
            f"IF TG_OP = 'INSERT' THEN {mark} NEW.{parent}; "
            f"ELSIF TG_OP = 'UPDATE' THEN {mark} NEW.{parent}{new} AND NOT ({stays}); END IF; "
            "RETURN NULL; END $$"
        )
        yield (
            f"CREATE TRIGGER tr_{table}_{w.table}_insert AFTER INSERT ON {table} FOR EACH ROW "
            f"WHEN (NEW.sync_rev = 0{new}) EXECUTE FUNCTION {function}()"
        )
        yield (
            f"CREATE TRIGGER tr_{table}_{w.table}_update AFTER UPDATE OF {_quoted(columns)} ON {table} "
            f"FOR EACH ROW WHEN (NEW.sync_rev = OLD.sync_rev) EXECUTE FUNCTION {function}()"
        )
        yield (
            f"CREATE TRIGGER tr_{table}_{w.table}_delete AFTER DELETE ON {table} FOR EACH ROW "
            f"WHEN (OLD.sync_rev <> -1{old}) EXECUTE FUNCTION {function}()"
        )
