"""The engine's `Local`: one shop's records of one entity, and the transactions that change them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from shopify_sync.clock import Clock
from shopify_sync.records import Checkpoint, Incoming, Known, Standing, Tomb, Unmade
from shopify_sync.spec import Entity
from shopify_sync.store import checkpoints, settings, tombs
from shopify_sync.store.database import Database
from shopify_sync.store.leases import Lease
from shopify_sync.store.reader import RecordReader
from shopify_sync.store.rows import RowWriter
from shopify_sync.store.session import DatabaseSession
from shopify_sync.store.sql import Dialect, dialect_of, readably


class DatabaseLocal:
    """Reads and writes inside sessions; each session that writes is fenced by the run's lease."""

    def __init__(
        self,
        database: Database,
        entity: Entity,
        shop_id: int,
        *,
        direction: str,
        run_id: int,
        lease: Lease | None,
        clock: Clock,
    ) -> None:
        self.database, self.entity, self.shop_id = database, entity, shop_id
        self.direction, self.run_id, self.lease, self.clock = direction, run_id, lease, clock
        self.dialect: Dialect = dialect_of(database.dialect)
        self.writer = RowWriter(entity, shop_id, self.dialect)
        self.reader = RecordReader(entity)
        self.name = self.writer.name

    def lightened(self, item: Incoming) -> Incoming:
        """The same, without the node, and with the rows that a record which is new here becomes."""
        node = item.node
        return Incoming(
            None,
            item.payload,
            item.payload_hash,
            item.updated_at,
            item.shopify_id,
            item.key,
            rows=self.writer.made(node),
            beside={name: node[name] for name in self.entity.volatile if name in node},
        )

    @contextmanager
    def session(self) -> Iterator[DatabaseSession]:
        """One transaction; the lease is renewed in it, so a run that lost its lease writes nothing more."""
        with self.database.transaction() as conn:
            if self.lease is not None:
                self.lease.fence(conn)
            yield DatabaseSession(self, conn)

    def checkpoint(self) -> Checkpoint:
        with self.database.read() as conn:
            return checkpoints.load(conn, self.shop_id, self.entity.name, self.direction)

    def known(self, ids: Sequence[int]) -> dict[int, Known]:
        with self.database.read() as conn:
            return self.known_in(conn, ids)

    def known_in(self, conn: Connection, ids: Sequence[int], *, lock: bool = False) -> dict[int, Known]:
        if not ids:
            return {}
        lock = lock and self.database.dialect == "postgresql" and not self.database.read_only
        locking = " FOR UPDATE" if lock else ""
        statement = (
            f"SELECT shopify_id, id, payload_hash, updated_at, synced_at, dirty, deleted_at, {self.entity.natural_key} "
            f"FROM {self.name} "
            f"WHERE shop_id = {self.dialect.mark} AND shopify_id IN {self.dialect.many}{locking}"
        )
        values = (self.shop_id, self.dialect.bind(list(ids)))
        rows = readably(conn, lambda: conn.exec_driver_sql(statement, values).fetchall())
        return {
            row[0]: Known(
                row[1], row[2], _moment(row[3]), _moment(row[4]), bool(row[5]), row[6] is not None, str(row[7] or "")
            )
            for row in rows
        }

    def dirty(self, after: int, limit: int, *, only: Sequence[int] | None = None) -> list[int]:
        mark = self.dialect.mark
        chosen, values = "", []
        if only is not None:
            if not only:
                return []
            chosen, values = f" AND id IN {self.dialect.many}", [self.dialect.bind(list(only))]
        with self.database.read() as conn:
            rows = conn.exec_driver_sql(
                f"SELECT id FROM {self.name} WHERE shop_id = {mark} AND dirty AND id > {mark}{chosen} "
                f"ORDER BY id LIMIT {mark}",
                (self.shop_id, after, *values, limit),
            )
            return [row[0] for row in rows]

    def unmade(self) -> list[Unmade]:
        with self.database.read() as conn:
            return tombs.unmade(conn, self.shop_id, self.entity.name)

    def returned(self) -> list[int]:
        with self.database.read() as conn:
            return tombs.returned(conn, self.shop_id, self.entity.name, self.reader.table)

    def linked(self, above: int, to: int | None) -> list[int]:
        mark = self.dialect.mark
        upper, values = (f" AND shopify_id <= {mark}", [to]) if to is not None else ("", [])
        with self.database.read() as conn:
            rows = conn.exec_driver_sql(
                f"SELECT shopify_id FROM {self.name} WHERE shop_id = {mark} AND deleted_at IS NULL "
                f"AND shopify_id > {mark}{upper} ORDER BY shopify_id",
                (self.shop_id, above, *values),
            )
            return [row[0] for row in rows]

    def buried(self, ids: Sequence[int]) -> set[int]:
        with self.database.read() as conn:
            return set(tombs.of(conn, self.dialect, self.shop_id, self.entity.name, ids))

    def tombs(self, after: int, limit: int) -> list[Tomb]:
        with self.database.read() as conn:
            return tombs.waiting(conn, self.shop_id, self.entity.name, self.reader.table, after, limit)

    def pulled(self) -> datetime | None:
        with self.database.read() as conn:
            return checkpoints.load(conn, self.shop_id, self.entity.name, "pull").watermark

    def recall(self, what: str) -> dict[str, Any] | None:
        with self.database.read() as conn:
            return settings.load(conn, self.shop_id, f"{self.entity.name}.{what}")

    def standing(self) -> Standing:
        mark = self.dialect.mark
        with self.database.read() as conn:
            linked, unlinked, changed = conn.exec_driver_sql(
                f"SELECT count(shopify_id), count(*) - count(shopify_id), "
                f"sum(CASE WHEN dirty AND shopify_id IS NOT NULL THEN 1 ELSE 0 END) FROM {self.name} "
                f"WHERE shop_id = {mark} AND deleted_at IS NULL",
                (self.shop_id,),
            ).one()
            waiting, absent = conn.exec_driver_sql(
                "SELECT sum(CASE WHEN handled_at IS NULL THEN 1 ELSE 0 END), "
                "sum(CASE WHEN outcome IS NULL OR outcome NOT IN ('restored', 'deleted') THEN 1 ELSE 0 END) "
                f"FROM tombstones WHERE shop_id = {mark} AND entity = {mark}",
                (self.shop_id, self.entity.name),
            ).one()
        return Standing(linked, changed or 0, unlinked, waiting or 0, absent or 0)


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
