"""Pull: from Shopify into the database.

A light listing (ids and times, oldest change first) says what may have changed; only that is fetched whole, and
each chunk is stored together with the run's counts, each page with the cursor behind it. The watermark moves when
the last page is stored, to the server's time when the pull began, so a record that changes while we read is read
again next time. Where Shopify's answers lag behind its writes, the overlap covers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shopify_sync.engine.ports import Local, Remote, Session
from shopify_sync.engine.reconcile import Verdict, disagreements, look
from shopify_sync.errors import RequestRefused
from shopify_sync.records import (
    Batch,
    Checkpoint,
    Counts,
    Fetched,
    Incoming,
    Known,
    Listed,
    LocalRecord,
    Node,
    Page,
    Progress,
    RunResult,
)
from shopify_sync.spec import Entity, canonical, record_of, shopify_id, updated_at

LIST_PAGE = 250  # the most a connection gives; a light page of it costs 13 points
# Shopify pages no deeper than 25,000 objects under one query text (shopify.dev, "Pagination"); then we move the text.
WINDOW = 20_000
# `updatedAt` has whole seconds: a second change within the same second does not show in it. A record read at least
# this long after its last change was read with all of that second's changes.
CERTAIN_AFTER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class PullOptions:
    """`since` and `limit` look at a part only, so they leave the watermark alone. `full` reads everything again."""

    full: bool = False
    since: datetime | None = None
    limit: int | None = None
    overlap_s: float = 300.0
    dry_run: bool = False
    window: int = WINDOW

    @property
    def partial(self) -> bool:
        return self.since is not None or self.limit is not None or self.dry_run


@dataclass
class Pull:
    """One pull. `run` fills `result` and raises what stops a run; what is stored by then stays valid."""

    entity: Entity
    remote: Remote
    local: Local
    result: RunResult
    options: PullOptions
    progress: Progress
    held_back: int = 0

    @property
    def counts(self) -> Counts:
        return self.result.counts

    def run(self) -> None:
        start = self._start(self.local.checkpoint())
        total = None
        if start.query == "" and start.cursor is None and self.options.limit is None:
            total = self.remote.count(None)
        self.progress.start(f"pull {self.entity.name}", total)
        try:
            self._pages(start)
        finally:
            self.progress.finish()
        if self.held_back:
            self.result.notes.append(
                f"{self.held_back} {self.entity.name} deleted here still exist on Shopify; they were not brought back"
            )

    def _start(self, stored: Checkpoint) -> Checkpoint:
        """Where to begin. `query` is "" for everything."""
        options = self.options
        if options.since is not None:
            return Checkpoint(stored.watermark, query=_since(options.since))
        unfinished = stored.started_at is not None and stored.query is not None
        if unfinished and not options.partial and (not options.full or stored.query == ""):
            self.result.notes.append("continued an unfinished pull where it stopped")
            return stored
        if options.full or stored.watermark is None:
            return Checkpoint(stored.watermark, query="")
        return Checkpoint(stored.watermark, query=_since(stored.watermark - timedelta(seconds=options.overlap_s)))

    def _pages(self, at: Checkpoint) -> None:
        query, cursor, started_at = at.query, at.cursor, at.started_at
        listed = 0  # under the present query text
        while True:
            page = self._list(query, cursor)
            if page is None:  # Shopify no longer knows the cursor of an unfinished pull
                cursor, listed = None, 0
                continue
            started_at = started_at or page.served_at
            listed += len(page.items)
            more, cursor = page.more and not self._enough(page), page.cursor
            if more and listed >= self.options.window:
                moved = _since(page.items[-1].updated_at)
                if moved != query:
                    query, cursor, listed = moved, None, 0
            self._store(page, Checkpoint(at.watermark, cursor, query, started_at) if more else Checkpoint(started_at))
            if not more:
                return

    def _list(self, query: str | None, cursor: str | None) -> Page | None:
        limit = LIST_PAGE
        if self.options.limit is not None:
            limit = max(1, min(limit, self.options.limit - self.counts.seen))
        try:
            return self.remote.list(query or None, cursor, limit)
        except RequestRefused:
            if cursor is None:
                raise
            return None

    def _enough(self, page: Page) -> bool:
        return self.options.limit is not None and self.counts.seen + len(page.items) >= self.options.limit

    def _store(self, page: Page, after: Checkpoint) -> None:
        ids = [item.shopify_id for item in page.items]
        hints = {} if self.options.full else self.local.known(ids)
        wanted = [item.shopify_id for item in page.items if not _certain(hints.get(item.shopify_id), item)]
        self.counts.seen += len(ids)
        self.counts.unchanged += len(ids) - len(wanted)
        self.progress.advance(len(ids) - len(wanted))
        size = self.remote.fetch_size()
        chunks = [wanted[at : at + size] for at in range(0, len(wanted), size)]
        for at, chunk in enumerate(chunks):
            fetched = self.remote.fetch(chunk)
            self._commit(fetched, after if at == len(chunks) - 1 else None)
            self.progress.advance(len(chunk), points=self.remote.use.points)
        if not chunks:
            self._commit(None, after)

    def _commit(self, fetched: Fetched | None, after: Checkpoint | None) -> None:
        with self.local.session() as session:
            if fetched is not None:
                batch = self._decide(session, fetched)
                if not self.options.dry_run:
                    session.save(batch, fetched.served_at)
            if self.options.dry_run:
                return
            if after is not None and not self.options.partial:
                session.checkpoint(after)
            self.result.api = self.remote.use
            session.progress(self.result)

    def _decide(self, session: Session, fetched: Fetched) -> Batch:
        batch = Batch()
        incoming = [self._incoming(node) for node in fetched.nodes]
        known = session.known([shopify_id(item.node) for item in incoming] + list(fetched.missing))
        new = [item for item in incoming if shopify_id(item.node) not in known]
        buried = session.buried([shopify_id(item.node) for item in new]) if new else set()
        unlinked = session.unlinked([self._key(item.node) for item in new]) if new else {}
        local = self._local(session, incoming, known, unlinked)
        for item in incoming:
            number = shopify_id(item.node)
            if row := known.get(number):
                self._known(batch, item, row, local.get(row.local_id))
            elif number in buried:
                self.held_back += 1
                self.counts.unchanged += 1
            elif (local_id := unlinked.get(self._key(item.node))) is not None:
                self._both(batch, item, local[local_id])
            else:
                batch.create.append(item)
                self.counts.created += 1
        for number in fetched.missing:
            if (row := known.get(number)) and not row.dirty and not row.deleted:
                batch.gone.append(row.local_id)
                self.counts.deleted += 1
        return batch

    def _local(
        self,
        session: Session,
        incoming: Sequence[Incoming],
        known: dict[int, Known],
        unlinked: dict[str, int],
    ) -> dict[int, LocalRecord]:
        """The rows that have to be looked at whole: those with a local change whose other side changed too."""
        wanted = []
        for item in incoming:
            row = known.get(shopify_id(item.node))
            if row and row.dirty and row.payload_hash != item.payload_hash:
                wanted.append(row.local_id)
        wanted += unlinked.values()
        return {record.local_id: record for record in session.read(wanted)} if wanted else {}

    def _known(self, batch: Batch, item: Incoming, row: Known, local: LocalRecord | None) -> None:
        if row.payload_hash == item.payload_hash and not row.deleted:
            self.counts.unchanged += 1
            if row.updated_at != item.updated_at:
                batch.touch.append((row.local_id, item.updated_at))
        elif local is None:
            batch.update.append(replace(item, local_id=row.local_id))
            self.counts.updated += 1
        else:
            self._both(batch, item, local)

    def _both(self, batch: Batch, item: Incoming, local: LocalRecord) -> None:
        remote = record_of(self.entity, item.node)
        finding = look(self.entity, local, remote)
        if finding.verdict is Verdict.CONFLICT:
            batch.conflicts += disagreements(self.entity, local, remote, finding)
            self.counts.conflicts += 1
        elif finding.verdict is Verdict.SEND:
            self.counts.unchanged += 1
        else:
            batch.update.append(replace(item, local_id=local.local_id))
            batch.agreed.append(local.local_id)
            self.counts.updated += 1

    def _incoming(self, node: Node) -> Incoming:
        payload, digest = canonical(self.entity, node)
        return Incoming(node, payload, digest, updated_at(node))

    def _key(self, node: Node) -> str:
        return str(node[self.entity.natural_key])


def _certain(hint: Known | None, item: Listed) -> bool:
    """Whether the listing alone proves that what is stored is what Shopify has."""
    return (
        hint is not None
        and not hint.deleted
        and hint.updated_at == item.updated_at
        and hint.read_at is not None
        and hint.read_at >= item.updated_at + CERTAIN_AFTER
    )


def _since(moment: datetime) -> str:
    """Search text for what changed at or after a moment. Source: shopify.dev, "Search syntax"."""
    return f"updated_at:>='{moment.isoformat(timespec='seconds').replace('+00:00', 'Z')}'"
