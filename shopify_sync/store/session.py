"""One transaction's view of the records of one shop and entity: the engine's `Session`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from shopify_sync.columns import storage_time
from shopify_sync.records import (
    Batch,
    Change,
    Checkpoint,
    Incoming,
    Known,
    LocalRecord,
    Node,
    Record,
    RecordError,
    RunResult,
    Settlement,
    Tomb,
    Unmade,
)
from shopify_sync.spec import Child, plain, record_of, shopify_id
from shopify_sync.store import checkpoints, conflicts, journal, restoring, runs, settings, telling, tombs
from shopify_sync.store.adoption import adopt_children
from shopify_sync.store.merging import RowMerger
from shopify_sync.store.rows import Element, node_of

if TYPE_CHECKING:
    from shopify_sync.store.local import DatabaseLocal


class DatabaseSession:
    """Reads and writes inside one transaction. Every write moves `sync_rev`, so no trigger takes it for an edit."""

    def __init__(self, local: DatabaseLocal, conn: Connection) -> None:
        self.local, self.conn = local, conn
        self.entity, self.writer, self.dialect = local.entity, local.writer, local.dialect

    # reading

    def known(self, ids: Sequence[int]) -> dict[int, Known]:
        return self.local.known_in(self.conn, ids, lock=True)

    def tombs(self, ids: Sequence[int]) -> dict[int, Tomb]:
        return tombs.of(self.conn, self.dialect, self.local.shop_id, self.entity.name, ids)

    def unlinked(self, keys: Sequence[str]) -> dict[str, list[int]]:
        natural = self.entity.natural_key
        rows = self.conn.exec_driver_sql(
            f"SELECT {natural}, id FROM {self.writer.name} WHERE shop_id = {self.dialect.mark} "
            f"AND shopify_id IS NULL AND {natural} IN {self.dialect.many_texts} ORDER BY id",
            (self.local.shop_id, self.dialect.bind(list(keys))),
        )
        found: dict[str, list[int]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(row[1])
        return found

    def unlinked_records(self) -> Iterator[tuple[int, Record]]:
        after, mark = 0, self.dialect.mark
        while True:
            ids = [
                row[0]
                for row in self.conn.exec_driver_sql(
                    f"SELECT id FROM {self.writer.name} WHERE shop_id = {mark} AND shopify_id IS NULL "
                    f"AND id > {mark} ORDER BY id LIMIT 500",
                    (self.local.shop_id, after),
                )
            ]
            if not ids:
                return
            after = ids[-1]
            rows = self.local.reader.rows(self.conn, ids)
            yield from self.local.reader.records(self.conn, rows).items()

    def read(self, local_ids: Sequence[int]) -> list[LocalRecord]:
        if not local_ids:
            return []
        rows = self.local.reader.rows(self.conn, local_ids)
        records = self.local.reader.records(self.conn, rows)
        decided = conflicts.decided(self.conn, self.local.shop_id, self.entity.name, [row["id"] for row in rows])
        found = []
        for row in rows:
            node, seen = self._base(row["payload"])
            found.append(
                LocalRecord(
                    local_id=row["id"],
                    shopify_id=row["shopify_id"],
                    key=str(row[self.entity.natural_key] or ""),
                    record=records[row["id"]],
                    node=node,
                    seen=seen,
                    updated_at=row["updated_at"],
                    local_rev=row["local_rev"],
                    dirty=bool(row["dirty"]),
                    deleted=row["deleted_at"] is not None,
                    refused_rev=row["refused_rev"],
                    held_rev=row["held_rev"],
                    push_started_at=row["push_started_at"],
                    edited_at=row["edited_at"],
                    read_at=row["synced_at"],
                    unreadable=self.local.reader.unreadable(records[row["id"]]),
                    disputed=row["disputed"] or [],
                    decisions=decided.get(row["id"], {}),
                )
            )
        return found

    def fresh(self, revisions: dict[int, int]) -> set[int]:
        locking = " FOR UPDATE" if self.local.database.dialect == "postgresql" else ""
        rows = self.conn.exec_driver_sql(
            f"SELECT id, local_rev FROM {self.writer.name} WHERE id IN {self.dialect.many}{locking}",
            (self.dialect.bind(list(revisions)),),
        )
        return {row[0] for row in rows if row[1] == revisions[row[0]]}

    def _base(self, payload: Any) -> tuple[Node | None, Record | None]:
        """What was last agreed on. Damaged, it counts as nothing: then all that differs is in dispute."""
        try:
            node = node_of(payload) if payload is not None else None
            return node, record_of(self.entity, node) if node is not None else None
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
            return None, None

    # writing records

    def save(self, batch: Batch, read_at: datetime) -> None:
        for local_id, number in batch.link:
            self.link(local_id, number)
        if batch.link:
            self._met([number for _, number in batch.link])
        created = self.writer.create(self.conn, batch.create, read_at)
        journal.created(self.conn, self.local.run_id, self.entity, created, batch.create, self._now())
        self._journal(batch.update, "update")
        adopt_children(self.conn, self.local, batch.update)
        self._lost(self.writer.update(self.conn, batch.update, read_at))
        self.writer.touch(self.conn, batch.touch, read_at)
        journal.rows(self.conn, self.dialect, self.local.run_id, self.entity, batch.gone, "archive", self._now())
        self.writer.bury(self.conn, batch.gone, read_at)
        journal.rows(self.conn, self.dialect, self.local.run_id, self.entity, batch.drop, "delete", self._now())
        self._lost(self.writer.drop(self.conn, batch.drop))
        for settlement in batch.settle:
            self._settle(settlement, read_at)
        tombs.reopen(self.conn, self.dialect, batch.reopen)
        for found in batch.conflicts:
            telling.noted(self.conn, self.local.shop_id, self.entity.name, self.local.run_id, found, self._now())
            if found.kind == "version" and found.remote is None and not found.decision:
                self._hold(found.local_id)
        moot = [*batch.agreed, *(item.local_id for item in batch.update if item.local_id is not None)]
        self._close(moot, "both sides agree now")
        self._close([*batch.gone, *batch.drop], "deleted on Shopify, and here")

    def _settle(self, one: Settlement, read_at: datetime) -> None:
        """Carry out a merge: rows, base, what is in dispute, and what was decided."""
        incoming = one.incoming
        if incoming is not None and not one.dirty:
            journal.record(
                self.conn, self.local.run_id, self.entity, one, incoming.payload_hash, self._now(), self._row(one)
            )
            adopt_children(self.conn, self.local, [incoming])
            self._lost(self.writer.update(self.conn, [incoming], read_at))
            self._clear(one.local_id)
        else:
            journal.record(self.conn, self.local.run_id, self.entity, one, None, self._now(), self._row(one))
            if incoming is not None:
                self.writer.rebase(self.conn, incoming, shopify_id(incoming.node), read_at)
            RowMerger(self.local).apply(self.conn, one.local_id, one.here, incoming.node if incoming else None)
            self._mark(one)
        self._tell(one)

    def _row(self, one: Settlement) -> dict[str, Any]:
        rows = self.local.reader.rows(self.conn, [one.local_id])
        return rows[0] if rows else {}

    def _mark(self, one: Settlement) -> None:
        """What is left to do about a record; an edit made since it was read keeps it changed."""
        mark = self.dialect.mark
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET dirty = CASE WHEN local_rev = {mark} THEN {mark} ELSE true END, "
            f"held_rev = {mark}, disputed = {mark}, refused_rev = NULL, sync_rev = sync_rev + 1 WHERE id = {mark}",
            (
                one.local_rev,
                one.dirty,
                one.local_rev if one.held else None,
                self.dialect.document(one.disputed or None),
                one.local_id,
            ),
        )

    def _clear(self, local_id: int) -> None:
        mark = self.dialect.mark
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET held_rev = NULL, disputed = NULL, sync_rev = sync_rev + 1 "
            f"WHERE id = {mark}",
            (local_id,),
        )

    def _hold(self, local_id: int | None) -> None:
        """Nothing is left to do about this one but to decide."""
        mark = self.dialect.mark
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET held_rev = local_rev, sync_rev = sync_rev + 1 WHERE id = {mark} "
            "AND (held_rev IS NULL OR held_rev <> local_rev)",
            (local_id,),
        )

    def _tell(self, one: Settlement) -> None:
        """The lines of `conflict_log`: what is open, what was decided, what has become moot."""
        telling.settled(self.conn, self.local.shop_id, self.entity.name, self.local.run_id, one, self._now())

    def clean(self, local_id: int, local_rev: int) -> None:
        mark = self.dialect.mark
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET dirty = false, refused_rev = NULL, held_rev = NULL, disputed = NULL, "
            f"sync_rev = sync_rev + 1 WHERE id = {mark} AND local_rev = {mark}",
            (local_id, local_rev),
        )
        self._close([local_id], "both sides agree now")

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

    def _met(self, shopify_ids: Sequence[int]) -> None:
        """Rows were found to be these: one that was deleted and made again under the same key is the same record."""
        before = tombs.over(self.conn, self.local.shop_id, self.entity.name, shopify_ids, self._now())
        self._close(before, "made again here")
        self.tell_apart()

    def tell_apart(self) -> None:
        conflicts.told_apart(self.conn, self.local.shop_id, self.entity.name, self.writer.name, self._now())

    def unlink(self, local_ids: Sequence[int]) -> None:
        mark = self.dialect.mark
        for local_id in local_ids:
            self.conn.exec_driver_sql(
                f"UPDATE {self.writer.name} SET shopify_id = NULL, payload = NULL, payload_hash = NULL, "
                f"updated_at = NULL, disputed = NULL, held_rev = NULL, push_started_at = NULL, deleted_at = NULL, "
                f"dirty = true, sync_rev = sync_rev + 1 WHERE id = {mark}",
                (local_id,),
            )
            for child in self.writer.children:
                constant = "".join(f" AND {name} = '{value}'" for name, value in child.child.fixed.items())
                self.conn.exec_driver_sql(
                    f"UPDATE {child.name} SET shopify_id = NULL, sync_rev = sync_rev + 1 "
                    f"WHERE {child.child.parent_column} = {mark}{constant}",
                    (local_id,),
                )
            decided = conflicts.decided(self.conn, self.local.shop_id, self.entity.name, [local_id])
            ids = [decision.id for decision in decided.get(local_id, {}).values()]
            conflicts.carried_out(self.conn, ids, self._now(), "made anew on Shopify")

    def drop_elements(self, child: Child, local_ids: Sequence[int]) -> None:
        table, many = child.table.__tablename__, self.dialect.many  # type: ignore[attr-defined]
        ids = self.dialect.bind(list(local_ids))
        self.conn.exec_driver_sql(f"UPDATE {table} SET sync_rev = -1 WHERE id IN {many}", (ids,))
        self.conn.exec_driver_sql(f"DELETE FROM {table} WHERE id IN {many}", (ids,))

    def doubt(self, local_ids: Sequence[int]) -> None:
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET payload = NULL, payload_hash = NULL, dirty = true, "
            f"sync_rev = sync_rev + 1 WHERE id IN {self.dialect.many}",
            (self.dialect.bind(list(local_ids)),),
        )

    def refuse(self, run_id: int, local_id: int, local_rev: int, errors: Sequence[RecordError]) -> None:
        mark = self.dialect.mark
        runs.add_errors(self.conn, run_id, self.local.shop_id, self.entity.name, errors, self._now())
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET refused_rev = {mark}, sync_rev = sync_rev + 1 "
            f"WHERE id = {mark} AND local_rev = {mark}",
            (local_rev, local_id, local_rev),
        )

    def accept(self, local_id: int) -> None:
        runs.resolve_errors(self.conn, self.local.shop_id, self.entity.name, local_id, self._now())

    # deletions made here

    def take_back(self, local_ids: Sequence[int]) -> None:
        self.conn.exec_driver_sql(
            f"UPDATE {self.writer.name} SET dirty = true, local_rev = local_rev + 1, edited_at = {self.dialect.mark}, "
            f"sync_rev = sync_rev + 1 WHERE id IN {self.dialect.many}",
            (storage_time(self._now()), self.dialect.bind(list(local_ids))),
        )
        for local in self.read(local_ids):
            # The lists went with the row (by cascade), and nobody who puts a row back means to empty them.
            seen = local.seen or {}
            lost = {c.name: seen[c.name] for c in self.entity.children if seen.get(c.name) and not local.record[c.name]}
            if lost:
                RowMerger(self.local).apply(self.conn, local.local_id, local.record | lost, local.node)
        tombs.forget(self.conn, self.local.shop_id, self.entity.name, self.local.reader.table)

    def made(self, unmade: Unmade, left: Incoming | None) -> None:
        tombs.made(self.conn, unmade.id, left)

    def entomb(self, tomb: Tomb, outcome: str, left: Incoming | None) -> None:
        tombs.handled(self.conn, tomb, outcome, left, self._now())
        if tomb.local_id is not None:
            runs.resolve_errors(self.conn, self.local.shop_id, self.entity.name, tomb.local_id, self._now())
            if tomb.decision is not None:
                conflicts.carried_out(self.conn, [tomb.decision.id], self._now(), f"{outcome}")
            self._close([tomb.local_id], outcome)

    def buried_record(self, tomb: Tomb) -> Record:
        payload = tombs.payload(self.conn, tomb)
        return record_of(self.entity, node_of(payload)) if payload is not None else {}

    # what undo needs

    def journal(self, local: LocalRecord, action: str, before: Node | None, sent: Record | None) -> int:
        if action == "create" and before is None and local.record:
            journal.unlinked(self.conn, self.local.run_id, self.entity, local, self._now())
        return journal.intended(
            self.conn, self.local.run_id, self.entity, local, action, before, plain(sent), self._now()
        )

    def journal_burial(self, tomb: Tomb, action: str) -> int:
        return journal.burial(self.conn, self.local.run_id, self.entity, tomb, action, self._now())

    def journal_outcome(self, journal_id: int, after: Node | None) -> None:
        journal.outcome(self.conn, journal_id, after)

    def _journal(self, incoming: Sequence[Incoming], action: str) -> None:
        journal.rows(
            self.conn,
            self.dialect,
            self.local.run_id,
            self.entity,
            [item.local_id for item in incoming if item.local_id is not None],
            action,
            self._now(),
            {item.local_id: item.payload_hash for item in incoming if item.local_id is not None},
        )

    def _lost(self, elements: Sequence[Element]) -> None:
        journal.elements(self.conn, self.local.run_id, self.entity, elements, self._now())

    # undo

    def erase(self, local_id: int) -> None:
        journal.rows(self.conn, self.dialect, self.local.run_id, self.entity, [local_id], "delete", self._now())
        self._lost(self.writer.drop(self.conn, [local_id]))

    def put_back(self, now: LocalRecord | None, here: Record, change: Change, *, unlink: bool) -> None:
        restoring.put_back(self, now, here, change, unlink=unlink)

    def unbury(self, local_id: int, before: Any, made: int | None) -> None:
        tombs.unbury(self.conn, self.local.shop_id, self.entity, local_id, before, made)

    # the run

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        checkpoints.save(
            self.conn,
            self.local.shop_id,
            self.entity.name,
            self.local.direction,
            checkpoint,
            run_id=self.local.run_id,
            now=self._now(),
        )

    def counted(self, counted: dict[str, Any]) -> None:
        current = checkpoints.load(self.conn, self.local.shop_id, self.entity.name, self.local.direction)
        self.checkpoint(replace(current, counted=counted))

    def remember(self, what: str, value: dict[str, Any]) -> None:
        settings.save(self.conn, self.local.shop_id, f"{self.entity.name}.{what}", value, self._now())

    def progress(self, result: RunResult) -> None:
        runs.progress(self.conn, self.local.run_id, result, self._now())

    def _close(self, local_ids: Sequence[int], reason: str, keep: Sequence[str] = ()) -> None:
        if local_ids:
            conflicts.close(
                self.conn,
                self.local.shop_id,
                self.entity.name,
                local_ids,
                reason=reason,
                now=self._now(),
                keep=keep,
            )

    def _now(self) -> datetime:
        return self.local.clock.now()
