"""Push: from the database to Shopify.

Changed records go in batches: read them, look at their other side, decide, write down what is about to be created,
send, read the outcome, and make it the new base. Only what Shopify confirmed is no longer dirty. Killed anywhere, the
next run finds each record either not sent (and sends it), or sent and not confirmed (and sees that nothing is left to
send).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shopify_sync.clock import Clock
from shopify_sync.engine.ports import Local, Remote, Session
from shopify_sync.engine.reconcile import Finding, Verdict, disagreements, gone, look, record_here
from shopify_sync.records import (
    Batch,
    Counts,
    Incoming,
    LocalRecord,
    Node,
    Operation,
    Progress,
    Record,
    RecordError,
    RunResult,
)
from shopify_sync.spec import Entity, ShopFacts, canonical, compare, lines, record_of, shopify_id, updated_at

BATCH = 50
# A record found on Shopify under the key that we were about to create is ours if it is not older than the intention.
# Times there have whole seconds and the Date header rounds down.
INTENT_SLACK = timedelta(seconds=2)
# Shopify processes media after its answer; a push waits this long for them, then leaves them to the next pull.
SETTLE_WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class PushOptions:
    """`only` restricts to some local ids; `again` includes records that Shopify refused as they are now."""

    limit: int | None = None
    dry_run: bool = False
    only: Sequence[int] | None = None
    again: bool = False


@dataclass(slots=True)
class _Task:
    """One record on its way out."""

    local: LocalRecord
    finding: Finding | None = None
    handle: str = ""
    number: int | None = None
    errors: list[RecordError] = field(default_factory=list)
    created: bool = False

    linked: bool = True

    @property
    def name(self) -> str:
        return self.local.key or self.handle or f"local id {self.local.local_id}"


@dataclass
class Push:
    """One push. `run` fills `result` and raises what stops a run; records not confirmed by then stay dirty."""

    entity: Entity
    remote: Remote
    local: Local
    result: RunResult
    options: PushOptions
    progress: Progress
    clock: Clock
    facts: ShopFacts
    unsettled: dict[int, int] = field(default_factory=dict)  # Shopify id -> local id, media still being processed
    refused_before: int = 0

    @property
    def counts(self) -> Counts:
        return self.result.counts

    def run(self) -> None:
        self.progress.start(f"push {self.entity.name}", None)
        after = 0
        try:
            while ids := self.local.dirty(after, self._room(), only=self.options.only):
                after = ids[-1]
                self._batch(ids)
                self.progress.advance(len(ids), points=self.remote.use.points)
                if self._room() == 0:
                    break
            self._settle_late()
        finally:
            self.progress.finish()
        if self.refused_before:
            self.result.notes.append(
                f"{self.refused_before} {self.entity.name} wait since Shopify refused them as they are; "
                "change them, or run `shopify-sync retry`"
            )

    def _room(self) -> int:
        if self.options.limit is None:
            return BATCH
        return max(0, min(BATCH, self.options.limit - self.counts.seen))

    # one batch

    def _batch(self, ids: Sequence[int]) -> None:
        with self.local.session() as session:
            rows = session.read(ids)
        self.counts.seen += len(rows)
        tasks = []
        for row in rows:
            if row.refused_rev == row.local_rev and not self.options.again:
                self.refused_before += 1
                self.counts.failed += 1
            else:
                tasks.append(_Task(row))
        nodes, missing = self._look([task for task in tasks if task.local.shopify_id is not None])
        existing = self._find([task for task in tasks if task.local.shopify_id is None], nodes)
        send, create = self._decide(tasks, nodes, missing, existing)
        if self.options.dry_run:
            self.counts.updated += len(send)
            self.counts.created += len(create)
            return
        self._send(send, create)

    def _look(self, tasks: Sequence[_Task]) -> tuple[dict[int, Node], set[int]]:
        """The nodes of those that moved on Shopify since the base, and the ids that are gone there."""
        if not tasks:
            return {}, set()
        wanted = {task.local.shopify_id: task.local.updated_at for task in tasks if task.local.shopify_id}
        stamps = self.remote.stamps(list(wanted))
        missing = {number for number in wanted if number not in stamps}
        moved = [number for number, at in wanted.items() if number in stamps and stamps[number].updated_at != at]
        fetched = self.remote.fetch(moved) if moved else None
        nodes = {shopify_id(node): node for node in fetched.nodes} if fetched else {}
        return nodes, missing | set(fetched.missing if fetched else ())

    def _find(self, tasks: Sequence[_Task], nodes: dict[int, Node]) -> dict[str, tuple[int, datetime]]:
        """A create always looks before it writes: what stands on Shopify under the keys of new records."""
        for task in tasks:
            task.handle = self.entity.push.key(task.local.record)
        if not tasks:
            return {}
        existing = self.remote.find(sorted({task.handle for task in tasks}))
        if existing:
            fetched = self.remote.fetch([number for number, _ in existing.values()])
            nodes.update({shopify_id(node): node for node in fetched.nodes})
        return existing

    def _decide(
        self,
        tasks: Sequence[_Task],
        nodes: dict[int, Node],
        missing: set[int],
        existing: dict[str, tuple[int, datetime]],
    ) -> tuple[list[_Task], list[_Task]]:
        """Sort out what needs no sending, and note in the same transaction what is about to be created."""
        send: list[_Task] = []
        create: list[_Task] = []
        claimed: set[str] = set()
        batch = Batch()
        same: list[_Task] = []
        adopt: list[_Task] = []
        for task in tasks:
            number = task.local.shopify_id
            if number in missing:
                batch.conflicts.append(gone(task.local))
                self.counts.conflicts += 1
                continue
            if number is None:
                if task.handle in claimed:
                    task.errors.append(_duplicate(task))
                    same.append(task)
                    continue
                claimed.add(task.handle)
                if task.handle not in existing:
                    create.append(task)
                    continue
                number, made_at = existing[task.handle]
                task.local, task.linked = self._ours(task.local, number, nodes.get(number), made_at), False
            elif task.local.base is None and number in nodes:
                # We made it and were stopped before its state was read back.
                task.local = replace(task.local, base=record_of(self.entity, nodes[number]))
                task.linked = False
            task.number = number
            node = nodes.get(number)
            remote = record_of(self.entity, node) if node else None
            task.finding = look(self.entity, task.local, remote)
            match task.finding.verdict:
                case Verdict.SEND:
                    send.append(task)
                case Verdict.SAME if task.linked and not self._gaps(task.local):
                    same.append(task)
                case Verdict.SAME:
                    adopt.append(task)
                case Verdict.TAKE:
                    adopt.append(task)
                case Verdict.CONFLICT:
                    batch.conflicts += disagreements(self.entity, task.local, remote or {}, task.finding)
                    self.counts.conflicts += 1
        if self.options.dry_run:
            self.counts.unchanged += len(same) + len(adopt)
            return send, create
        if unread := [task.number for task in adopt if task.number is not None and task.number not in nodes]:
            nodes.update({shopify_id(node): node for node in self.remote.fetch(unread).nodes})
        self._record(batch, same, adopt, create, nodes)
        return send, create

    def _gaps(self, local: LocalRecord) -> bool:
        """Whether something was emptied here that Shopify always has: then its value comes back."""
        return bool(compare(self.entity, local.base or {}, record_here(self.entity, local), strict=True))

    def _ours(self, local: LocalRecord, number: int, node: Node | None, made_at: datetime) -> LocalRecord:
        """Whether the record found under our key is the one that an earlier, interrupted run created.

        Then Shopify's state is the base and what differs is still to be sent. A record that was there before is
        somebody else's: no base, so every difference is in dispute.
        """
        intended = local.push_started_at
        if node is None or intended is None or made_at < intended - INTENT_SLACK:
            return local
        return replace(local, shopify_id=number, base=record_of(self.entity, node), updated_at=updated_at(node))

    def _record(
        self,
        batch: Batch,
        same: Sequence[_Task],
        adopt: Sequence[_Task],
        create: Sequence[_Task],
        nodes: dict[int, Node],
    ) -> None:
        now = self.remote.served_at or self.clock.now()
        with self.local.session() as session:
            for task in adopt:
                if task.number is not None and task.number in nodes:
                    session.settle(task.local.local_id, self._incoming(nodes[task.number]), now, keep=False)
                    self.counts.updated += 1
            for task in same:
                if task.errors:
                    self._refuse(session, task)
                    continue
                session.clean(task.local.local_id, task.local.local_rev)
                self.counts.unchanged += 1
            batch.agreed = [task.local.local_id for task in (*same, *adopt)]
            session.save(batch, now)
            session.intend([(task.local.local_id, task.handle) for task in create], now)
            session.progress(self.result)

    # sending

    def _send(self, send: Sequence[_Task], create: Sequence[_Task]) -> None:
        for task in create:
            self._create(task)
        for task in send:
            self._update(task)
        sent = [task for task in (*create, *send) if task.number is not None]
        if refused := [task for task in create if task.number is None]:
            with self.local.session() as session:
                for task in refused:
                    self._refuse(session, task)
                session.progress(self.result)
        if not sent:
            return
        fetched = self.remote.fetch([task.number for task in sent if task.number is not None])
        nodes = {shopify_id(node): node for node in fetched.nodes}
        with self.local.session() as session:
            for task in sent:
                if task.number is not None and (node := nodes.get(task.number)):
                    self._settle(session, task, node, fetched.served_at)
            self.result.api = self.remote.use
            session.progress(self.result)

    def _create(self, task: _Task) -> None:
        sent = self.remote.send(self.entity.push.create(task.handle, task.local.record))
        if sent.errors:
            task.errors += self._named(task, sent.errors)
            return
        task.number = self.entity.push.created(sent.payload)
        task.created = True
        with self.local.session() as session:
            session.link(task.local.local_id, task.number)
        self._run(task, self.entity.push.finish(task.number, task.local.record, self.facts))

    def _update(self, task: _Task) -> None:
        if task.number is None or task.finding is None:
            raise AssertionError("a record to be updated has an id and a finding")
        self._run(
            task,
            self.entity.push.update(
                task.number,
                task.local.base or {},
                record_here(self.entity, task.local),
                task.finding.ours,
                self.facts,
            ),
        )

    def _run(self, task: _Task, operations: Sequence[Operation]) -> None:
        """Send in order; what follows a refusal is left, since it may build on what was refused."""
        for operation in operations:
            sent = self.remote.send(operation)
            if sent.errors:
                task.errors += self._named(task, sent.errors)
                return

    def _settle(self, session: Session, task: _Task, node: Node, read_at: datetime) -> None:
        """Compare what Shopify has now with what was meant, and make it the base."""
        now = session.read([task.local.local_id])
        if not now:
            return  # deleted here meanwhile; the tombstone tells the next run
        local, remote = now[0], record_of(self.entity, node)
        edited = local.local_rev != task.local.local_rev
        if not task.errors:
            task.errors += self._not_applied(task, remote)
        if not edited and not task.errors:
            session.settle(local.local_id, self._incoming(node), read_at, keep=False)
            session.accept(local.local_id)
            if task.created:
                self.counts.created += 1
            else:
                self.counts.updated += 1
        else:
            self._settle_partly(session, task, local, node, remote, read_at)
        if not self.entity.push.settled(node) and task.number is not None:
            self.unsettled[task.number] = local.local_id

    def _settle_partly(
        self,
        session: Session,
        task: _Task,
        local: LocalRecord,
        node: Node,
        remote: Record,
        read_at: datetime,
    ) -> None:
        """Part was refused, or the row was edited meanwhile: move the base as far as both sides are understood.

        A field whose remote value is neither what was the base nor what we have was changed by somebody else
        between our look and now; then nothing moves, and it is written down.
        """
        here = record_here(self.entity, local)
        strange = {line.path for line in lines(self.entity, compare(self.entity, here, remote))} & {
            line.path for line in lines(self.entity, compare(self.entity, task.local.base or remote, remote))
        }
        sent = {line.path for line in lines(self.entity, task.finding.ours)} if task.finding else set()
        if strange - sent:
            finding = look(self.entity, local, remote)
            batch = Batch(conflicts=disagreements(self.entity, local, remote, finding, kind="timestamp"))
            session.save(batch, read_at)
            self.counts.conflicts += 1
        else:
            session.settle(local.local_id, self._incoming(node), read_at, keep=True)
        if task.errors:
            self._refuse(session, task)
        else:
            self.counts.updated += 1

    def _not_applied(self, task: _Task, remote: Record) -> list[RecordError]:
        """What Shopify accepted and yet did not do: fields that still have the value from before."""
        if task.finding is None or task.local.base is None:
            return []
        moved = {line.path for line in lines(self.entity, compare(self.entity, task.local.base, remote))}
        wanted = {line.path: line for line in lines(self.entity, task.finding.ours)}
        kept = [
            path for path in wanted if path not in moved and not path.endswith(".order") and "published" not in path
        ]
        return [
            RecordError(
                message="Shopify accepted the change but still has the old value",
                code="NOT_APPLIED",
                field_path=path,
                category="not-applied",
                remedy="look at the record on Shopify; another app or a plan limit may hold this field",
                record_key=task.name,
                shopify_id=task.number,
                local_id=task.local.local_id,
            )
            for path in kept
        ]

    def _refuse(self, session: Session, task: _Task) -> None:
        session.refuse(self.result.run_id or 0, task.local.local_id, task.local.local_rev, task.errors)
        self.result.errors += task.errors
        self.counts.failed += 1

    def _named(self, task: _Task, errors: Sequence[RecordError]) -> list[RecordError]:
        return [
            replace(error, record_key=task.name, local_id=task.local.local_id, shopify_id=task.number)
            for error in errors
        ]

    def _settle_late(self) -> None:
        """Wait a while for media that Shopify is still processing, so that their addresses are stored as well."""
        for wait_s in SETTLE_WAITS_S:
            if not self.unsettled:
                return
            self.progress.waiting(wait_s, "media are being processed")
            self.clock.sleep(wait_s)
            fetched = self.remote.fetch(list(self.unsettled))
            with self.local.session() as session:
                known = session.known([shopify_id(node) for node in fetched.nodes])
                for node in fetched.nodes:
                    number = shopify_id(node)
                    if not self.entity.push.settled(node):
                        continue
                    self.unsettled.pop(number)
                    if (row := known.get(number)) and not row.dirty:
                        session.settle(row.local_id, self._incoming(node), fetched.served_at, keep=False)
                session.progress(self.result)
        if self.unsettled:
            self.result.notes.append(
                f"Shopify is still processing the media of {len(self.unsettled)} {self.entity.name}; "
                "the next pull stores their addresses"
            )

    def _incoming(self, node: Node) -> Incoming:
        payload, digest = canonical(self.entity, node)
        return Incoming(node, payload, digest, updated_at(node))


def _duplicate(task: _Task) -> RecordError:
    return RecordError(
        message=f"another new record here has the same key {task.handle!r}",
        code="DUPLICATE_KEY",
        field_path="handle",
        category="validation",
        remedy="give one of them another handle",
        record_key=task.name,
        local_id=task.local.local_id,
    )
