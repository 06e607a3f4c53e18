"""One entity's bulk queries, as the engine sees them: start, find again, wait, read the result as whole nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from shopify_sync.clock import Clock
from shopify_sync.errors import LocalFileError, ResultGone, Unreachable
from shopify_sync.records import Export
from shopify_sync.shopify.assembling import Assembled, assemble, broken, look
from shopify_sync.shopify.client import Client
from shopify_sync.shopify.jobs import Jobs, seen
from shopify_sync.spec import Entity, documents


class ShopifyExports(Jobs):
    """The engine's `Exports`."""

    kind = "QUERY"

    def __init__(
        self, client: Client, entity: Entity, clock: Clock, folder: Path | None = None, label: str = ""
    ) -> None:
        super().__init__(client, clock, folder, label)
        self.entity = entity
        # Only their place among the lines of one product tells the order of lists that Shopify does not number.
        self.grouped = any(child.connection and child.ordered and not child.order_column for child in entity.children)

    def start(self, query: str | None, token: str) -> Export:
        """`groupObjects` makes an operation slower (Admin schema), so it is asked for only where it is needed."""
        document = documents.exporting(self.entity, token, query)
        return seen(self.bulk.start_query(document, grouped=self.grouped, token=token))

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
            self.sweep()
            yield from self._read(export, size, beat)

    def _read(self, export: Export, size: int, beat: Callable[[], None]) -> Iterator[Assembled]:
        path = self.path(str(export.id))
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
