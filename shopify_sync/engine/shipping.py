"""Push by bulk operations: many records' mutations as lines of a file, which Shopify carries out by itself.

Each record's operations stay in their order: the first ones of all records go together, document by document, then
those that follow for the records whose first ones succeeded. What is not worth an operation is sent one by one.

Before a file goes out it is stored which records' lines it holds. So a run that was killed waits for its own operation
and reads what became of each line before it looks at anything; no line is carried out a second time by that. A line of
which Shopify tells nothing is sent again by itself: every write of ours may be repeated (see the entity's `Push`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from shopify_sync.engine.chunks import Context
from shopify_sync.engine.outcome import Outcome, Task
from shopify_sync.engine.ports import Imports
from shopify_sync.errors import BulkRefused, SlotsTaken, SyncError
from shopify_sync.records import Export, Operation, Sent

FEW = 25  # lines below which no operation is started
ROUND = 1_000  # records that are prepared, sent and read back together
_KEPT = "import"
_BEAT_S = 20.0
_SLACK = timedelta(hours=1)
_Waiting: TypeAlias = tuple[Task, list[Operation]]  # what is still to be sent of it, in order


@dataclass
class Shipping:
    """Sends the operations of many tasks. `began` counts bulk operations, `waited_s` how long they took."""

    context: Context
    outcome: Outcome
    imports: Imports
    began: int = 0
    waited_s: float = 0.0
    _beaten_at: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.entity, self.remote, self.local = self.context.entity, self.context.remote, self.context.local
        self.clock = self.context.clock

    # after a crash

    def take_up(self) -> None:
        """Wait for the operations of a run that did not end, and store what became of their lines."""
        kept = self._kept()
        for job in kept:
            export = self.imports.find(job["token"], datetime.fromisoformat(job["at"]) - _SLACK)
            if export is None:
                continue
            self._note("read the results of an unfinished push's bulk operation")
            export = self._waited(export)
            for number, sent in self.imports.results(export, job["root"], self._beat):
                if number < len(job["lines"]):
                    local_id, local_rev = job["lines"][number]
                    self._recorded(local_id, local_rev, sent)
        self._forget()

    def _recorded(self, local_id: int, local_rev: int, sent: Sent) -> None:
        """What was refused is not sent again as it is; a new record is known by its id."""
        with self.local.session() as session:
            rows = session.read([local_id])
            if not rows or rows[0].local_rev != local_rev:
                return
            if sent.errors:
                errors = self.outcome.named(Task(rows[0]), sent.errors)
                session.refuse(self.context.result.run_id or 0, local_id, local_rev, errors)
                self.context.result.errors += errors
            elif rows[0].shopify_id is None:
                session.link(local_id, self.entity.push.created(sent.payload))

    # sending

    def send(self, creations: Sequence[Task], updates: Sequence[Task]) -> None:
        """Carry out everything; refusals are in each task's `errors`, new ids in its record."""
        waiting: list[_Waiting] = [(task, list(task.operations)) for task in updates]
        waiting += [(task, [self.entity.push.create(task.handle, task.local.record)]) for task in creations]
        new = {id(task) for task in creations}
        while waiting:
            together: dict[str, list[_Waiting]] = {}
            for task, operations in waiting:
                together.setdefault(operations[0].document, []).append((task, operations))
            waiting = []
            for group in together.values():
                for (task, operations), sent in self._sent(group):
                    if sent.errors:
                        task.errors += self.outcome.named(task, sent.errors)
                        continue
                    following = operations[1:]
                    if id(task) in new and not task.created:
                        following = self._made(task, sent)
                    if following:
                        waiting.append((task, following))

    def _made(self, task: Task, sent: Sent) -> list[Operation]:
        number = self.entity.push.created(sent.payload)
        task.local, task.created = replace(task.local, shopify_id=number), True
        with self.local.session() as session:
            session.link(task.local.local_id, number)
        return self.entity.push.finish(number, task.local.record, self.context.facts)

    def _sent(self, group: list[_Waiting]) -> Iterator[tuple[_Waiting, Sent]]:
        while len(group) >= FEW:
            count, results = self._in_bulk(group)
            yield from ((group[number], sent) for number, sent in results.items())
            # What Shopify said nothing about is sent again, by itself.
            group = [each for number, each in enumerate(group) if number not in results]
            if len(results) < max(count, 1):
                break
        for each in group:
            yield each, self.remote.send(each[1][0])

    def _in_bulk(self, group: Sequence[_Waiting]) -> tuple[int, dict[int, Sent]]:
        """(how many lines fitted into one file, what became of them by number). No lines: it could not be started."""
        first = group[0][1][0]
        token = secrets.token_hex(8)
        count = self.imports.write(token, (operations[0].variables for _, operations in group))
        job = {
            "token": token,
            "at": self.clock.now().isoformat(),
            "root": first.root,
            "lines": [[task.local.local_id, task.local.local_rev] for task, _ in group[:count]],
        }
        with self.local.session() as session:
            session.remember(_KEPT, {"jobs": [*self._kept(), job]})
        try:
            export = self.imports.start(first, token)
        except (SlotsTaken, BulkRefused) as error:
            self._note(f"{error.what}; sent one by one")
            return 0, {}
        self.began += 1
        began = self.clock.monotonic()
        export = self._waited(export)
        self.waited_s += self.clock.monotonic() - began
        found = self.imports.results(export, first.root, self._beat)
        results = {number: sent for number, sent in found if number < count}
        if len(results) < count:
            why = f" ({export.error_code})" if export.error_code else ""
            self._note(
                f"a bulk operation ended as {export.status}{why} and told of {len(results):,} of {count:,} lines; "
                "the others were sent one by one"
            )
        return count, results

    def settled(self) -> None:
        """All that was sent is stored: nothing is left to be taken up."""
        self._forget()

    def _kept(self) -> list[dict[str, Any]]:
        return list((self.local.recall(_KEPT) or {}).get("jobs") or [])

    # waiting

    def _waited(self, export: Export) -> Export:
        try:
            return self.imports.wait(export, self._told)
        except KeyboardInterrupt:
            with suppress(SyncError):  # what the user did is what is told
                self.imports.cancel(export)
            raise

    def _told(self, export: Export) -> None:
        self._beat()
        self.context.progress.waiting(0, f"Shopify has done {export.objects:,} lines")

    def _beat(self) -> None:
        """Keep the lease through what may take hours."""
        now = self.clock.monotonic()
        if now - self._beaten_at > _BEAT_S:
            self._beaten_at = now
            with self.local.session() as session:
                session.progress(self.context.result)

    def _forget(self) -> None:
        if self._kept():
            with self.local.session() as session:
                session.remember(_KEPT, {})
        self.imports.sweep()

    def _note(self, text: str) -> None:
        if text not in self.context.result.notes:
            self.context.result.notes.append(text)
