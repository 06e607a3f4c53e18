"""What came of a push: Shopify's answer against what was sent, and what the database is to make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shopify_sync.engine import decide
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.merge import Merged
from shopify_sync.engine.own import recognised
from shopify_sync.engine.ports import Session
from shopify_sync.records import Batch, Counts, Dispute, LocalRecord, Node, Operation, Record, RecordError
from shopify_sync.spec import Diff, compare, lines, record_of, shopify_id

# Shopify processes media after its answer; a push waits this long for them, then leaves them to the next pull.
SETTLE_WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(slots=True)
class Task:
    """One record on its way out. `node` is what Shopify had before; `journal` the row that remembers it."""

    local: LocalRecord
    finding: decide.Finding | None = None
    operations: list[Operation] = field(default_factory=list)
    node: Node | None = None
    handle: str = ""
    errors: list[RecordError] = field(default_factory=list)
    created: bool = False
    linked: bool = True
    anew: bool = False  # Shopify had it, and deleted it
    journal: int | None = None

    @property
    def number(self) -> int | None:
        return self.local.shopify_id

    @property
    def name(self) -> str:
        return self.local.key or self.handle or f"local id {self.local.local_id}"


@dataclass
class Outcome:
    """Settles tasks. `unsettled` are those whose media Shopify still processes: Shopify id -> local id."""

    context: Context
    unsettled: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.entity, self.result = self.context.entity, self.context.result

    @property
    def counts(self) -> Counts:
        return self.result.counts

    def adopt(self, session: Session, task: Task, nodes: dict[int, Node], now: datetime) -> None:
        """Nothing is to be sent: the merge is carried out here."""
        finding, number = task.finding, task.number
        if finding is None or number is None:
            raise AssertionError("a record to be adopted has an id and a finding")
        node = nodes.get(number)
        if finding.agreed and node is None:
            session.clean(task.local.local_id, task.local.local_rev)
            self.counts.unchanged += 1
        else:
            incoming = decide.arriving(self.entity, node) if node is not None else None
            session.save(Batch(settle=[decide.settlement(task.local, finding, incoming)]), now)
            self.counts.updated += bool(finding.to_local)
            self.counts.unchanged += not finding.to_local
        session.accept(task.local.local_id)

    def take_over(self, session: Session, task: Task, nodes: dict[int, Node], now: datetime) -> None:
        """The database's half of a merge, before the other half is sent: so the rows are what both sides will be."""
        finding = task.finding
        if finding is None or task.number is None:
            raise AssertionError("a record to be updated has an id and a finding")
        node = nodes.get(task.number)
        if node is None and not finding.to_local and not finding.disputes and not finding.merged.settled:
            return
        incoming = decide.arriving(self.entity, node) if node is not None else None
        session.save(Batch(settle=[decide.settlement(task.local, finding, incoming)]), now)

    def settle(self, session: Session, task: Task, node: Node, read_at: datetime) -> None:
        """Compare what Shopify has now with what was meant, and make it the base."""
        if task.journal is not None:
            session.journal_outcome(task.journal, node)
        rows = session.read([task.local.local_id])
        if not rows:
            return  # deleted here meanwhile; the tombstone tells the next run
        now = replace(rows[0], shopify_id=shopify_id(node))
        remote = recognised(self.entity, task.local, record_of(self.entity, node), sent=not task.errors)
        sent = task.finding or _creation(self.entity.complete(task.local.record, None))
        if not task.errors:
            task.errors += self._not_applied(task, sent, remote)
        finding = decide.settled_after(self.entity, sent, now, remote, self.context.rules, refused=bool(task.errors))
        if not task.errors and not task.created:
            finding.merged.settled += self._overtaken(sent, remote)
        session.save(Batch(settle=[decide.settlement(now, finding, decide.arriving(self.entity, node))]), read_at)
        if task.errors:
            self.refuse(session, task)
        else:
            session.accept(now.local_id)
            self.counts.created += task.created
            self.counts.updated += not task.created
        if not self.entity.push.settled(node):
            self.unsettled[shopify_id(node)] = now.local_id

    def refuse(self, session: Session, task: Task) -> None:
        session.refuse(self.result.run_id or 0, task.local.local_id, task.local.local_rev, task.errors)
        self.result.errors += task.errors
        self.counts.failed += 1

    def named(self, task: Task, errors: Sequence[RecordError]) -> list[RecordError]:
        return [
            replace(error, record_key=task.name, local_id=task.local.local_id, shopify_id=task.number)
            for error in errors
        ]

    def settle_late(self) -> None:
        """Wait a while for media that Shopify is still processing, so that their addresses are stored as well."""
        remote, clock = self.context.remote, self.context.clock
        for wait_s in SETTLE_WAITS_S:
            if not self.unsettled:
                return
            self.context.progress.waiting(wait_s, "media are being processed")
            clock.sleep(wait_s)
            fetched = remote.fetch(list(self.unsettled))
            with self.context.local.session() as session:
                known = session.known([shopify_id(node) for node in fetched.nodes])
                for node in fetched.nodes:
                    number = shopify_id(node)
                    if not self.entity.push.settled(node):
                        continue
                    self.unsettled.pop(number)
                    if (row := known.get(number)) and not row.dirty:
                        incoming = replace(decide.arriving(self.entity, node), local_id=row.local_id)
                        session.save(Batch(update=[incoming]), fetched.served_at)
                session.progress(self.result)
            for number in fetched.missing:
                self.unsettled.pop(number, None)
        if self.unsettled:
            self.result.notes.append(
                f"Shopify is still processing the media of {len(self.unsettled)} {self.entity.name}; "
                "the next pull stores their addresses"
            )

    def _not_applied(self, task: Task, sent: decide.Finding, remote: Record) -> list[RecordError]:
        """What Shopify accepted and yet did not do: fields that still have the value from before."""
        if task.created:
            kept = self._left_out(sent.merged.there, remote)
        else:
            moved = {line.path for line in lines(self.entity, compare(self.entity, sent.remote, remote))}
            wanted = [line.path for line in lines(self.entity, sent.to_remote)]
            kept = [p for p in wanted if p not in moved and not p.endswith(".order") and p not in self._quiet]
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

    def _left_out(self, sent: Record, remote: Record) -> list[str]:
        """Fields and list elements of a new record that Shopify does not have."""
        missing = [
            column.name
            for column in self.entity.columns
            if column.maps.sendable
            and sent.get(column.name) not in (None, "", [], {})
            and remote.get(column.name) in (None, "", [], {})
        ]
        return missing + [
            child.name
            for child in self.entity.children
            if len(remote.get(child.name) or []) < len(sent.get(child.name) or [])
        ]

    def _overtaken(self, sent: decide.Finding, remote: Record) -> list[Dispute]:
        """What was sent and is now something else again: somebody wrote it after us. Theirs is the later edit and
        stays; that it happened is written down."""
        wanted = {line.path: line for line in lines(self.entity, sent.to_remote)}
        differs = {line.path: line for line in lines(self.entity, compare(self.entity, sent.merged.there, remote))}
        return [
            Dispute(
                path=path,
                base=wanted[path].before,
                local=line.before,
                remote=line.after,
                take="shopify",
                by="sync:overtaken",
            )
            for path, line in differs.items()
            if path in wanted and not path.endswith((".order", "]")) and path not in self._quiet
        ]

    @property
    def _quiet(self) -> set[str]:
        """Fields that Shopify sets by its own clock when it is asked to."""
        return {column.name for column in self.entity.columns if not column.maps.sendable}


def _creation(record: Record) -> decide.Finding:
    """What was sent of a new record: all of it."""
    return decide.Finding(Merged(record, record), {}, Diff(), Diff())
