"""The engine's `Local`: one shop's records of one entity, and the transactions that change them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from shopify_sync.clock import Clock
from shopify_sync.columns import storage_time
from shopify_sync.records import Batch, Checkpoint, Incoming, Known, LocalRecord, Record, RecordError, RunResult
from shopify_sync.spec import Child, Entity, pair, record_of, shopify_id
from shopify_sync.store import checkpoints, conflicts, runs
from shopify_sync.store.database import Database
from shopify_sync.store.leases import Lease
from shopify_sync.store.reader import RecordReader
from shopify_sync.store.rows import Arriving, RowWriter, node_of
from shopify_sync.store.sql import Dialect, dialect_of


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
        locking = " FOR UPDATE" if lock and self.database.dialect == "postgresql" else ""
        rows = conn.exec_driver_sql(
            f"SELECT shopify_id, id, payload_hash, updated_at, synced_at, dirty, deleted_at FROM {self.name} "
            f"WHERE shop_id = {self.dialect.mark} AND shopify_id IN {self.dialect.many}{locking}",
            (self.shop_id, self.dialect.bind(list(ids))),
        )
        return {
            row[0]: Known(row[1], row[2], _moment(row[3]), _moment(row[4]), bool(row[5]), row[6] is not None)
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

    def deletions(self) -> int:
        """How many records were deleted here and wait for what is to become of them on Shopify."""
        mark = self.dialect.mark
        with self.database.read() as conn:
            return int(
                conn.exec_driver_sql(
                    f"SELECT count(*) FROM tombstones WHERE shop_id = {mark} AND entity = {mark} "
                    "AND handled_at IS NULL",
                    (self.shop_id, self.entity.name),
                ).scalar_one()
            )


class DatabaseSession:
    """One transaction's view of the records."""

    def __init__(self, local: DatabaseLocal, conn: Connection) -> None:
        self.local, self.conn = local, conn
        self.entity, self.writer, self.dialect = local.entity, local.writer, local.dialect

    def known(self, ids: Sequence[int]) -> dict[int, Known]:
        return self.local.known_in(self.conn, ids, lock=True)

    def buried(self, ids: Sequence[int]) -> set[int]:
        rows = self.conn.exec_driver_sql(
            f"SELECT shopify_id FROM tombstones WHERE shop_id = {self.dialect.mark} AND entity = {self.dialect.mark} "
            f"AND handled_at IS NULL AND shopify_id IN {self.dialect.many}",
            (self.local.shop_id, self.entity.name, self.dialect.bind(list(ids))),
        )
        return {row[0] for row in rows}

    def unlinked(self, keys: Sequence[str]) -> dict[str, int]:
        natural = self.entity.natural_key
        rows = self.conn.exec_driver_sql(
            f"SELECT {natural}, id FROM {self.writer.name} WHERE shop_id = {self.dialect.mark} "
            f"AND shopify_id IS NULL AND {natural} IN {self.dialect.many_texts}",
            (self.local.shop_id, self.dialect.bind(list(keys))),
        )
        found: dict[str, list[int]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(row[1])
        return {key: ids[0] for key, ids in found.items() if len(ids) == 1}

    def read(self, local_ids: Sequence[int]) -> list[LocalRecord]:
        rows = self.local.reader.rows(self.conn, local_ids)
        records = self.local.reader.records(self.conn, rows)
        found = []
        for row in rows:
            base = record_of(self.entity, node_of(row["payload"])) if row["payload"] is not None else None
            found.append(
                LocalRecord(
                    local_id=row["id"],
                    shopify_id=row["shopify_id"],
                    key=str(row[self.entity.natural_key] or ""),
                    record=records[row["id"]],
                    base=base,
                    base_hash=row["payload_hash"],
                    updated_at=row["updated_at"],
                    local_rev=row["local_rev"],
                    dirty=bool(row["dirty"]),
                    deleted=row["deleted_at"] is not None,
                    refused_rev=row["refused_rev"],
                    push_started_at=row["push_started_at"],
                )
            )
        return found

    def save(self, batch: Batch, read_at: datetime) -> None:
        self.writer.create(self.conn, batch.create, read_at)
        self._adopt_children(batch.update)
        self.writer.update(self.conn, batch.update, read_at)
        self.writer.touch(self.conn, batch.touch, read_at)
        self.writer.bury(self.conn, batch.gone, read_at)
        now = self.local.clock.now()
        for found in batch.conflicts:
            conflicts.note(
                self.conn,
                shop_id=self.local.shop_id,
                entity=self.entity.name,
                run_id=self.local.run_id,
                local_id=found.local_id,
                shopify_id=found.shopify_id,
                record_key=found.key,
                type=found.kind,
                field_path=found.path,
                base=_plain(found.base),
                local=_plain(found.local),
                remote=_plain(found.remote),
                policy=found.policy,
                now=now,
            )
        self._agree([*batch.agreed, *batch.gone])

    def settle(self, local_id: int, incoming: Incoming, read_at: datetime, *, keep: bool) -> None:
        item = type(incoming)(incoming.node, incoming.payload, incoming.payload_hash, incoming.updated_at, local_id)
        self._adopt_children([item])
        if keep:
            self.writer.rebase(self.conn, item, shopify_id(item.node), read_at)
        else:
            self.writer.update(self.conn, [item], read_at)
            self._agree([local_id])

    def clean(self, local_id: int, local_rev: int) -> None:
        mark = self.dialect.mark
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET dirty = false, refused_rev = NULL, sync_rev = sync_rev + 1 "
            f"WHERE id = {mark} AND local_rev = {mark}",
            (local_id, local_rev),
        )

    def intend(self, creations: Sequence[tuple[int, str]], at: datetime) -> None:
        if not creations:
            return
        mark, natural = self.dialect.mark, self.entity.natural_key
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET push_started_at = coalesce(push_started_at, {mark}), {natural} = {mark}, "
            f"sync_rev = sync_rev + 1 WHERE id = {mark}",
            [(storage_time(at), key, local_id) for local_id, key in creations],
        )

    def link(self, local_id: int, shopify_id: int) -> None:
        mark = self.dialect.mark
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET shopify_id = {mark}, sync_rev = sync_rev + 1 WHERE id = {mark}",
            (shopify_id, local_id),
        )

    def refuse(self, run_id: int, local_id: int, local_rev: int, errors: Sequence[RecordError]) -> None:
        mark = self.dialect.mark
        runs.add_errors(self.conn, run_id, self.local.shop_id, self.entity.name, errors, self.local.clock.now())
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET refused_rev = {mark}, sync_rev = sync_rev + 1 "
            f"WHERE id = {mark} AND local_rev = {mark}",
            (local_rev, local_id, local_rev),
        )

    def accept(self, local_id: int) -> None:
        runs.resolve_errors(self.conn, self.local.shop_id, self.entity.name, local_id, self.local.clock.now())

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        checkpoints.save(
            self.conn,
            self.local.shop_id,
            self.entity.name,
            self.local.direction,
            checkpoint,
            run_id=self.local.run_id,
            now=self.local.clock.now(),
        )

    def progress(self, result: RunResult) -> None:
        runs.progress(self.conn, self.local.run_id, result, self.local.clock.now())

    def _agree(self, local_ids: Sequence[int]) -> None:
        if local_ids:
            conflicts.close(
                self.conn,
                self.local.shop_id,
                self.entity.name,
                local_ids,
                reason="both sides agree now",
                now=self.local.clock.now(),
            )

    def _adopt_children(self, incoming: Sequence[Arriving]) -> None:
        """Give new local children the Shopify ids of what they became, so that their own ids stay."""
        by_parent = {item.local_id: item for item in incoming if item.local_id is not None}
        if not by_parent:
            return
        for child in self.entity.children:
            if child.target is not None:
                continue
            unlinked: dict[int, list[Record]] = {}
            for parent, element in self._unlinked_children(child, list(by_parent)):
                unlinked.setdefault(parent, []).append(element)
            for parent, elements in unlinked.items():
                after = record_of(self.entity, by_parent[parent].node)[child.name]
                self._match(child, elements, self._free(child, parent, after))

    def _unlinked_children(self, child: Child, parents: Sequence[int]) -> list[tuple[int, Record]]:
        name = child.table.__tablename__  # type: ignore[attr-defined]
        found = self.conn.exec_driver_sql(
            f"SELECT DISTINCT {child.parent_column} FROM {name} WHERE shopify_id IS NULL "
            f"AND {child.parent_column} IN {self.dialect.many}",
            (self.dialect.bind(list(parents)),),
        )
        concerned = [row[0] for row in found]
        if not concerned:
            return []
        rows = self.local.reader.children(self.conn, child, concerned)
        return [(parent, element) for parent, element in rows if element["shopify_id"] is None]

    def _free(self, child: Child, parent: int, after: list[Record]) -> list[Record]:
        rows = self.local.reader.children(self.conn, child, [parent])
        taken = {element["shopify_id"] for _, element in rows}
        return [element for element in after if element["shopify_id"] not in taken]

    def _match(self, child: Child, ours: list[Record], theirs: list[Record]) -> None:
        """By identity; what is left over on both sides belongs together in order (media answer so)."""
        matched: list[tuple[Record, Record]] = []
        left: list[Record] = []
        rest = list(theirs)
        for before, after in pair(child, ours, theirs):
            if before is not None and after is not None:
                matched.append((before, after))
                rest = [item for item in rest if item is not after]
            elif before is not None:
                left.append(before)
        left.sort(key=lambda element: (element.get("position") or 0, element["local_id"]))
        matched += list(zip(left, rest, strict=False))
        name = child.table.__tablename__  # type: ignore[attr-defined]
        mark = self.dialect.mark
        keeps = ""
        if child.remembers is not None:
            column, copy = child.remembers
            keeps = f", {copy} = coalesce({copy}, {column})"
        for before, after in matched:
            self.conn.exec_driver_sql(
                f"UPDATE {name} SET shopify_id = {mark}{keeps}, sync_rev = sync_rev + 1 WHERE id = {mark}",
                (after["shopify_id"], before["local_id"]),
            )


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    """A value as JSON can hold it; decimals and times as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return storage_time(value) if isinstance(value, datetime) else str(value)
