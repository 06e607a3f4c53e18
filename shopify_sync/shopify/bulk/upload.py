"""Stages a file of variables for an import.

Source: shopify-admin-api.md C.4; recorded: bulk-operation-run-mutation-created-status.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shopify_sync.errors import BulkRefused, Unreachable
from shopify_sync.records import Operation
from shopify_sync.resilience.backoff import Backoff
from shopify_sync.shopify.answers import as_asked
from shopify_sync.shopify.bulk.local import Progress, told
from shopify_sync.shopify.bulk.state import STAGE
from shopify_sync.shopify.client import Client
from shopify_sync.shopify.transports.files import FileTransport
from shopify_sync.shopify.transports.throttle import Waiter

log = logging.getLogger(__name__)
MOST_BYTES = 104_857_600  # recorded: content-length-range in the policy of an upload
_TRIES = 4
_TYPE = "text/jsonl"


class _Watched(io.FileIO):
    """A file that tells what of it has been read. Raises LocalFileError."""

    def __init__(self, path: Path, size: int, progress: Progress | None) -> None:
        with told(path):
            super().__init__(path)
        self._path, self._size, self._progress = path, size, progress

    def read(self, size: int | None = -1) -> bytes:
        with told(self._path):
            found = super().read(size)
        if self._progress is not None and found:
            self._progress(self.tell(), self._size)
        return found


def upload(
    client: Client,
    files: FileTransport,
    waiter: Waiter,
    backoff: Backoff,
    path: Path,
    filename: str,
    progress: Progress | None = None,
) -> str:
    """Send the file and return the `stagedUploadPath` for the import. 11 points a try.

    Each try asks for a place of its own, so a lost answer leaves a file that nobody uses, and never half of one that
    is. Raises BulkRefused for a file that is empty or too big, LocalFileError, Unreachable, RequestRefused.
    """
    with told(path):
        size = path.stat().st_size
    if not 0 < size <= MOST_BYTES:
        raise BulkRefused(
            f"{path} can't be uploaded: it holds {size:,} bytes",
            reason="INVALID_STAGED_UPLOAD_FILE",
            why=f"Shopify takes 1 to {MOST_BYTES:,} bytes",
            next="split it into several files",
        )
    failures = 0
    while True:
        url, fields = _place(client, filename)
        try:
            with _Watched(path, size, progress) as file:
                refused = files.post_form(url, fields, file, filename, _TYPE)
            if refused is None:
                return dict(fields)["key"]
            if not isinstance(refused, Unreachable):
                raise refused
            error = refused
        except Unreachable as failure:
            error = failure
        failures += 1
        if failures >= _TRIES:
            raise error
        log.info("upload of %s: %s; trying again", filename, error.what)
        asked = error.retry_after_s
        wait_s = backoff.delay(failures) if asked is None else min(max(asked, 0.0), 60.0)
        waiter.wait(wait_s, "before trying again")


def _place(client: Client, filename: str) -> tuple[str, list[tuple[str, str]]]:
    """Where to send it, and the form's fields, in Shopify's order and signed."""
    # Repeatable: a place that is never used expires.
    given = {"resource": "BULK_MUTATION_VARIABLES", "filename": filename, "mimeType": _TYPE, "httpMethod": "POST"}
    variables: Mapping[str, Any] = {"input": [given]}
    reply = client.execute(Operation("StageUpload", STAGE, variables, root="stagedUploadsCreate", mutation=True))
    with as_asked():
        payload = reply.data["stagedUploadsCreate"]
        errors = payload["userErrors"]
        messages = " ".join(str(error["message"]) for error in errors)
        if not errors:
            target = payload["stagedTargets"][0]
            fields = [(str(each["name"]), str(each["value"])) for each in target["parameters"]]
            if "key" not in dict(fields):
                raise KeyError("key")
            return str(target["url"]), fields
    raise BulkRefused(f"Shopify gives no place for {filename}: {messages}", errors=[dict(each) for each in errors])
