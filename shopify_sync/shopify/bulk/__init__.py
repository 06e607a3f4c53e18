"""Bulk operations: whole lists out of Shopify, and many mutations into it, as files.

`Bulk` joins the parts: operations.py starts and follows, download.py and upload.py move the files.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from shopify_sync.clock import Clock
from shopify_sync.errors import ResultGone
from shopify_sync.resilience.backoff import Backoff
from shopify_sync.shopify.bulk.download import Download
from shopify_sync.shopify.bulk.local import Part, Progress
from shopify_sync.shopify.bulk.operations import Operations
from shopify_sync.shopify.bulk.state import BulkState, BulkType
from shopify_sync.shopify.bulk.upload import upload
from shopify_sync.shopify.client import Client
from shopify_sync.shopify.transports.files import FileTransport

__all__ = ["Bulk", "BulkState", "BulkType", "Progress"]


class Bulk(Operations):
    """All of it, for one shop. `packed`: ask for gzip when downloading.

    Questions to Shopify go through the client. Files go to other hosts: without the token, past the limits and the
    breaker, which are about Shopify's API.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        *,
        files: FileTransport | None = None,
        backoff: Backoff | None = None,
        packed: bool = True,
    ) -> None:
        super().__init__(client, clock, backoff or Backoff(random=random.Random()))  # noqa: S311 - spreads load
        found = files or client.files
        if found is None:
            raise ValueError("this client reaches no files")
        self.files, self.packed = found, packed

    def upload(self, path: Path, filename: str, *, progress: Progress | None = None) -> str:
        """Send a file of variables, one JSON object a line; its `staged_path`. See upload.py for what is raised."""
        return upload(self.client, self.files, self.waiter, self.backoff, path, filename, progress)

    def download(
        self,
        state: BulkState,
        to: Path,
        *,
        partial: bool = False,
        lines: Callable[[bytes], None] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Bring the result of an operation that has ended to `to`, which is whole or not there at all.

        `lines` is given the same bytes as they come, in order, in blocks of whole lines (JSONL, UTF-8). What a killed
        process had of the same operation lies beside `to` as `{name}.{id}.part` and is taken up. `partial` fetches what
        a failed operation had done so far; else only a COMPLETED one has a result, empty where nothing matched.
        Raises ResultGone where there is none (any more), Unreachable after a few tries in a row that bring nothing,
        LocalFileError (`disk-full`), and whatever `lines` and `progress` raise. Source: shopify-admin-api.md C.1, C.3.
        """
        url = state.partial_url if partial else state.url
        empty = state.complete and not partial and url is None and state.objects == 0
        if not empty and (url is None or not (partial or state.complete)):
            raise ResultGone(
                f"bulk operation {state.id} has no {'partial ' if partial else ''}result",
                why=f"it is {state.status}" + (f", {state.error_code}" if state.error_code else ""),
                next="run the command again, so that Shopify makes it anew",
            )
        if url is None:
            with Part(to, state.id) as part:
                part.clear()
                part.finish()
            return
        Download(
            self.files,
            self.waiter,
            self.backoff,
            what=f"the result of bulk operation {state.id}",
            url=url,
            renew=lambda: self._address(state.id, partial=partial),
            expected=None if partial else state.file_size,
            packed=self.packed,
        ).run(to, state.id, lines, progress)

    def _address(self, id: int, *, partial: bool) -> str | None:
        found = self.state(id)
        if found is None:
            return None
        return found.partial_url if partial else found.url
