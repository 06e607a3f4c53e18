"""Comparing all ids of both sides: what was deleted on Shopify, and what no listing ever showed.

Both sides are read in order of their ids, a page at a time, so memory is flat at any size; a page of 250 ids costs
13 points. An id that the listing lacks is asked for by itself before it counts as deleted, since Shopify's listings
lag behind its writes. Where the numbers of both sides say how many are missing, and Shopify's events name just as
many, the comparison is spared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shopify_sync.engine.brakes import Brakes
from shopify_sync.engine.chunks import Chunks, Context

PAGE = 250
# Events may come minutes late.
LATE = timedelta(minutes=30)


@dataclass
class Reconcile:
    """One comparison. Records that only Shopify has are stored; those that only the database has are gone."""

    context: Context
    chunks: Chunks
    brakes: Brakes
    lost: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)

    def told(self, since: datetime | None, missing: int) -> bool:
        """Whether Shopify's events explain all of the `missing` records; then these are dealt with."""
        remote, local = self.context.remote, self.context.local
        if since is None or missing <= 0 or (hints := remote.deleted(since - LATE)) is None:
            return False
        known = local.known(list(hints))
        candidates = [number for number in hints if number in known and not known[number].deleted]
        still = set(remote.stamps(candidates)) if candidates else set()
        self.gone = [number for number in candidates if number not in still]
        if len(self.gone) != missing:
            return False
        self._forget()
        return True

    def run(self) -> None:
        remote, local = self.context.remote, self.context.local
        for low, high, there in self._remote_pages():
            here = set(local.linked(low, high))
            unknown = [number for number in there if number not in here]
            if unknown:
                known = local.known(unknown)
                self.lost += [number for number in unknown if number not in known or known[number].deleted]
            self.gone += sorted(here - set(there))
        still = set(remote.stamps(self.gone)) if self.gone else set()
        self.gone = [number for number in self.gone if number not in still]
        self.brakes.before_deletions(local.standing(), len(self.gone))
        if self.lost:
            buried = local.buried(self.lost)
            self.lost = [number for number in self.lost if number not in buried | self.chunks.told]
        self.context.result.counts.seen += len(self.lost)
        for chunk in self.chunks.cut(self.lost):
            self.chunks.store(remote.fetch(chunk), None)
        self._forget()

    def _forget(self) -> None:
        self.brakes.before_deletions(self.context.local.standing(), len(self.gone))
        self.context.result.counts.seen += len(self.gone)
        for at in range(0, len(self.gone), PAGE):
            self.chunks.forget(self.gone[at : at + PAGE])

    def _remote_pages(self) -> Iterator[tuple[int, int | None, list[int]]]:
        """(above this id, up to this one (None: to the end), ids) for each page, ascending, without gaps."""
        cursor: str | None = None
        low = 0
        while True:
            page = self.context.remote.enumerate(cursor, PAGE)
            ids = [item.shopify_id for item in page.items]
            if not page.more:
                yield low, None, ids
                return
            yield low, ids[-1], ids
            low, cursor = ids[-1], page.cursor
