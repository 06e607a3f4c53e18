"""The engine's `Holdings`: what a comparison of both sides asks of the database. Reads only, in small batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from shopify_sync.records import LocalRecord, Stored, Tomb
from shopify_sync.store import conflicts, tombs
from shopify_sync.store.scan import Scan
from shopify_sync.store.session import DatabaseSession
from shopify_sync.store.sql import readably
from shopify_sync.store.tables import Conflict, RunError

if TYPE_CHECKING:
    from shopify_sync.store.local import DatabaseLocal

_CONFLICTS = Conflict.__table__  # type: ignore[attr-defined]
_ERRORS = RunError.__table__  # type: ignore[attr-defined]


class DatabaseHoldings:
    """One shop's records of one entity, as `verify` looks at them."""

    def __init__(self, local: DatabaseLocal) -> None:
        self.local, self.dialect, self.database = local, local.dialect, local.database
        table: Any = local.entity.table.__table__  # type: ignore[attr-defined]
        self.c = table.c
        named = (
            "id", "shopify_id", local.entity.natural_key, "updated_at", "synced_at", "dirty", "local_rev", "held_rev",
            "refused_rev",
        )  # fmt: skip
        self._living = select(*(self.c[name] for name in named)).where(
            self.c.shop_id == local.shop_id, self.c.deleted_at.is_(None)
        )

    def stored(self, above: int, to: int | None) -> list[Stored]:
        found = self._living.where(self.c.shopify_id > above)
        if to is not None:
            found = found.where(self.c.shopify_id <= to)
        return self._read(found.order_by(self.c.shopify_id))

    def some(self, local_ids: Sequence[int], shopify_ids: Sequence[int]) -> list[Stored]:
        rows: dict[int, Stored] = {}
        for column, ids in ((self.c.id, local_ids), (self.c.shopify_id, shopify_ids)):
            for at in range(0, len(ids), 500):
                rows |= {row.local_id: row for row in self._read(self._living.where(column.in_(ids[at : at + 500])))}
        return sorted(rows.values(), key=lambda row: (row.shopify_id or 0, row.local_id))

    def unlinked(self, after: int, limit: int) -> list[Stored]:
        found = self._living.where(self.c.shopify_id.is_(None), self.c.id > after)
        return self._read(found.order_by(self.c.id).limit(limit))

    def altered(self, only: Sequence[int] | None) -> Iterator[tuple[int, list[int], list[int]]]:
        scan = Scan(self.local.entity, self.local.shop_id, self.dialect)
        after = 0
        while True:
            with self.database.read() as conn:
                batch = scan.batch(conn, after, only)
            if batch is None:
                return
            after = batch.last
            yield batch.count, batch.altered, batch.damaged

    def records(self, local_ids: Sequence[int]) -> list[LocalRecord]:
        found: list[LocalRecord] = []
        for at in range(0, len(local_ids), 250):
            with self.database.read() as conn:
                found += DatabaseSession(self.local, conn).read(local_ids[at : at + 250])
        return found

    def entombed(self, ids: Sequence[int]) -> dict[int, Tomb]:
        with self.database.read() as conn:
            return tombs.of(conn, self.dialect, self.local.shop_id, self.local.entity.name, ids)

    def disputes(self, local_ids: Sequence[int]) -> dict[int, dict[str, int]]:
        found: dict[int, dict[str, int]] = {}
        if local_ids:
            with self.database.read() as conn:
                rows = conn.execute(
                    select(_CONFLICTS.c.local_id, _CONFLICTS.c.field_path, _CONFLICTS.c.id)
                    .where(*self._ours(_CONFLICTS), _CONFLICTS.c.status != "closed")
                    .where(_CONFLICTS.c.local_id.in_(list(local_ids)))
                    .order_by(_CONFLICTS.c.id)
                )
                for row in rows:
                    found.setdefault(row[0], {})[row[1]] = row[2]
        return found

    def ambiguous(self) -> tuple[dict[int, int], dict[int, int]]:
        with self.database.read() as conn:
            return conflicts.ambiguous(conn, self.local.shop_id, self.local.entity.name)

    def waiting(self) -> dict[str, int]:
        standing = self.local.standing()
        with self.database.read() as conn:
            refused = conn.execute(
                select(_ERRORS.c.local_id).distinct().where(*self._ours(_ERRORS), _ERRORS.c.resolved_at.is_(None))
            ).all()
            changed = conn.execute(
                select(func.count())
                .select_from(self.c.id.table)
                .where(
                    self.c.shop_id == self.local.shop_id, self.c.deleted_at.is_(None), self.c.shopify_id.is_not(None)
                )
                .where(self.c.dirty, self.c.held_rev.is_(None) | (self.c.held_rev != self.c.local_rev))
            ).scalar_one()
            disputed = conflicts.waiting_records(conn, self.local.shop_id, self.local.entity.name)
        return {
            "changed": int(changed),
            "new": standing.unlinked,
            "deleted": standing.deletions,
            "refused": len(refused),
            "conflicts": disputed,
        }

    def _ours(self, table: Any) -> tuple[Any, Any]:
        return table.c.shop_id == self.local.shop_id, table.c.entity == self.local.entity.name

    def _read(self, statement: Any) -> list[Stored]:
        with self.database.read() as conn:
            return [
                Stored(
                    local_id=row[0],
                    shopify_id=row[1],
                    key=row[2] if isinstance(row[2], str) else "",
                    updated_at=row[3],
                    read_at=row[4],
                    dirty=bool(row[5]),
                    held=row[7] is not None and row[7] == row[6],
                    refused=row[8] is not None and row[8] == row[6],
                )
                for row in readably(conn, lambda: conn.execute(statement).all())
            ]
