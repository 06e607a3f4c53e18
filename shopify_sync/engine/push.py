"""Push: from the database to Shopify.

Changed records go in batches: read them, look at their other side, merge, write down what is about to be sent and
what was there before, send, read the outcome, and make it the new base. Only what Shopify confirmed is no longer
dirty. Killed anywhere, the next run finds each record either not sent (and sends it), or sent and not confirmed (and
sees that nothing is left to send). Deletions come first (`buried.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shopify_sync.engine import decide
from shopify_sync.engine.brakes import Brakes
from shopify_sync.engine.buried import Buried
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.method import Pace
from shopify_sync.engine.outcome import Outcome, Task
from shopify_sync.engine.own import certain, created_by_us, recognised
from shopify_sync.engine.refusals import duplicate, unlinked, unreadable
from shopify_sync.engine.sending import Sending
from shopify_sync.engine.shipping import FEW, ROUND, Shipping
from shopify_sync.records import Action, Batch, Counts, LocalRecord, Node, Operation
from shopify_sync.spec import Diff, record_of, shopify_id, updated_at

BATCH = 50
WIDE = 250  # records looked at together where many are sent in bulk
_PACE = "push_pace"
# Before anything is known of the shop: 10 points a mutation and what the look and the reading back take, a third of a
# second for each, and bulk operations of which one line took 3 s (bulk-operation-run-mutation-created-status).
_PRIOR = Pace(points=10.5, paged_s=0.3, bulk_s=0.05, start_s=3.0)
_TELLING = 50  # records from which on a push says something about the pace


@dataclass(frozen=True, slots=True)
class PushOptions:
    """`method` is `auto`, `single` or `bulk`. `only` restricts to some local ids, and to deletions of the Shopify ids
    `tombs`; `again` includes records that Shopify refused as they are now."""

    method: str = "auto"
    limit: int | None = None
    dry_run: bool = False
    only: Sequence[int] | None = None
    tombs: Sequence[int] = ()
    again: bool = False
    brakes: Brakes = field(default_factory=Brakes)


@dataclass
class Push:
    """One push. `run` fills the result and raises what stops a run; records not confirmed by then stay dirty."""

    context: Context
    options: PushOptions
    outcome: Outcome = field(init=False)
    refused_before: int = 0
    claimed: set[str] = field(default_factory=set)  # keys of what is about to be created
    rivals: dict[str, list[int]] = field(default_factory=dict)  # several new records of a key that Shopify has

    def __post_init__(self) -> None:
        self.entity, self.remote, self.local = self.context.entity, self.context.remote, self.context.local
        self.result, self.progress, self.gate = self.context.result, self.context.progress, self.context.gate
        self.outcome = Outcome(self.context)
        self.sending = Sending(self.context, self.outcome)
        self.shipping: Shipping | None = None

    @property
    def counts(self) -> Counts:
        return self.result.counts

    def run(self) -> None:
        if self.options.only is None:
            self.options.brakes.before_push(self.local.standing(), first=self.local.pulled() is None)
        self.progress.start(f"push {self.entity.name}", None)
        try:
            if self.options.only is None or self.options.tombs:
                only = set(self.options.tombs) if self.options.only is not None else None
                Buried(self.context, dry_run=self.options.dry_run, only=only).run()
            self._all()
            self.outcome.settle_late()
        finally:
            self.progress.finish()
        if self.refused_before:
            self.result.notes.append(
                f"{self.refused_before} {self.entity.name} wait since Shopify refused them as they are; "
                "change them, or run `shopify-sync retry`"
            )

    def _all(self) -> None:
        """Every changed record, by the method that will be done sooner."""
        if self.context.imports is not None and not self.options.dry_run:
            shipping = Shipping(self.context, self.outcome, self.context.imports)
            shipping.take_up()
            if self._in_bulk():
                self.shipping = shipping
        clock, use = self.context.clock, self.remote.use
        began, waited, points, done = clock.monotonic(), use.waited_s, use.points, self._done()
        after = 0
        send: list[Task] = []
        create: list[Task] = []
        while ids := self.local.dirty(after, self._room(), only=self.options.only):
            after = ids[-1]
            changed, new = self._batch(ids)
            send += changed
            create += new
            if self.shipping is None or len(send) + len(create) >= ROUND:
                self._send(send, create)
            self.progress.advance(len(ids), points=use.points)
            if self._room() == 0:
                break
        self._send(send, create)
        sent, took = self._done() - done, clock.monotonic() - began
        if sent >= _TELLING and not self.options.dry_run:
            pace = Pace.of(self.local.recall(_PACE), _PRIOR)
            if self.shipping is not None and self.shipping.began:
                pace = pace.after_bulk(sent, self.shipping.waited_s, took)
            else:
                pace = pace.after_pages(sent, use.points - points, took - (use.waited_s - waited))
            with self.local.session() as session:
                session.remember(_PACE, pace.as_json())

    def _done(self) -> int:
        return self.counts.created + self.counts.updated

    def _in_bulk(self) -> bool:
        if self.options.method != "auto" or self.gate is not None:
            return self.options.method == "bulk" and self.gate is None
        standing = self.local.standing()
        many = standing.changed + standing.unlinked
        if self.options.only is not None:
            many = len(self.options.only)
        if self.options.limit is not None:
            many = min(many, self.options.limit)
        budget = self.context.imports.budget if self.context.imports is not None else None
        pace = Pace.of(self.local.recall(_PACE), _PRIOR)
        return budget is not None and pace.prefers_bulk(many, budget, few=FEW)

    def _send(self, send: list[Task], create: list[Task]) -> None:
        """Send these, read them back, and make that the new base. The lists are empty then."""
        if self.shipping is not None:
            self.shipping.send(create, send)
        else:
            self.sending.send(create, send)
        self.sending.confirm(create, send)
        if self.shipping is not None:
            self.shipping.settled()
        send.clear()
        create.clear()
        self.claimed.clear()

    def _room(self) -> int:
        batch = BATCH if self.shipping is None else WIDE
        if self.options.limit is None:
            return batch
        return max(0, min(batch, self.options.limit - self.counts.seen))

    # one batch

    def _batch(self, ids: Sequence[int]) -> tuple[list[Task], list[Task]]:
        """(to be updated, to be created) of these; all else about them is done."""
        with self.local.session() as session:
            rows = session.read(ids)
        self.counts.seen += len(rows)
        tasks = []
        for row in rows:
            if row.refused_rev == row.local_rev and not self.options.again:
                self.refused_before += 1
                self.counts.failed += 1
            elif row.held_rev == row.local_rev and not row.decisions and self.gate is None:
                self.counts.conflicts += 1  # nothing is left to do but to decide
            else:
                tasks.append(Task(row, errors=[unreadable(row, path) for path in row.unreadable]))
                if self.gate is not None and row.shopify_id is None and row.local_id in self.gate.links:
                    tasks[-1].local = replace(row, shopify_id=self.gate.links[row.local_id])
                    tasks[-1].linked = False
        nodes, missing = self._look([task for task in tasks if task.local.shopify_id is not None])
        tasks = self._edited_but_deleted(tasks, missing)
        existing = self._find([task for task in tasks if task.local.shopify_id is None], nodes)
        send, create, adopt = self._decide(tasks, nodes, existing)
        if self.options.dry_run:
            return [], []
        return self._note(send, create, adopt, nodes)

    def _look(self, tasks: Sequence[Task]) -> tuple[dict[int, Node], set[int]]:
        """The nodes of those that moved, or may have, since they were read, and the ids that are gone there."""
        if not tasks:
            return {}, set()
        wanted = {task.local.shopify_id: task.local.updated_at for task in tasks if task.local.shopify_id}
        stamps = self.remote.stamps(list(wanted))
        missing = {number for number in wanted if number not in stamps}
        read = {task.local.shopify_id: task.local.read_at for task in tasks if task.local.seen is not None}
        moved = [
            number
            for number, at in wanted.items()
            if number in stamps
            and (stamps[number].updated_at != at or not certain(read.get(number), stamps[number].updated_at))
        ]
        fetched = self.remote.fetch(moved) if moved else None
        nodes = {shopify_id(node): node for node in fetched.nodes} if fetched else {}
        return nodes, missing | set(fetched.missing if fetched else ())

    def _edited_but_deleted(self, tasks: Sequence[Task], missing: set[int]) -> list[Task]:
        """Records that Shopify no longer has: in dispute, unless somebody or a policy has decided."""
        left: list[Task] = []
        batch = Batch()
        anew: list[int] = []
        for task in tasks:
            number = task.local.shopify_id
            if number is None or number not in missing:
                left.append(task)
                continue
            winner = decide.gone_or_edited(self.entity, self.context.rules, task.local)
            if winner == "":
                batch.conflicts.append(decide.gone(self.entity, task.local))
                self.counts.conflicts += 1
                self._admits("conflict", "conflict", task, Diff(), "edited here, deleted on Shopify")
            elif winner == "shopify":
                if self._admits("pull", "archive", task, Diff(), "deleted on Shopify"):
                    batch.gone.append(task.local.local_id)
                    self.counts.deleted += 1
            else:
                anew.append(task.local.local_id)
                task.local = unlinked(task.local)
                left.append(task)
        if not self.options.dry_run and (batch.conflicts or batch.gone or anew):
            with self.local.session() as session:
                session.unlink(anew)
                session.save(batch, self.remote.served_at or self.context.clock.now())
        return left

    def _find(self, tasks: Sequence[Task], nodes: dict[int, Node]) -> dict[str, tuple[int, datetime]]:
        """A create always looks before it writes: what stands on Shopify under the keys of new records."""
        for task in tasks:
            task.handle = self.entity.push.key(task.local.record)
        if not tasks:
            return {}
        existing = self.remote.find(sorted({task.handle for task in tasks}))
        if existing:
            fetched = self.remote.fetch([number for number, _ in existing.values()])
            nodes.update({shopify_id(node): node for node in fetched.nodes})
            with self.local.session() as session:
                self.rivals = {key: ids for key, ids in session.unlinked(list(existing)).items() if len(ids) > 1}
        return existing

    def _decide(
        self, tasks: Sequence[Task], nodes: dict[int, Node], existing: dict[str, tuple[int, datetime]]
    ) -> tuple[list[Task], list[Task], list[Task]]:
        """(to be updated, to be created, only to be settled here)."""
        send: list[Task] = []
        create: list[Task] = []
        adopt: list[Task] = []
        for task in tasks:
            if task.errors:
                adopt.append(task)
                continue
            if task.local.shopify_id is None:
                if task.handle in self.claimed and task.handle not in self.rivals:
                    task.errors.append(duplicate(task))
                    adopt.append(task)
                    continue
                self.claimed.add(task.handle)
                if task.handle not in existing:
                    operation = self.entity.push.create(task.handle, task.local.record)
                    if self._admits("push", "create", task, None, "only here", [operation]):
                        create.append(task)
                    continue
                number, made_at = existing[task.handle]
                if task.handle in self.rivals and not created_by_us(task.local, made_at):
                    self.counts.conflicts += 1  # the pull has told which they are; nobody guesses
                    continue
                task.local, task.linked = self._ours(task.local, number, nodes.get(number), made_at), False
            elif task.linked and task.local.seen is None and task.local.shopify_id in nodes:
                # We made it and were stopped before its state was read back.
                task.local = self._known_as(task.local, task.local.shopify_id, nodes[task.local.shopify_id])
            self._merge(task, nodes, send, adopt)
        return send, create, adopt

    def _merge(self, task: Task, nodes: dict[int, Node], send: list[Task], adopt: list[Task]) -> None:
        number = task.local.shopify_id
        node = nodes.get(number) if number is not None else None
        remote = recognised(self.entity, task.local, record_of(self.entity, node)) if node is not None else None
        changed_at = updated_at(node) if node is not None else task.local.updated_at
        task.node = node if node is not None else task.local.node
        finding = task.finding = decide.look(self.entity, task.local, remote, self.context.rules, changed_at)
        if finding.disputes:
            self.counts.conflicts += 1
            if self.gate is not None and task.local.local_id not in self.context.handled:
                self.gate.admits(decide.conflict_action(self.entity, task.local, finding.disputes))
        if not finding.to_remote:
            adopt.append(task)
            return
        task.operations = self._operations(task)
        if self._admits("push", "update", task, finding.to_remote, "changed here", task.operations):
            send.append(task)

    def _operations(self, task: Task) -> list[Operation]:
        if task.local.shopify_id is None or task.finding is None:
            raise AssertionError("a record to be updated has an id and a finding")
        finding = task.finding
        return self.entity.push.update(
            task.local.shopify_id, finding.remote, finding.merged.there, finding.to_remote, self.context.facts
        )

    def _ours(self, local: LocalRecord, number: int, node: Node | None, made_at: datetime) -> LocalRecord:
        """Whether the record found under our key is the one that an earlier, interrupted run created.

        Then Shopify's state is the base and what differs is still to be sent. A record that was there before is
        somebody else's: no base, so every difference is in dispute.
        """
        linked = replace(local, shopify_id=number)
        if node is None or not created_by_us(local, made_at):
            return linked
        return self._known_as(linked, number, node)

    def _known_as(self, local: LocalRecord, number: int, node: Node) -> LocalRecord:
        """Shopify's state is the base."""
        seen = recognised(self.entity, local, record_of(self.entity, node))
        return replace(local, shopify_id=number, seen=seen, node=node, updated_at=updated_at(node))

    def _note(
        self, send: Sequence[Task], create: Sequence[Task], adopt: Sequence[Task], nodes: dict[int, Node]
    ) -> tuple[list[Task], list[Task]]:
        """Before anything is sent: take over here what the other side has, note what is there and what will be sent.

        What was edited here since it was read is left to the next run. The rest is returned.
        """
        if unread := [
            number
            for task in adopt
            if not task.errors
            and (number := task.local.shopify_id) is not None
            and number not in nodes
            and task.finding is not None
            and task.finding.to_local
            and task.finding.agreed
        ]:
            nodes.update({shopify_id(node): node for node in self.remote.fetch(unread).nodes})
        now = self.remote.served_at or self.context.clock.now()
        with self.local.session() as session:
            fresh = session.fresh({task.local.local_id: task.local.local_rev for task in (*send, *create, *adopt)})
            send, create, adopt = (
                [task for task in tasks if task.local.local_id in fresh] for tasks in (send, create, adopt)
            )
            linked = [
                (task.local.local_id, task.local.shopify_id)
                for task in (*send, *adopt)
                if not task.linked and not task.errors and task.local.shopify_id is not None
            ]
            session.save(Batch(link=linked), now)
            for task in adopt:
                if task.errors:
                    self.outcome.refuse(session, task)
                else:
                    self.outcome.adopt(session, task, nodes, now)
            for task in send:
                self.outcome.take_over(session, task, nodes, now)
            session.intend([(task.local.local_id, task.handle) for task in create], now)
            for task in create:
                task.journal = session.journal(task.local, "create", None, task.local.record)
            for task in send:
                there = task.finding.merged.there if task.finding else None
                task.journal = session.journal(task.local, "update", task.node, there)
            self.result.api = self.remote.use
            session.progress(self.result)
        return send, create

    # plans

    def _admits(
        self,
        direction: str,
        kind: str,
        task: Task,
        diff: Diff | None,
        reason: str,
        operations: Sequence[Operation] = (),
    ) -> bool:
        """`diff` None stands for: all of it is new."""
        if self.gate is None:
            return True
        lines = decide.creation_lines(task.local.record) if diff is None else ()
        if diff is not None:
            lines = decide.plan_lines(self.entity, diff, reason)
        local = task.local
        action = Action(direction, kind, self.entity.name, task.name, local.local_id, local.shopify_id, lines, reason)
        return self.gate.admits(action, operations)
