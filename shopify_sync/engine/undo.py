"""Undo: putting back what runs changed, on both sides.

What a run changed is in its journal: for each record and side, what stood there before and after. The reverse is a
merge again: base is what the run left, local what stood there before, remote what stands there now. So what nobody
touched since goes back, and what was edited since stays. Undoing is a run with a journal of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shopify_sync.engine import decide, turns
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.merge import Rules, merge
from shopify_sync.records import Action, Change, Fetched, LocalRecord, Node, Operation, PlanLine, Record
from shopify_sync.spec import Diff, canonical, compare, record_of, shopify_id
from shopify_sync.spec.mapping import revived_record

BATCH = 50
# What was edited after the run stays.
_LATER_WINS = Rules(prefer="shopify")


@dataclass(slots=True)
class Reversal:
    """One record. `here` and `there` are the first and last change of a side; None where it was not changed."""

    local_id: int | None
    shopify_id: int | None
    key: str
    here: tuple[Change, Change] | None = None
    there: tuple[Change, Change] | None = None
    operations: list[Operation] = field(default_factory=list)
    wanted: Record | None = None  # what Shopify is to have
    current: Node | None = None
    restore: Record | None = None  # what the rows are to have
    erase: bool = False
    journal: int | None = None
    made: int | None = None  # Shopify's id of a record that was made again


@dataclass
class Undo:
    """Reverses changes. `kept` counts fields and records that were edited since and stay."""

    context: Context
    changes: Sequence[Change]
    dry_run: bool = False
    kept: int = 0
    again: dict[int, Reversal] = field(default_factory=dict)  # that want a key which another one still has, by its id()
    rows: dict[int, LocalRecord] = field(default_factory=dict)  # of those
    last: bool = False

    def __post_init__(self) -> None:
        self.entity, self.remote, self.local = self.context.entity, self.context.remote, self.context.local
        self.result, self.gate = self.context.result, self.context.gate

    def run(self) -> None:
        found = reversals(self.changes)
        self.context.progress.start(f"undo {self.entity.name}", len(found))
        try:
            for at in range(0, len(found), BATCH):
                self._batch(found[at : at + BATCH])
                self.context.progress.advance(len(found[at : at + BATCH]), points=self.remote.use.points)
            if self.again:
                self.last = True
                later = list(self.again.values())
                self._write([one for one in self._send_all(later) if one.here is not None], self.rows)
        finally:
            self.context.progress.finish()
        if self.kept:
            self.result.notes.append(f"{self.kept} fields or records were edited since and stay as they are")

    def _batch(self, found: Sequence[Reversal]) -> None:
        self.result.counts.seen += len(found)
        ids = [one.shopify_id for one in found if one.there is not None and one.shopify_id is not None]
        fetched = self.remote.fetch(ids) if ids else None
        nodes = {shopify_id(node): node for node in fetched.nodes} if fetched else {}
        with self.local.session() as session:
            rows = {row.local_id: row for row in session.read([one.local_id for one in found if one.local_id])}
        send: list[Reversal] = []
        write: list[Reversal] = []
        for one in found:
            row = rows.get(one.local_id or 0)
            if one.there is not None and self._shopify(one, nodes.get(one.shopify_id or 0)):
                send.append(one)
            if one.here is not None and self._rows(one, row):
                write.append(one)
        if self.dry_run:
            return
        self._note(send, rows)
        done = self._send_all(send)
        refused = {id(one) for one in send} - {id(one) for one in done}
        self._write([one for one in write if id(one) not in refused], rows)
        self.rows |= rows if self.again else {}

    def _send_all(self, send: Sequence[Reversal]) -> list[Reversal]:
        """Send these, and note what came of it; those that Shopify took."""
        self._aside(send)
        done = [one for one in send if self._send(one)]
        answers = self._answers(done)
        nodes = {shopify_id(node): node for node in answers.nodes} if answers else {}
        with self.local.session() as session:
            for one in done:
                if one.journal is not None:
                    session.journal_outcome(one.journal, nodes.get(one.made or one.shopify_id or 0))
                self.result.counts.updated += 1
                if one.there is not None and one.there[0].action in ("archive", "delete") and one.local_id:
                    session.unbury(one.local_id, one.there[0].before, one.made)
            self.result.api = self.remote.use
            session.progress(self.result)
        return done

    # Shopify's side

    def _shopify(self, one: Reversal, node: Node | None) -> bool:
        """Whether something is to be sent for this record, and what."""
        if one.there is None:
            return False
        first, last = one.there
        one.current = node
        after = self._record(last.after)
        if first.action == "create":
            if node is None:
                return False
            if after is None or compare(self.entity, after, record_of(self.entity, node)):
                self.kept += 1
                return False
            remove = self.entity.push.remove
            if remove is None:
                return False
            one.operations = [remove(shopify_id(node))]
            return self._admits("push", "delete", one, (), "made by the run")
        before = self._record(first.before)
        if before is None:
            return False
        if node is None:
            if last.action != "delete":
                self.kept += 1
                return False
            one.operations = [self.entity.push.create(str(before[self.entity.natural_key]), before)]
            lines = decide.creation_lines(before)
            return self._admits("push", "create", one, lines, "deleted by the run")
        now = record_of(self.entity, node)
        merged = merge(self.entity, after if after is not None else now, before, now, _LATER_WINS)
        self.kept += len(merged.settled)
        diff = compare(self.entity, now, merged.there)
        if not diff or one.shopify_id is None:
            return False
        one.wanted = merged.there
        one.operations = self.entity.push.update(one.shopify_id, now, merged.there, diff, self.context.facts)
        return self._admits("push", "update", one, self._lines(diff), "changed by the run")

    def _record(self, state: object) -> Record | None:
        """A side's journalled state in our words."""
        if not isinstance(state, dict):
            return None
        if node := state.get("node") or state.get("payload"):
            return record_of(self.entity, node)
        told = state.get("record") or state.get("sent")
        return revived_record(self.entity, told) if isinstance(told, dict) else None

    # this side

    def _rows(self, one: Reversal, row: LocalRecord | None) -> bool:
        if one.here is None:
            return False
        first, last = one.here
        if first.action == "create":
            if row is None:
                return False
            digest = last.after.get("hash") if isinstance(last.after, dict) else None
            if row.dirty or row.node is None or canonical(self.entity, row.node)[1] != digest:
                self.kept += 1
                return False
            one.erase = True
            return self._admits("pull", "delete", one, (), "made by the run")
        before = self._record(self._told(first.before))
        if before is None:
            return False
        if row is None:
            if last.action != "delete":
                self.kept += 1
                return False
            one.restore = before
            return self._admits("pull", "create", one, decide.creation_lines(before), "deleted by the run")
        after = self._after(last, row)
        one.restore = before
        if compare(self.entity, after, row.record, sendable=False):  # edited since
            merged = merge(self.entity, after, before, row.record, _LATER_WINS)
            self.kept += len(merged.settled)
            one.restore = merged.here
        diff = compare(self.entity, row.record, one.restore, sendable=False)
        kind = "update"
        if row.deleted and last.action == "archive":
            kind = "restore"
        elif not row.deleted and self._was_deleted(first.before):
            kind = "archive"
        return self._admits("pull", kind, one, self._lines(diff), "changed by the run")

    def _was_deleted(self, state: object) -> bool:
        row = state.get("row") if isinstance(state, dict) else None
        return bool(row and row.get("deleted_at"))

    def _told(self, state: object) -> object:
        if isinstance(state, dict) and "record" in state:
            return {"record": state["record"]}
        return state

    def _after(self, last: Change, row: LocalRecord) -> Record:
        """What the run left in the rows: told, or what Shopify had then."""
        state = last.after if isinstance(last.after, dict) else {}
        if "record" in state:
            return revived_record(self.entity, state["record"])
        if last.later is not None and (found := self._record(last.later)) is not None:
            return found
        return row.seen if row.seen is not None else row.record

    # doing it

    def _note(self, send: Sequence[Reversal], rows: dict[int, LocalRecord]) -> None:
        with self.local.session() as session:
            for one in send:
                local = rows.get(one.local_id or 0) or _stand_in(one)
                kind = "create" if one.current is None else ("delete" if one.wanted is None else "update")
                one.journal = session.journal(local, kind, one.current, one.wanted)
            session.progress(self.result)

    def _aside(self, send: Sequence[Reversal]) -> None:
        """Those whose key another one is to have back step aside first, so that keys can go round."""
        now = {self._key(one): one for one in send if one.current is not None and one.wanted is not None}
        for one in send:
            holder = now.get(self.entity.push.key(one.wanted)) if one.wanted is not None else None
            if holder is None or holder is one or holder.current is None or self._keeps(holder):
                continue
            before = record_of(self.entity, holder.current)
            stepped = turns.aside(self.entity, before)
            diff = compare(self.entity, before, stepped)
            for operation in self.entity.push.update(holder.shopify_id or 0, before, stepped, diff, self.context.facts):
                self.remote.send(operation)

    def _key(self, one: Reversal) -> str:
        return str(record_of(self.entity, one.current)[self.entity.natural_key] or "") if one.current else ""

    def _keeps(self, one: Reversal) -> bool:
        return one.wanted is None or self._key(one) == self.entity.push.key(one.wanted)

    def _send(self, one: Reversal) -> bool:
        """Whether Shopify took it. What failed for want of a key is tried once more when all else is done."""
        for operation in one.operations:
            sent = self.remote.send(operation)
            if sent.errors:
                if not self.last and not self._keeps(one):
                    self.again[id(one)] = one
                    return False
                self.result.errors += [
                    replace(error, record_key=one.key, local_id=one.local_id, shopify_id=one.shopify_id)
                    for error in sent.errors
                ]
                self.result.counts.failed += 1
                return False
            if one.current is None:
                one.made = self.entity.push.created(sent.payload)
        return True

    def _write(self, write: Sequence[Reversal], rows: dict[int, LocalRecord]) -> None:
        with self.local.session() as session:
            for one in write:
                if one.erase and one.local_id is not None:
                    session.erase(one.local_id)
                    self.result.counts.deleted += 1
                elif one.here is not None and one.restore is not None:
                    unlinked = one.there is not None and one.there[0].action == "create"
                    session.put_back(rows.get(one.local_id or 0), one.restore, one.here[0], unlink=unlinked)
                    self.result.counts.updated += 1
            self.result.api = self.remote.use
            session.progress(self.result)

    def _answers(self, send: Sequence[Reversal]) -> Fetched | None:
        ids = [number for one in send if (number := one.made or one.shopify_id) is not None]
        return self.remote.fetch(ids) if ids else None

    def _lines(self, diff: Diff) -> tuple[PlanLine, ...]:
        return decide.plan_lines(self.entity, diff)

    def _admits(self, direction: str, kind: str, one: Reversal, lines: tuple[PlanLine, ...], reason: str) -> bool:
        if direction == "pull" and kind == "update" and not lines:
            return not self.dry_run  # only the base goes back; nothing that anybody would see
        if self.gate is None:
            return True
        action = Action(direction, kind, self.entity.name, one.key, one.local_id, one.shopify_id, lines, reason)
        return self.gate.admits(action, one.operations if direction == "push" else ())


def reversals(changes: Sequence[Change]) -> list[Reversal]:
    """Changes by record, the last changed first."""
    found: dict[tuple[int | None, int | None], Reversal] = {}
    for change in changes:
        identity = (change.local_id, None) if change.local_id is not None else (None, change.shopify_id)
        one = found.setdefault(identity, Reversal(change.local_id, change.shopify_id, change.key))
        one.shopify_id = change.shopify_id if change.shopify_id is not None else one.shopify_id
        one.key = one.key or change.key
        side = one.here if change.side == "local" else one.there
        pair = (side[0] if side is not None else change, change)
        if change.side == "local":
            one.here = pair
        else:
            one.there = pair
    return list(reversed(found.values()))


def _stand_in(one: Reversal) -> LocalRecord:
    """For a record that is no longer here."""
    return LocalRecord(one.local_id or 0, one.shopify_id, one.key, {}, None, None, None, 0, dirty=False, deleted=False)
