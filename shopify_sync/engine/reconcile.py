"""Comparing all ids of both sides: what was deleted on Shopify, and what no listing ever showed.

Both sides are read in order of their ids, a page at a time, so memory is flat at any size; a page of 250 ids costs
13 points. An id that the listing lacks is asked for by itself before it counts as deleted, since Shopify's listings
lag behind its writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from shopify_sync.engine.brakes import Brakes
from shopify_sync.engine.chunks import Chunks, Context

PAGE = 250


@dataclass
class Reconcile:
    """One comparison. Records that only Shopify has are stored; those that only the database has are gone."""

    context: Context
    chunks: Chunks
    brakes: Brakes
    lost: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)

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
        self.context.result.counts.seen += len(self.lost) + len(self.gone)
        for chunk in self.chunks.cut(self.lost):
            self.chunks.store(remote.fetch(chunk), None)
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
