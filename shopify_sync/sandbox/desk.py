"""Bulk operations of one store, their files, and the files staged for them.

Operations are kept beside the records: they are no part of the store's digest, snapshots or file. Their results lie in
a temporary directory, served by the sandbox under signed URLs (bulk/http.py).

An operation takes `bulk_s` seconds of the store's clock: CREATED for the first tenth, RUNNING with counts that grow,
then COMPLETED or FAILED, and EXPIRED seven days later. Its worker keeps pace with that clock, so an operation that is
cancelled halfway has done half of its work.
"""

from __future__ import annotations

import hashlib
import hmac
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from shopify_sync.sandbox.faults import Fault, Faults

KEPT = timedelta(days=7)  # recorded: Expires is 604,800 s after completedAt
MAX_UPLOAD = 104_857_600  # recorded: content-length-range in the policy of an upload
LIVE = ("CREATED", "RUNNING", "CANCELING")
_FIRST_ID = 8_100_000_000_001
_PATIENCE = 100  # times 10 ms that a poll waits for a worker which is due, so that small operations are never late


@dataclass(eq=False)
class Operation:
    """One bulk operation. The worker writes objects, roots, done, finished; the rest belongs to the store's lock."""

    id: int
    type: str  # QUERY or MUTATION
    query: str
    group: bool
    seed: int
    started: datetime
    duration_s: float
    path: Path  # of its result
    api_version: str
    status: str = "CREATED"
    objects: int = 0
    roots: int = 0
    done: float = 0.0  # share of the work that is done
    finished: bool = False  # the worker has ended
    worked_at: datetime | None = None  # when it did
    stopped: bool = False  # the worker is to end
    resting: bool = False  # the worker is ahead of the clock
    error_code: str | None = None
    keeps_part: bool = False  # a failed operation offers what it has
    fault: Fault | None = None
    cancelled_at: datetime | None = None
    ended: datetime | None = None
    moved: threading.Event = field(default_factory=threading.Event)

    def share_due(self, now: datetime) -> float:
        """How much of the work the clock allows for."""
        if self.duration_s <= 0:
            return 1.0
        return min(1.0, (now - self.started).total_seconds() / self.duration_s)

    def advance(self, now: datetime) -> None:
        """Move the status to where it is at this time."""
        if self.status in ("COMPLETED", "FAILED"):
            if self.ended is not None and now >= self.ended + KEPT:
                self.status = "EXPIRED"
        elif self.cancelled_at is not None:
            settled = self.cancelled_at + timedelta(seconds=min(1.0, self.duration_s / 10))
            if self.finished and self.status == "CANCELING" and now >= settled:
                self.status = "CANCELED"
        elif self.status in LIVE:
            due = self.started + timedelta(seconds=self.duration_s)
            if self.finished and (now >= due or self.error_code):
                self.status = "FAILED" if self.error_code else "COMPLETED"
                late = self.worked_at or due
                self.ended = late if self.error_code else max(due, late)
                self.advance(now)
            elif self.share_due(now) >= 0.1:
                self.status = "RUNNING"

    def pace(self, share: float, now: Callable[[], datetime]) -> bool:
        """Say that `share` of the work is done and wait for the clock; False: stop working."""
        self.done = share
        while not self.stopped and share > self.share_due(now()):
            self.resting = True
            self.moved.set()
            threading.Event().wait(0.01)
        self.resting = False
        return not self.stopped

    def finish(self, now: datetime, error_code: str | None = None) -> None:
        """The worker's last word."""
        self.error_code = error_code
        self.worked_at = now
        self.finished = True
        self.moved.set()


@dataclass
class Upload:
    """A file to be staged: the parameters that were signed, and where it lies once it is there."""

    key: str
    parameters: list[tuple[str, str]]
    method: str
    expires: datetime
    path: Path | None = None
    size: int = 0


class Desk:
    """The bulk side of one store. Attributes to set: `bulk_s`, `seed` (order of lines), `url` (of the server)."""

    def __init__(self) -> None:
        self.bulk_s = 0.0
        self.seed = 1
        self.url = "http://127.0.0.1"
        self.faults: Faults | None = None
        self.operations: dict[int, Operation] = {}
        self.uploads: dict[str, Upload] = {}
        self._secret = hashlib.sha256(b"sandbox").digest()  # signs nothing worth stealing
        self._folder: Path | None = None
        self._next = _FIRST_ID

    # -- operations

    def open(self, kind: str, query: str, now: datetime, *, group: bool, version: str) -> Operation:
        """A new operation, without a worker."""
        number = self._next
        self._next += 1
        name = hashlib.sha256(b"%d/%d" % (self.seed, number)).hexdigest()[:28]
        seed = self.seed + number
        made = Operation(number, kind, query, group, seed, now, self.bulk_s, self.folder() / name, version)
        self.operations[number] = made
        return made

    def live(self, kind: str) -> list[Operation]:
        """The operations of a type that hold a slot."""
        return [each for each in self.operations.values() if each.type == kind and each.status in LIVE]

    def advance(self, now: datetime) -> None:
        for each in self.operations.values():
            each.advance(now)

    def catch_up(self, now: datetime) -> None:
        """Wait, at most a second each, until the workers have done what the clock allows for. Not under the lock."""
        for each in list(self.operations.values()):
            for _ in range(_PATIENCE):
                if each.finished or (each.resting and not each.stopped and each.done > each.share_due(now)):
                    break
                each.moved.wait(0.01)
                each.moved.clear()

    def join(self) -> None:
        """Wait until no worker works, for tests and benchmarks; the clock must allow it."""
        for each in list(self.operations.values()):
            while not each.finished:
                each.moved.wait(0.01)
                each.moved.clear()

    def record(self, each: Operation) -> dict[str, Any]:
        """An operation as a record of `BulkOperation`."""
        counted = each.status != "CREATED"
        done = each.status == "COMPLETED" and each.objects > 0
        part = each.status == "FAILED" and each.keeps_part and each.objects > 0
        return {
            "id": each.id,
            "_type": "BulkOperation",
            "type": each.type,
            "status": each.status,
            "errorCode": each.error_code if each.status == "FAILED" else None,
            "createdAt": each.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "completedAt": None if each.ended is None else each.ended.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "objectCount": str(each.objects if counted else 0),
            "rootObjectCount": str(each.roots if counted else 0),
            "fileSize": str(each.path.stat().st_size) if done else None,
            "url": self.signed_url(each) if done else None,
            "partialDataUrl": self.signed_url(each) if part else None,
            "query": each.query,
        }

    # -- files

    def folder(self) -> Path:
        """Where results and uploads lie; made when first asked for."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="shopify-sandbox-"))
        return self._folder

    def signature(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def signed_url(self, each: Operation) -> str:
        """Of the result, in the recorded form."""
        assert each.ended is not None
        name = each.path.name
        expires = int((each.ended + KEPT).timestamp())
        shown = f"sandbox-bulk-{each.id}.jsonl"
        query = {
            "GoogleAccessId": "assets@sandbox.iam.gserviceaccount.com",
            "Expires": expires,
            "Signature": self.signature(f"{name}\n{expires}"),
            "response-content-disposition": f"attachment; filename=\"{shown}\"; filename*=UTF-8''{shown}",
            "response-content-type": "application/jsonl",
        }
        return f"{self.url}/bulk-operation-outputs/{name}?{urlencode(query)}"

    def upload_url(self, upload: Upload) -> str:
        """Where a file is to be sent: for POST the bucket, for PUT the signed place in it."""
        base = f"{self.url}/staged-uploads/"
        if upload.method == "POST":
            return base
        expires = int(upload.expires.timestamp())
        signed = {"X-Goog-Expires": expires, "X-Goog-Signature": self.signature(f"{upload.key}\n{expires}")}
        return f"{base}{quote(upload.key)}?{urlencode(signed)}"

    def clear(self) -> None:
        """Stop all workers and forget everything."""
        for each in self.operations.values():
            each.stopped = True
        self.operations.clear()
        self.uploads.clear()

    def close(self) -> None:
        """Stop all workers and delete the files."""
        for each in self.operations.values():
            each.stopped = True
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
