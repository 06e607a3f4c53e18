"""One entity's bulk queries, as the engine sees them: start, find again, wait, read the result as whole nodes."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from shopify_sync.clock import Clock
from shopify_sync.errors import LocalFileError, ResultGone, Unreachable
from shopify_sync.records import Budget, Export
from shopify_sync.shopify.assembling import Assembled, assemble, broken, look
from shopify_sync.shopify.bulk import Bulk, BulkState
from shopify_sync.shopify.client import Client
from shopify_sync.spec import Entity, documents


class ShopifyExports:
    """`folder` is where results are kept until they are stored: a run that was killed goes on with what it has. Without
    one they last as long as this object. Results hold what the store holds, so they are for their owner only."""

    def __init__(self, client: Client, entity: Entity, clock: Clock, folder: Path | None = None) -> None:
        self.client, self.entity, self.clock = client, entity, clock
        self._given = folder
        self._own: tempfile.TemporaryDirectory[str] | None = None
        # Only their place among the lines of one product tells the order of lists that Shopify does not number.
        self.grouped = any(child.connection and child.ordered and not child.order_column for child in entity.children)

    @cached_property
    def bulk(self) -> Bulk:
        return Bulk(self.client, self.clock)

    @property
    def budget(self) -> Budget:
        costs = self.client.costs
        return Budget(costs.available, costs.restore_rate) if costs is not None else Budget(1000.0, 50.0)

    def start(self, query: str | None, token: str) -> Export:
        """`groupObjects` makes an operation slower (Admin schema), so it is asked for only where it is needed."""
        document = documents.exporting(self.entity, token, query)
        return _seen(self.bulk.start_query(document, grouped=self.grouped, token=token))

    def find(self, token: str, since: datetime) -> Export | None:
        found = self.bulk.find(token, type="QUERY", since=since)
        return _seen(found) if found is not None else None

    def wait(self, export: Export, told: Callable[[Export], None]) -> Export:
        state = self.bulk.state(export.id)
        try:
            if state is not None:
                return _seen(self.bulk.wait(state, lambda now: told(_seen(now)), cancel=False))
        except ResultGone:
            pass
        return replace(export, status="EXPIRED")

    def cancel(self, export: Export) -> None:
        self.bulk.cancel(export.id)

    def read(self, export: Export, size: int, beat: Callable[[], None]) -> Iterator[Assembled]:
        """Fetch the file, count it against what Shopify counted, and put its records together.

        Raises Unreachable (`kind` "bulk_file") for a file that is not what Shopify says it is, also when it was
        fetched a second time, and for a result that is gone.
        """
        try:
            yield from self._read(export, size, beat)
        except Unreachable as error:
            if error.kind != "bulk_file":
                raise
            # Perhaps it came so. What was stored of it is found unchanged by its hash.
            self.discard(export)
            yield from self._read(export, size, beat)

    def discard(self, export: Export) -> None:
        for path in self._folder().glob(f"{self._path(export).stem}*"):
            with contextlib.suppress(OSError):
                path.unlink()

    def close(self) -> None:
        if self._own is not None:
            self._own.cleanup()
            self._own = None

    def _read(self, export: Export, size: int, beat: Callable[[], None]) -> Iterator[Assembled]:
        path = self._path(export)
        state = self.bulk.state(export.id)
        if state is None:
            raise broken("Shopify does not know the operation any more")
        try:
            self.bulk.download(state, path, progress=lambda _done, _all: beat())
        except ResultGone as error:
            raise broken(error.what) from error
        lines = look(path, beat)
        if (lines.count, lines.roots) != (state.objects, state.roots):
            raise broken(
                f"{lines.count:,} lines of {lines.roots:,} records, where Shopify counted {state.objects:,} "
                f"of {state.roots:,}"
            )
        try:
            yield from assemble(self.entity, path, lines, size, ordered=self.grouped)
        except OSError as error:
            raise LocalFileError(
                "the result of a bulk operation can't be kept on this machine",
                why=error.strerror or type(error).__name__,
                next="make room, or use --method paged",
            ) from error

    def _path(self, export: Export) -> Path:
        return self._folder() / f"{self.entity.name}-{export.id}.jsonl"

    def _folder(self) -> Path:
        if self._given is None:
            self._own = self._own or tempfile.TemporaryDirectory(prefix="shopify-sync-")
            return Path(self._own.name)
        folder = self._given / "bulk"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder


def _seen(state: BulkState) -> Export:
    return Export(state.id, state.status, state.error_code, state.created_at, state.objects, state.roots)
