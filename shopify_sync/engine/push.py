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

from shopify_sync.engine import decide, turns
from shopify_sync.engine.brakes import Brakes
from shopify_sync.engine.buried import Buried
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.gone import edited_but_deleted
from shopify_sync.engine.looking import Looking
from shopify_sync.engine.method import Pace
from shopify_sync.engine.outcome import Outcome, Task
from shopify_sync.engine.own import created_by_us, recognised
from shopify_sync.engine.refusals import duplicate, unreadable
from shopify_sync.engine.sending import Sending
from shopify_sync.engine.shipping import FEW, ROUND, Shipping
from shopify_sync.engine.strays import gather
from shopify_sync.records import Action, Batch, Counts, Disagreement, Node, Operation
from shopify_sync.spec import Diff, compare, record_of, shopify_id, updated_at

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
    looking: Looking = field(init=False)
    doubtful: dict[int, Disagreement] = field(default_factory=dict)  # new records that nobody can tell apart
    last: bool = False  # nobody is waited for any more

    def __post_init__(self) -> None:
        self.entity, self.remote, self.local = self.context.entity, self.context.remote, self.context.local
        self.result, self.progress, self.gate = self.context.result, self.context.progress, self.context.gate
        self.outcome = Outcome(self.context)
        self.sending = Sending(self.context, self.outcome)
        self.shipping: Shipping | None = None
        self.looking = Looking(self.context)

    @property
    def counts(self) -> Counts:
        return self.result.counts

    def run(self) -> None:
        if not self.options.dry_run:
            gather(self.context)
        if self.options.only is None:
            self.options.brakes.before_push(self.local.standing(), first=self.local.pulled() is None)
        self.progress.start(f"push {self.entity.name}", None)
        try:
            if self.options.only is None or self.options.tombs:
                only = set(self.options.tombs) if self.options.only is not None else None
                Buried(self.context, dry_run=self.options.dry_run, only=only).run()
            self._all()
            self.outcome.settle_late()
            if not self.options.dry_run:
                with self.local.session() as session:
                    session.tell_apart()
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
        self._those_who_waited()
        sent, took = self._done() - done, clock.monotonic() - began
        if sent >= _TELLING and not self.options.dry_run:
            pace = Pace.of(self.local.recall(_PACE), _PRIOR)
            if self.shipping is not None and self.shipping.began:
                pace = pace.after_bulk(sent, self.shipping.waited_s, took)
            else:
                pace = pace.after_pages(sent, use.points - points, took - (use.waited_s - waited))
            with self.local.session() as session:
                session.remember(_PACE, pace.as_json())

    def _those_who_waited(self) -> None:
        """Records that want a key which another one had to let go of first."""
        ordered, rings = self.looking.turns.order()
        after, self.last = self.looking.turns.after, True
        # One by one: what comes first here has to be done before what follows.
        shipping, self.shipping = self.shipping, None
        for ring in rings:
            self._ring(ring)
        for ids in (ordered, after):
            for at in range(0, len(ids), BATCH):
                self._send(*self._batch(ids[at : at + BATCH], again=True))
        self.shipping = shipping

    def _ring(self, ring: Sequence[int]) -> None:
        """Each wants the key of the next: the first one steps aside until the others have theirs."""
        first, *others = ring
        self.looking.turns.going.add(first)
        send, create = self._batch([*reversed(others), first], again=True)
        leader = send[-1] if send and send[-1].local.local_id == first else None
        if leader is not None and leader.finding is not None and len(send) == len(ring):
            remote = leader.finding.remote
            aside = turns.aside(self.entity, remote)
            diff = compare(self.entity, remote, aside)
            for operation in self.entity.push.update(leader.number or 0, remote, aside, diff, self.context.facts):
                leader.errors += self.outcome.named(leader, self.remote.send(operation).errors)
        self._send(send, create)

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
            anew = [task for task in create if task.anew]
            self.sending.send(anew, [])
            self.shipping.send([task for task in create if not task.anew], send)
        else:
            self.sending.send(create, send)
        self.sending.confirm(create, send)
        if self.shipping is not None:
            self.shipping.settled()
        send.clear()
        create.clear()
        self.claimed.clear()
        self.looking.turns.going.clear()

    def _room(self) -> int:
        batch = BATCH if self.shipping is None else WIDE
        if self.options.limit is None:
            return batch
        return max(0, min(batch, self.options.limit - self.counts.seen))

    # one batch

    def _batch(self, ids: Sequence[int], *, again: bool = False) -> tuple[list[Task], list[Task]]:
        """(to be updated, to be created) of these, in this order; all else about them is done."""
        with self.local.session() as session:
            rows = turns.in_order(session.read(ids), ids)
        self.counts.seen += 0 if again else len(rows)
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
        nodes, missing = self.looking.look([task for task in tasks if task.local.shopify_id is not None])
        tasks = edited_but_deleted(self.context, tasks, missing, self._admits, dry_run=self.options.dry_run)
        existing = self.looking.find(tasks, nodes)
        send, create, adopt = self._decide(tasks, nodes, existing)
        if self.options.dry_run:
            for task in adopt:
                if task.errors and self.gate is not None:
                    self.gate.admits(decide.refused_action(self.entity, task.local, task.errors))
            return [], []
        return self._note(send, create, adopt, nodes)

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
                if task.handle in self.claimed and task.handle not in self.looking.rivals:
                    task.errors.append(duplicate(self.entity, task, None))
                    adopt.append(task)
                    continue
                holder = self.looking.turns.holder(task.handle, task.local.local_id)
                if holder is not None and not (self.options.dry_run and self.looking.turns.leaves(holder, task.handle)):
                    if self.looking.turns.leaves(holder, task.handle) and not self.last:
                        self.looking.turns.after.append(task.local.local_id)
                        continue
                    task.errors.append(duplicate(self.entity, task, holder))
                    adopt.append(task)
                    continue
                self.claimed.add(task.handle)
                if task.handle not in existing or holder is not None:
                    operation = self.entity.push.create(task.handle, task.local.record)
                    if self._admits("push", "create", task, None, "only here", [operation]):
                        create.append(task)
                    continue
                number, made_at = existing[task.handle]
                if task.handle in self.looking.rivals and not created_by_us(task.local, made_at):
                    self._doubt(number, task.handle)
                    continue
                task.local, task.linked = self.looking.ours(task.local, number, nodes.get(number), made_at), False
            elif task.linked and task.local.seen is None and task.local.shopify_id in nodes:
                # We made it and were stopped before its state was read back.
                task.local = self.looking.known_as(task.local, task.local.shopify_id, nodes[task.local.shopify_id])
            self._merge(task, nodes, send, adopt)
        return send, create, adopt

    def _doubt(self, number: int, key: str) -> None:
        """Several new records are the same one on Shopify: nobody guesses."""
        if number in self.doubtful:
            return
        found = self.doubtful[number] = decide.ambiguous(self.entity, number, key, self.looking.rivals[key])
        if self.gate is not None and found.local_id not in self.context.handled:
            self.gate.admits(decide.ambiguous_action(self.entity, found))

    def _merge(self, task: Task, nodes: dict[int, Node], send: list[Task], adopt: list[Task]) -> None:
        number = task.local.shopify_id
        node = nodes.get(number) if number is not None else None
        remote = recognised(self.entity, task.local, record_of(self.entity, node)) if node is not None else None
        changed_at = updated_at(node) if node is not None else task.local.updated_at
        task.node = node if node is not None else task.local.node
        finding = task.finding = decide.look(self.entity, task.local, remote, self.context.rules, changed_at)
        if self._waits(task, finding):
            return
        if finding.disputes:
            self.counts.conflicts += 1
            if self.gate is not None and task.local.local_id not in self.context.handled:
                self.gate.admits(decide.conflict_action(self.entity, task.local, finding.disputes))
        filled = self._filled(task, finding, node)
        if not finding.to_remote:
            if filled:
                adopt.append(task)
            return
        task.operations = self._operations(task)
        if self._admits("push", "update", task, finding.to_remote, "changed here", task.operations):
            send.append(task)

    def _filled(self, task: Task, finding: decide.Finding, node: Node | None) -> bool:
        """Tell the gate what the row gets that nobody changed on Shopify; whether it is to get it."""
        if self.gate is None or not finding.to_local:
            return True
        known = task.local.node
        moved = node is not None and (known is None or decide.differs(self.entity, known, node))
        if moved and task.linked:
            return True  # the pull has told of it
        lines = decide.plan_lines(self.entity, finding.to_local, "changed on Shopify" if moved else "left out here")
        kind, local = "update" if moved else "fill", task.local
        action = Action("pull", kind, self.entity.name, local.key, local.local_id, local.shopify_id, lines)
        return self.gate.admits(action) or moved

    def _waits(self, task: Task, finding: decide.Finding) -> bool:
        """Whether it wants a key that another record has to let go of first."""
        if self.options.dry_run or self.entity.natural_key not in finding.to_remote.fields:
            return False
        key = self.entity.push.key(finding.merged.there)
        holder = self.looking.turns.holder(key, task.local.local_id)
        first = holder is not None and holder.local_id in self.looking.turns.going
        if holder is not None and not first and not self.last and self.looking.turns.leaves(holder, key):
            self.looking.turns.waits[task.local.local_id] = holder.local_id
            return True
        if self.shipping is None:
            self.looking.turns.going.add(task.local.local_id)
        return False

    def _operations(self, task: Task) -> list[Operation]:
        if task.local.shopify_id is None or task.finding is None:
            raise AssertionError("a record to be updated has an id and a finding")
        finding = task.finding
        return self.entity.push.update(
            task.local.shopify_id, finding.remote, finding.merged.there, finding.to_remote, self.context.facts
        )

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
            session.save(Batch(conflicts=list(self.doubtful.values())), now)
            self.counts.conflicts += len(self.doubtful)
            self.doubtful.clear()
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
