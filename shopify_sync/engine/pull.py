"""Pull: from Shopify into the database.

A light listing (ids and times, oldest change first) says what may have changed; only that is fetched whole, and
each chunk is stored together with the run's counts, each page with the cursor behind it. The watermark moves when
the last page is stored, to the server's time when the pull began, so a record that changes while we read is read
again next time. Where Shopify's answers lag behind its writes, the overlap covers it.

Where much has changed, a bulk operation is quicker: see `exporting.py`, and `method.py` for how that is decided.

A listing tells nothing of what was deleted. So each pull compares the numbers of records of both sides, and where
they have come apart (or when it is time, or with `full`) all ids: see `reconcile.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shopify_sync.engine.ahead import ahead
from shopify_sync.engine.brakes import Brakes
from shopify_sync.engine.chunks import Chunks, Context
from shopify_sync.engine.exporting import BulkPull, changed_since, under_way
from shopify_sync.engine.method import Pace
from shopify_sync.engine.own import certain
from shopify_sync.engine.reconcile import Reconcile
from shopify_sync.engine.strays import gather
from shopify_sync.errors import RequestRefused
from shopify_sync.records import Checkpoint, Counts, Fetched, Known, Listed, Page, Standing

LIST_PAGE = 250  # the most a connection gives; a light page of it costs 13 points
# Shopify pages no deeper than 25,000 objects under one query text (shopify.dev, "Pagination"); then we move the text.
WINDOW = 20_000
# More than Shopify counts exactly.
_MANY = 25_000
_PACE = "pace"
_TELLING = 100  # records from which on a pull says something about the pace


@dataclass(frozen=True, slots=True)
class PullOptions:
    """`since`, `limit` and `only` (Shopify ids) look at a part only, so they leave the watermark alone. `full` reads
    everything again. `method` is `auto`, `paged` or `bulk`. Deletions are looked for every `reconcile_every_s` seconds
    at least."""

    full: bool = False
    method: str = "auto"
    since: datetime | None = None
    limit: int | None = None
    only: Sequence[int] | None = None
    overlap_s: float = 300.0
    reconcile_every_s: float = 86_400.0
    dry_run: bool = False
    window: int = WINDOW
    brakes: Brakes = field(default_factory=Brakes)
    push_follows: bool = False

    @property
    def partial(self) -> bool:
        return self.since is not None or self.limit is not None or self.only is not None or self.dry_run


@dataclass(slots=True)
class _Answer:
    """A part of a page: how many were listed, how many of them are known to be as they were, and those fetched."""

    listed: int = 0
    known: int = 0
    fetched: Fetched | None = None
    after: Checkpoint | None = None


@dataclass
class Pull:
    """One pull. `run` fills the result and raises what stops a run; what is stored by then stays valid."""

    context: Context
    options: PullOptions
    chunks: Chunks = field(init=False)
    listed_at: datetime | None = field(default=None, init=False)  # when one bulk operation listed everything

    def __post_init__(self) -> None:
        self.chunks = Chunks(self.context, dry_run=self.options.dry_run)
        self.entity, self.remote, self.local = self.context.entity, self.context.remote, self.context.local
        self.result, self.progress = self.context.result, self.context.progress

    @property
    def counts(self) -> Counts:
        return self.result.counts

    def run(self) -> None:
        if not self.options.dry_run:
            gather(self.context)
        if self.options.only is not None:
            self._some(self.options.only)
            return
        stored = self.local.checkpoint()
        start = self._start(stored)
        if self.context.exports is not None and not under_way(start) and not self.options.partial:
            BulkPull(self.context, self.chunks, self.context.exports).abandon(stored)
        total = None
        if not self.options.partial or self.options.dry_run:
            total = self.remote.count(None)
            standing, first = self.local.standing(), stored.watermark is None
            had = (stored.counted or {}).get("linked")
            self.options.brakes.before_pull(standing, total, first=first, had=had)
            if self.options.push_follows:
                self.options.brakes.before_push(standing, first=first)
        self.progress.start(f"pull {self.entity.name}", total if start.query == "" else None)
        try:
            self._read(start, total)
            if not self.options.partial or self.options.dry_run:
                self._compare_sides(stored, total)
        finally:
            self.progress.finish()
        self.chunks.notes()

    def _some(self, ids: Sequence[int]) -> None:
        """Just these records, whatever the listing says of them."""
        self.progress.start(f"pull {self.entity.name}", len(ids))
        try:
            self.counts.seen += len(ids)
            for chunk in self.chunks.cut(list(ids)):
                self.chunks.store(self.remote.fetch(chunk), None)
                self.progress.advance(len(chunk), points=self.remote.use.points)
        finally:
            self.progress.finish()
        self.chunks.notes()

    def _start(self, stored: Checkpoint) -> Checkpoint:
        """Where to begin. `query` is "" for everything."""
        options = self.options
        if options.since is not None:
            return Checkpoint(stored.watermark, query=changed_since(options.since))
        unfinished = stored.started_at is not None and stored.query is not None
        if unfinished and not options.partial and (not options.full or stored.query == ""):
            self.result.notes.append("continued an unfinished pull where it stopped")
            return stored
        if options.full or stored.watermark is None:
            return Checkpoint(stored.watermark, query="", counted=stored.counted)
        query = changed_since(stored.watermark - timedelta(seconds=options.overlap_s))
        return Checkpoint(stored.watermark, query=query, counted=stored.counted)

    def _read(self, start: Checkpoint, total: int | None) -> None:
        """All that is to be read, by the method that will be done sooner."""
        bulk = self._exports(start)
        if bulk is None:
            self._pages(start)
            return
        first = None
        pace = Pace.of(self.local.recall(_PACE))
        wanted, size = self.options.method == "bulk" or under_way(start), total
        if not wanted:
            if start.query != "":
                first = self._list(start.query, start.cursor)
                size = self.remote.count(start.query) if first is not None and first.more else 0
            size = _MANY if size is None else size
            budget = bulk.exports.budget
            wanted, bulk.pages_s = pace.prefers_bulk(size, budget), pace.paged(size, budget)
        use, clock, seen = self.remote.use, self.context.clock, self.counts.seen
        began, waited, points = clock.monotonic(), use.waited_s, use.points
        rest = None
        if wanted:
            rest = bulk.run(start, size)
            self.listed_at = bulk.listed_at if start.query == "" else None
            if rest is not None and not bulk.done:
                if bulk.slow_s is not None and size:
                    self._remember_pace(pace.after_bulk(size, bulk.slow_s, bulk.slow_s))
                self._pages(rest)
                return
        else:
            self._pages(start, first)
        records, took = self.counts.seen - seen, clock.monotonic() - began
        # What was under way was partly done before, and tells nothing of the pace.
        if records >= _TELLING and not self.options.partial and not under_way(start):
            if wanted:
                pace = pace.after_bulk(records, bulk.waited_s, took)
            else:
                pace = pace.after_pages(records, use.points - points, took - (use.waited_s - waited))
            self._remember_pace(pace)
        if rest is not None:
            self._pages(rest)

    def _remember_pace(self, pace: Pace) -> None:
        with self.local.session() as session:
            session.remember(_PACE, pace.as_json())

    def _exports(self, start: Checkpoint) -> BulkPull | None:
        """A bulk pull, where one may be."""
        exports, options = self.context.exports, self.options
        if exports is None or options.dry_run or options.limit is not None:
            return None
        bulk = BulkPull(self.context, self.chunks, exports, keep=not options.partial)
        if under_way(start):
            if options.method != "paged":
                return bulk
            bulk.abandon(start)
            self.result.notes.append("gave up the bulk operation of an unfinished pull")
            return None
        if options.method == "bulk":
            return bulk
        return bulk if options.method == "auto" and start.cursor is None and not options.partial else None

    def _pages(self, at: Checkpoint, first: Page | None = None) -> None:
        """Read page after page; the next answer is fetched while the last one is stored."""
        with ahead(self._answers(at, first)) as answers:
            for answer in answers:
                self.counts.seen += answer.listed
                self.counts.unchanged += answer.known
                self.progress.advance(answer.known)
                self.chunks.store(answer.fetched, None if self.options.partial else answer.after)
                if answer.fetched is not None:
                    done = len(answer.fetched.nodes) + len(answer.fetched.missing)
                    self.progress.advance(done, points=self.remote.use.points)

    def _answers(self, at: Checkpoint, first: Page | None) -> Iterator[_Answer]:
        query, started_at = at.query, at.started_at
        cursor = None if under_way(at) else at.cursor
        listed = seen = 0  # under the present query text, and in all
        more = True
        while more:
            page = first or self._list(query, cursor, seen)
            first = None
            if page is None:  # Shopify no longer knows the cursor of an unfinished pull
                cursor, listed = None, 0
                continue
            started_at = started_at or page.served_at
            listed, seen = listed + len(page.items), seen + len(page.items)
            more, cursor = page.more and not self._enough(seen), page.cursor
            if more and listed >= self.options.window:
                moved = changed_since(page.items[-1].updated_at)
                if moved != query:
                    query, cursor, listed = moved, None, 0
            after = Checkpoint(at.watermark, cursor, query, started_at) if more else Checkpoint(started_at)
            yield from self._fetched(page, replace(after, counted=at.counted))

    def _fetched(self, page: Page, after: Checkpoint) -> Iterator[_Answer]:
        """What has to be fetched of a page. The checkpoint belongs to the last of it."""
        ids = [item.shopify_id for item in page.items]
        hints = {} if self.options.full else self.local.known(ids)
        wanted = [item.shopify_id for item in page.items if not _certain(hints.get(item.shopify_id), item)]
        answer = _Answer(listed=len(ids), known=len(ids) - len(wanted))
        while wanted:
            size = self.remote.fetch_size()
            answer.fetched = self.remote.fetch(wanted[:size])
            wanted = wanted[size:]
            if wanted:
                yield answer
                answer = _Answer()
        answer.after = after
        yield answer

    def _list(self, query: str | None, cursor: str | None, seen: int = 0) -> Page | None:
        limit = LIST_PAGE
        if self.options.limit is not None:
            limit = max(1, min(limit, self.options.limit - seen))
        try:
            return self.remote.list(query or None, cursor, limit)
        except RequestRefused:
            if cursor is None:
                raise
            return None

    def _enough(self, seen: int) -> bool:
        return self.options.limit is not None and seen >= self.options.limit

    def _compare_sides(self, before: Checkpoint, total: int | None) -> None:
        """Look for what was deleted on Shopify, and for what a listing never showed, where there is reason to."""
        now = self.remote.served_at or self.context.clock.now()
        counted = before.counted or {}
        standing = self.local.standing()
        planned = len(self.chunks.told) if self.options.dry_run else 0  # those would be here by now
        drift = None if total is None else total - standing.linked - standing.absent - planned
        if before.watermark is None and drift is not None:
            # All was just listed; what came or went meanwhile shows in the numbers of the next pull.
            if not self.options.dry_run:
                self._remember(0, now)
            return
        if before.watermark is None and self.listed_at is not None and self._nothing_else(standing):
            # Too many to be counted exactly; what went meanwhile is looked for when it is time.
            self._remember(0, self.listed_at)
            return
        at = datetime.fromisoformat(counted["at"]) if counted.get("at") else None
        due = at is None or (now - at).total_seconds() > self.options.reconcile_every_s
        moved = drift is not None and drift != counted.get("drift", 0)
        if not (self.options.full or due or moved):
            return
        whole = Reconcile(self.context, self.chunks, self.options.brakes)
        expected = counted.get("drift", 0)
        told = (
            drift is not None and not self.options.full and not due and whole.told(before.watermark, expected - drift)
        )
        if not told:
            whole.run()
        if self.options.dry_run:
            return
        if told:
            self._remember(expected, datetime.fromisoformat(counted["at"]))
            return
        after = self.local.standing()
        count = self.remote.count(None) if moved or drift is None else total
        self._remember(0 if count is None else count - after.linked - after.absent, now)

    def _nothing_else(self, standing: Standing) -> bool:
        """Whether the records here are those that were just listed, none of an earlier try."""
        return standing.linked == self.counts.seen and not self.chunks.held_back and not self.chunks.ambiguous

    def _remember(self, drift: int, at: datetime) -> None:
        linked = self.local.standing().linked
        with self.local.session() as session:
            session.counted({"drift": drift, "at": at.isoformat(), "linked": linked})


def _certain(hint: Known | None, item: Listed) -> bool:
    """Whether the listing alone proves that what is stored is what Shopify has."""
    return (
        hint is not None
        and not hint.deleted
        and hint.updated_at == item.updated_at
        and certain(hint.read_at, item.updated_at)
    )
