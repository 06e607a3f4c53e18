"""Fetched records on their way into the database: decide about each, and store a chunk in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shopify_sync.clock import Clock
from shopify_sync.engine import decide
from shopify_sync.engine.merge import Rules
from shopify_sync.engine.own import created_by_us, recognised
from shopify_sync.engine.ports import Exports, Imports, Local, Remote, Session
from shopify_sync.records import (
    Action,
    Batch,
    Checkpoint,
    Counts,
    Disagreement,
    Fetched,
    Gate,
    Incoming,
    Known,
    LocalRecord,
    Node,
    PlanLine,
    Progress,
    RunResult,
)
from shopify_sync.spec import Deletes, Entity, ShopFacts, compare, record_of


@dataclass
class Context:
    """What a run works with. `handled` are local ids whose conflicts a plan of both directions has told."""

    entity: Entity
    remote: Remote
    local: Local
    result: RunResult
    progress: Progress
    clock: Clock
    rules: Rules = field(default_factory=Rules)
    gate: Gate | None = None
    facts: ShopFacts = field(default_factory=ShopFacts)
    deletes: Deletes = field(default_factory=Deletes)
    handled: set[int] = field(default_factory=set)
    exports: Exports | None = None
    imports: Imports | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """What was fetched, looked at: see `Fetched`."""

    items: Sequence[Incoming]
    missing: Sequence[int]
    served_at: datetime
    late: bool = False


@dataclass
class Chunks:
    """Stores what was fetched. `matched` counts records of both sides that were found to be one."""

    context: Context
    dry_run: bool = False
    held_back: int = 0
    matched: int = 0
    ambiguous: int = 0
    told: set[int] = field(default_factory=set)  # Shopify ids of what is new or newly met, which was told of already
    again: list[int] = field(default_factory=list)  # Shopify ids of which what was fetched may be old
    _second: dict[str, list[int]] | None = None

    def __post_init__(self) -> None:
        self.entity, self.gate = self.context.entity, self.context.gate

    @property
    def counts(self) -> Counts:
        return self.context.result.counts

    def cut(self, ids: list[int]) -> list[list[int]]:
        size = self.context.remote.fetch_size()
        return [ids[at : at + size] for at in range(0, len(ids), size)]

    def store(self, fetched: Fetched | None, after: Checkpoint | None) -> None:
        """Decide and write, with the checkpoint and the counts, in one transaction."""
        arrived = Arrived(self.arriving(fetched.nodes), fetched.missing, fetched.served_at) if fetched else None
        self.put(arrived, after)

    def arriving(self, nodes: Sequence[Node]) -> list[Incoming]:
        return [decide.arriving(self.entity, node) for node in nodes]

    def lightened(self, nodes: Sequence[Node]) -> list[Incoming]:
        """The same, where many are to wait and most are new here: a third of the memory of nodes."""
        return [self.context.local.lightened(item) for item in self.arriving(nodes)]

    def put(self, arrived: Arrived | None, after: Checkpoint | None) -> None:
        """`store`, for what was looked at before."""
        with self.context.local.session() as session:
            if arrived is not None:
                batch = self._decide(session, arrived)
                if not self.dry_run:
                    session.save(batch, arrived.served_at)
            if self.dry_run:
                return
            if after is not None:
                session.checkpoint(after)
            self._progress(session)

    def forget(self, ids: Sequence[int]) -> None:
        """Shopify no longer has these."""
        with self.context.local.session() as session:
            batch = Batch()
            self._missing(session, batch, ids, session.known(ids))
            if self.dry_run:
                return
            session.save(batch, self.context.remote.served_at or self.context.clock.now())
            self._progress(session)

    def notes(self) -> None:
        notes = self.context.result.notes
        name = self.entity.name
        if self.matched or self.ambiguous:
            notes.append(
                f"first link: {self.matched} {name} of both sides matched, {self.counts.created} only on Shopify, "
                f"{self.context.local.standing().unlinked} only here, {self.ambiguous} ambiguous"
            )
        if self.held_back:
            notes.append(f"{self.held_back} {name} deleted here still exist on Shopify; they were not brought back")

    def _progress(self, session: Session) -> None:
        self.context.result.api = self.context.remote.use
        session.progress(self.context.result)

    # deciding

    def _decide(self, session: Session, arrived: Arrived) -> Batch:
        batch = Batch()
        incoming = arrived.items
        known = session.known([item.shopify_id for item in incoming] + list(arrived.missing))
        new = [item for item in incoming if item.shopify_id not in known]
        buried = session.tombs([item.shopify_id for item in new]) if new else {}
        twins = self._twins(session, new) if new else {}
        # A row that was deleted and made again under the same key is the same record; other likeness proves nothing.
        again = {item.key: number for item in new if (number := item.shopify_id) in buried}
        anew = {again[key] for key in session.unlinked(list(again))} if again else set()
        local = self._local(session, incoming, known, twins)
        for item in incoming:
            number = item.shopify_id
            row = known.get(number)
            newer = row is not None and arrived.late and _newer(row, item, arrived.served_at)
            if newer is None:
                self.again.append(number)
            elif newer:
                self.counts.unchanged += 1  # read again meanwhile, by a push for instance
            elif row:
                self._known(batch, item, row, local.get(row.local_id))
            elif (tomb := buried.get(number)) and number not in anew:
                self.held_back += 1
                self.counts.unchanged += 1
                if tomb.handled and tomb.payload_hash != item.payload_hash and not self.entity.push.archived(item.node):
                    batch.reopen.append(tomb.id)
            elif (found := twins.get(number)) is not None:
                self._twin(batch, item, found, local)
            elif self._new(item):
                batch.create.append(item)
                self.counts.created += 1
        self._missing(session, batch, list(arrived.missing), known)
        return batch

    def _new(self, item: Incoming) -> bool:
        if self.gate is None:
            return True
        self.told.add(item.shopify_id)
        return self.gate.admits(decide.pulled(self.entity, item.node))

    def _local(
        self, session: Session, incoming: Sequence[Incoming], known: dict[int, Known], twins: dict[int, list[int]]
    ) -> dict[int, LocalRecord]:
        """The rows that have to be looked at whole: those with a local change whose other side changed too, and
        all that change where a plan is wanted."""
        wanted = []
        for item in incoming:
            row = known.get(item.shopify_id)
            changed = row is not None and (row.payload_hash != item.payload_hash or row.deleted)
            if row and changed and (row.dirty or self.gate is not None):
                wanted.append(row.local_id)
        wanted += [local_id for ids in twins.values() for local_id in ids if len(ids) == 1]
        return {record.local_id: record for record in session.read(wanted)} if wanted else {}

    def _known(self, batch: Batch, item: Incoming, row: Known, local: LocalRecord | None) -> None:
        if row.payload_hash == item.payload_hash and not row.deleted:
            self.counts.unchanged += 1
            if row.updated_at != item.updated_at:
                batch.touch.append((row.local_id, item.updated_at))
        elif local is None or (not local.dirty and self._admits(self._update(item, local))):
            batch.update.append(replace(item, local_id=row.local_id))
            self.counts.updated += 1
        elif local.unreadable:
            self.counts.unchanged += 1  # nothing can be merged with it; the push says what is wrong
        elif local.dirty:
            self._both(batch, item, local)

    def _update(self, item: Incoming, local: LocalRecord) -> Action | None:
        remote = record_of(self.entity, item.node)
        diff = compare(self.entity, local.record, remote, sendable=False)
        kind = "restore" if local.deleted else "update"
        return self._action("pull", kind, local, decide.plan_lines(self.entity, diff, "changed on Shopify"))

    def _both(self, batch: Batch, item: Incoming, local: LocalRecord) -> None:
        """Both sides changed, or may have."""
        remote = recognised(self.entity, local, record_of(self.entity, item.node))
        if local.seen is None and created_by_us(local, remote.get("created_at")):
            # We made it and were stopped before its state was read back.
            local = replace(local, seen=remote, node=item.node)
        finding = decide.look(self.entity, local, remote, self.context.rules, item.updated_at)
        if self.gate is not None and not self._plan(local, finding):
            return
        batch.settle.append(decide.settlement(local, finding, item))
        if finding.agreed or finding.to_local:
            self.counts.updated += 1
        else:
            self.counts.unchanged += 1

    def _plan(self, local: LocalRecord, finding: decide.Finding) -> bool:
        """Tell a merge to the gate; whether its part for the database is to be done."""
        if finding.disputes and self.gate is not None:
            self.gate.admits(decide.conflict_action(self.entity, local, finding.disputes))
            self.context.handled.add(local.local_id)
            if self.dry_run:
                self.counts.conflicts += 1
        if not finding.to_local:
            return not self.dry_run
        lines = decide.plan_lines(self.entity, finding.to_local, "changed on Shopify")
        return self._admits(self._action("pull", "update", local, lines))

    def _twin(self, batch: Batch, item: Incoming, ids: list[int], local: dict[int, LocalRecord]) -> None:
        """A record here that never was on Shopify, and one there of the same key."""
        self.told.add(item.shopify_id)
        if len(ids) > 1:
            self.ambiguous += 1
            self.counts.conflicts += 1
            found = decide.ambiguous(self.entity, item.shopify_id, item.key, ids)
            batch.conflicts.append(found)
            if self.gate is not None:
                self.gate.admits(decide.ambiguous_action(self.entity, found))
                self.context.handled.add(ids[0])
            return
        here = local[ids[0]]
        linked = replace(here, shopify_id=item.shopify_id)
        if self.gate is not None and not self._admits(self._action("pull", "link", linked, (), "same key")):
            self.gate.links[here.local_id] = item.shopify_id
            self._plan(linked, decide.look(self.entity, linked, record_of(self.entity, item.node), self.context.rules))
            return
        self.matched += 1
        batch.link.append((here.local_id, item.shopify_id))
        self._both(batch, item, linked)

    def _twins(self, session: Session, new: Sequence[Incoming]) -> dict[int, list[int]]:
        """Local records without a Shopify id that are the same things as new ones, by Shopify id."""
        by_key = session.unlinked([item.key for item in new])
        found = {item.shopify_id: ids for item in new if (ids := by_key.get(item.key)) is not None}
        taken = {local_id for ids in found.values() for local_id in ids}
        for item in new:
            if item.shopify_id in found:
                continue
            second = self.entity.second_key(record_of(self.entity, item.node)) if self._has_second(session) else None
            if second is not None and self._second is not None:
                ids = [local_id for local_id in self._second.get(second, ()) if local_id not in taken]
                if ids:
                    found[item.shopify_id] = ids
                    taken.update(ids)
        return found

    def _has_second(self, session: Session) -> bool:
        """Read the second keys of all unlinked records once; most runs have none."""
        if self._second is None:
            self._second = {}
            for local_id, record in session.unlinked_records():
                if (key := self.entity.second_key(record)) is not None:
                    self._second.setdefault(key, []).append(local_id)
        return bool(self._second)

    def _missing(self, session: Session, batch: Batch, ids: Sequence[int], known: dict[int, Known]) -> None:
        rows = [(number, row) for number in ids if (row := known.get(number)) and not row.deleted]
        if not rows:
            return
        edited = {r.local_id: r for r in session.read([row.local_id for _, row in rows if row.dirty])}
        policy = self.context.deletes.shopify
        for number, row in rows:
            local = edited.get(row.local_id)
            if local is not None:
                winner = decide.gone_or_edited(self.entity, self.context.rules, local)
                if winner == "":
                    batch.conflicts.append(decide.gone(self.entity, local))
                    self.counts.conflicts += 1
                if winner != "shopify":
                    continue  # the push makes it anew, or waits
                batch.conflicts += self._by_policy(local)
            if policy == "ignore":
                self.context.result.notes.append(f"local id {row.local_id} is gone on Shopify; left as it is (policy)")
                continue
            kind = "delete" if policy == "propagate" else "archive"
            record = local or LocalRecord(
                row.local_id, number, row.key, {}, None, None, None, 0, dirty=False, deleted=False
            )
            if self._admits(self._action("pull", kind, record, (), "deleted on Shopify")):
                (batch.drop if policy == "propagate" else batch.gone).append(row.local_id)
                self.counts.deleted += 1

    def _by_policy(self, local: LocalRecord) -> list[Disagreement]:
        """An edit that a policy gives up, since Shopify deleted its record."""
        found = decide.gone(self.entity, local)
        if not found.local or local.decisions.get("") is not None:
            return []
        return [decide.settled_by_policy(self.context.rules, found, "shopify")]

    # plans

    def _admits(self, action: Action | None) -> bool:
        return self.gate is None or action is None or self.gate.admits(action)

    def _action(
        self, direction: str, kind: str, local: LocalRecord, lines: tuple[PlanLine, ...], reason: str = ""
    ) -> Action | None:
        if self.gate is None:
            return None
        return Action(direction, kind, self.entity.name, local.key, local.local_id, local.shopify_id, lines, reason)


def _newer(row: Known, item: Incoming, since: datetime) -> bool | None:
    """Whether what is stored was read after `item` was, which was at `since` or later. Times are whole seconds: None
    where they can't tell."""
    if row.payload_hash == item.payload_hash or row.read_at is None or row.updated_at is None or row.read_at < since:
        return False
    if row.updated_at == item.updated_at:
        return True if row.read_at > since else None
    return row.updated_at > item.updated_at
