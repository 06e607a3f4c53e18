"""Pull by a bulk operation: one query that Shopify carries out by itself, and a file of its answer.

The intention to start one is stored before it is asked for, under a word that stands in the operation's name. So a run
that was killed finds its own operation again, running or done, and starts no second one. Everything that is stored is
what a page would have said at the time when the operation began; what changed since is the next pull's.

What can't be had this way (an operation that fails, expires, is cancelled, or whose file is damaged) is had by pages.
Of a partial file nothing is stored: it can't prove that a record's lists are whole.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shopify_sync.engine.chunks import Arrived, Chunks, Context
from shopify_sync.engine.ports import Exports
from shopify_sync.errors import MissingScope, SlotsTaken, SyncError, Unreachable
from shopify_sync.records import Checkpoint, Export, Incoming

# Into an empty database: records in one transaction (the more of them, the fewer times each page of an index is
# written), and records that are put together and turned into rows at once, few enough for the processor's cache.
PART, READ = 1_000, 25
# Into one that has records, both: most of these are known, and are whole in memory until that is sure.
KNOWN_PART = 500
_MARK = "bulk:"
_BEAT_S = 20.0
# An operation tells how far it is; after so many seconds that is believed.
_TRIAL_S = 3.0
# What an older operation tells is followed by what has changed since.
_FRESH = timedelta(seconds=60)
# Results are kept for seven days (Admin schema, `BulkOperation.url`). One that is nearly as old is not waited for.
_USABLE = timedelta(days=6)
# Clocks here and at Shopify may differ by as much.
_SLACK = timedelta(hours=1)


class _Slower(Exception):
    """Pages would be done sooner than the rest of this operation, which takes `seconds` in all."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def changed_since(moment: datetime) -> str:
    """Search text for what changed at or after a moment. Source: shopify.dev, "Search syntax"."""
    return f"updated_at:>='{moment.isoformat(timespec='seconds').replace('+00:00', 'Z')}'"


def under_way(at: Checkpoint) -> bool:
    """Whether a checkpoint is that of an unfinished bulk pull."""
    return at.cursor is not None and at.cursor.startswith(_MARK)


@dataclass
class BulkPull:
    """One pull by a bulk operation. `keep` is false where the checkpoint belongs to somebody else. `waited_s` is how
    long the file was waited for. With `pages_s`, the seconds that pages would take, an operation that turns out to be
    slower is ended, and `slow_s` is what it would have taken. `listed_at` is when all that was stored was on Shopify,
    None where it was not all stored."""

    context: Context
    chunks: Chunks
    exports: Exports
    keep: bool = True
    waited_s: float = 0.0
    pages_s: float | None = None
    slow_s: float | None = None
    adopted: bool = False
    done: bool = False
    listed_at: datetime | None = None

    def __post_init__(self) -> None:
        self.local, self.clock = self.context.local, self.context.clock
        self.progress, self.result = self.context.progress, self.context.result
        self._beaten_at = self.clock.monotonic()

    def run(self, at: Checkpoint, total: int | None) -> Checkpoint | None:
        """Store all that matches `at.query`. What is returned is where pages have to go on; None: all is done.

        Behind an operation that began a while ago, that is what has changed since.

        Raises MissingScope where Shopify denies the access, and what the API raises.
        """
        pages = replace(at, cursor=None, started_at=None)
        export, at = self._operation(at)
        if export is None:
            return pages
        began = self.clock.monotonic()
        try:
            export = self.exports.wait(export, lambda now: self._told(now, total, began))
        except _Slower as found:
            self.slow_s = found.seconds
            self.exports.cancel(export)
            self._keep(pages)
            self._note(
                f"the bulk operation would have taken about {found.seconds:,.0f} s; "
                f"went on by pages, which take about {self.pages_s:,.0f} s"
            )
            return pages
        except KeyboardInterrupt:
            with suppress(SyncError):  # what the user did is what is told
                self.exports.cancel(export)
            self._keep(replace(at, cursor=None, started_at=None))
            raise
        self.waited_s = self.clock.monotonic() - began
        if export.status != "COMPLETED":
            self._failed(export)
            return pages
        try:
            self._store(export)
        except Unreachable as error:
            if error.kind != "bulk_file":
                raise
            self.exports.sweep()
            self._note(f"the file of the bulk operation can't be used ({error.why}); went on by pages")
            return pages
        self._keep(Checkpoint(export.created_at, counted=at.counted))
        self.exports.sweep()
        self.done, self.listed_at = True, export.created_at
        if self.adopted or self.clock.now() - export.created_at > _FRESH:
            return Checkpoint(export.created_at, query=changed_since(export.created_at), counted=at.counted)
        return None

    def abandon(self, at: Checkpoint) -> None:
        """An operation that nobody will read need not run on, and its file need not be kept."""
        export = self._found(at)
        if export is not None and export.live:
            self.exports.cancel(export)
        self.exports.sweep()

    # the operation

    def _operation(self, at: Checkpoint) -> tuple[Export | None, Checkpoint]:
        """The operation to wait for, ours of before or a new one, and the checkpoint that tells of it."""
        export = self._found(at)
        if export is not None and (export.live or export.status == "COMPLETED"):
            self._note("went on with the bulk operation of an unfinished pull")
            self.adopted = True
            return export, at
        token = secrets.token_hex(8)
        at = replace(at, cursor=f"{_MARK}{token}", started_at=self.clock.now())
        self._keep(at)
        try:
            export = self.exports.start(at.query or None, token)
        except SlotsTaken as error:
            self._note(f"{error.what}; went on by pages")
            return None, at
        at = replace(at, started_at=export.created_at)
        self._keep(at)
        return export, at

    def _found(self, at: Checkpoint) -> Export | None:
        if not under_way(at) or at.started_at is None:
            return None
        found = self.exports.find(str(at.cursor).removeprefix(_MARK), at.started_at - _SLACK)
        if found is not None and not found.live and self.clock.now() - found.created_at > _USABLE:
            return None
        return found

    def _failed(self, export: Export) -> None:
        if export.error_code == "ACCESS_DENIED":
            raise MissingScope(
                f"the bulk operation may not read {self.context.entity.name}",
                why="Shopify ended it with ACCESS_DENIED",
                next="`shopify-sync doctor` tells which access scopes are missing",
            )
        why = f" ({export.error_code})" if export.error_code else ""
        self._note(
            f"the bulk operation ended as {export.status}{why} after {export.objects:,} objects; "
            "nothing of it was stored, went on by pages"
        )

    # the file

    def _store(self, export: Export) -> None:
        chunks = self.chunks
        light = self.context.gate is None and not self.local.standing().linked
        size, most = (READ, PART) if light else (KNOWN_PART, KNOWN_PART)
        waiting: dict[int, Incoming] = {}  # by id, since a file that is read a second time begins anew
        for part in self.exports.read(export, size, self._beat):
            items = chunks.lightened(part.nodes) if light else chunks.arriving(part.nodes)
            waiting.update((item.shopify_id, item) for item in items)
            if part.unordered or len(waiting) >= most:
                self._put(export, waiting, part.unordered)
                waiting = {}
        self._put(export, waiting, [])

    def _put(self, export: Export, waiting: dict[int, Incoming], unordered: list[int]) -> None:
        chunks = self.chunks
        self.result.counts.seen += len(waiting) + len(unordered)
        if waiting:
            chunks.put(Arrived(list(waiting.values()), (), export.created_at, late=True), None)
        for chunk in chunks.cut(unordered + chunks.again):
            chunks.store(self.context.remote.fetch(chunk), None)
        chunks.again.clear()
        self._beaten_at = self.clock.monotonic()
        self.progress.advance(len(waiting) + len(unordered))

    # telling

    def _told(self, export: Export, total: int | None, began: float) -> None:
        self._beat()
        passed = self.clock.monotonic() - began
        text = "Shopify prepares it"
        if export.roots:
            text += f": {export.roots:,}" + (f" of {total:,}" if total else "")
        if total and 0 < export.roots < total and passed > 2:
            text += f", {passed * (total - export.roots) / export.roots:.0f} s left"
        self.progress.waiting(0, text)
        if self.pages_s is not None and total and export.live and passed > _TRIAL_S:
            left = passed * (total - export.roots) / export.roots if export.roots else passed
            if left > self.pages_s:
                raise _Slower(passed + left)

    def _beat(self) -> None:
        """Keep the lease through what may take hours."""
        now = self.clock.monotonic()
        if now - self._beaten_at > _BEAT_S:
            self._beaten_at = now
            self.result.api = self.context.remote.use
            with self.local.session() as session:
                session.progress(self.result)

    def _keep(self, at: Checkpoint) -> None:
        if self.keep:
            with self.local.session() as session:
                session.checkpoint(at)

    def _note(self, text: str) -> None:
        self.result.notes.append(text)
