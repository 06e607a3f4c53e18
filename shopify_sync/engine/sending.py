"""Sending what a push has decided, one operation after the other, and reading back what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shopify_sync.engine.chunks import Context
from shopify_sync.engine.outcome import Outcome, Task
from shopify_sync.records import Operation, Record
from shopify_sync.spec import shopify_id
from shopify_sync.spec.compare import label


@dataclass
class Sending:
    """Refusals are in each task's `errors`, new ids in its record."""

    context: Context
    outcome: Outcome

    def __post_init__(self) -> None:
        self.entity, self.remote, self.local = self.context.entity, self.context.remote, self.context.local
        self.result = self.context.result

    def send(self, creations: Sequence[Task], updates: Sequence[Task]) -> None:
        for task in creations:
            self._create(task)
        for task in updates:
            self._run(task, task.operations)

    def confirm(self, creations: Sequence[Task], updates: Sequence[Task]) -> None:
        """Read back what was sent; only that is no longer waiting."""
        sent = [task for task in (*creations, *updates) if task.number is not None]
        if refused := [task for task in creations if task.number is None]:
            with self.local.session() as session:
                for task in refused:
                    self.outcome.refuse(session, task)
                session.progress(self.result)
        while sent:
            size = max(1, self.remote.fetch_size())
            some, sent = sent[:size], sent[size:]
            fetched = self.remote.fetch([task.number for task in some if task.number is not None])
            nodes = {shopify_id(node): node for node in fetched.nodes}
            with self.local.session() as session:
                for task in some:
                    if task.number is not None and (node := nodes.get(task.number)):
                        self.outcome.settle(session, task, node, fetched.served_at)
                self.result.api = self.remote.use
                session.progress(self.result)

    def _create(self, task: Task) -> None:
        sent = self.remote.send(self.entity.push.create(task.handle, task.local.record))
        if sent.errors and task.anew and (left := self._without_foreign(task)):
            sent = self.remote.send(self.entity.push.create(task.handle, task.local.record))
            if not sent.errors:
                self._leave_out(task, left)
        if sent.errors:
            task.errors += self.outcome.named(task, sent.errors)
            return
        number = self.entity.push.created(sent.payload)
        task.local = replace(task.local, shopify_id=number)
        task.created = True
        with self.local.session() as session:
            session.link(task.local.local_id, number)
        self._run(task, self.entity.push.finish(number, task.local.record, self.context.facts))

    def _without_foreign(self, task: Task) -> dict[str, list[Record]]:
        """Take out of a record that is made anew what other apps may own; what was taken out, by its list."""
        record, left = dict(task.local.record), dict[str, list[Record]]()
        for child in self.entity.children:
            if found := [item for item in record[child.name] if child.foreign(item)]:
                left[child.name] = found
                record[child.name] = [item for item in record[child.name] if not child.foreign(item)]
        if left:
            task.local = replace(task.local, record=record)
        return left

    def _leave_out(self, task: Task, left: dict[str, list[Record]]) -> None:
        """They went with the record on Shopify, and only their app can bring them back."""
        with self.local.session() as session:
            for name, items in left.items():
                child = self.entity.child[name]
                session.drop_elements(child, [item["local_id"] for item in items])
                told = ", ".join(label(child, item) for item in items)
                self.result.notes.append(f"{task.name}: only the app that owns them can make these {name} anew: {told}")

    def _run(self, task: Task, operations: Sequence[Operation]) -> None:
        """Send in order; what follows a refusal is left, since it may build on what was refused."""
        for operation in operations:
            sent = self.remote.send(operation)
            if sent.errors:
                task.errors += self.outcome.named(task, sent.errors)
                return
