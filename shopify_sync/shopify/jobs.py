"""What bulk queries and bulk mutations have in common: the operations, and where their files are kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from shopify_sync.clock import Clock
from shopify_sync.errors import ResultGone
from shopify_sync.records import Budget, Export
from shopify_sync.shopify.bulk import Bulk, BulkState, BulkType
from shopify_sync.shopify.client import Client


class Jobs:
    """Operations of one kind. Files hold what the store holds, so only their owner may look. They are kept in `folder`
    from run to run, so that a run that was killed goes on with what it has; without one they last until `close`.
    `label` begins their names: one for each database, shop and entity, of which only one run works at a time."""

    kind: ClassVar[BulkType]

    def __init__(self, client: Client, clock: Clock, folder: Path | None = None, label: str = "") -> None:
        self.client, self.clock = client, clock
        self._given, self._label = folder, label
        self._own: tempfile.TemporaryDirectory[str] | None = None

    @cached_property
    def bulk(self) -> Bulk:
        return Bulk(self.client, self.clock)

    @property
    def budget(self) -> Budget:
        costs = self.client.costs
        return Budget(costs.available, costs.restore_rate) if costs is not None else Budget(1000.0, 50.0)

    def find(self, token: str, since: datetime) -> Export | None:
        found = self.bulk.find(token, type=self.kind, since=since)
        return seen(found) if found is not None else None

    def wait(self, export: Export, told: Callable[[Export], None]) -> Export:
        state = self.bulk.state(export.id)
        try:
            if state is not None:
                return seen(self.bulk.wait(state, lambda now: told(seen(now)), cancel=False))
        except ResultGone:
            pass
        return replace(export, status="EXPIRED")

    def cancel(self, export: Export) -> None:
        self.bulk.cancel(export.id)

    @property
    def folder(self) -> Path:
        """Made when it is first asked for."""
        if self._given is None:
            self._own = self._own or tempfile.TemporaryDirectory(prefix="shopify-sync-")
            return Path(self._own.name)
        folder = self._given / "bulk"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def path(self, name: str) -> Path:
        """Where something is kept, by operation or token."""
        return self.folder / f"{self._label}-{self.kind.lower()}-{name}.jsonl"

    def sweep(self) -> None:
        """Delete all that is kept, also what killed runs left."""
        if self._given is not None and not (self._given / "bulk").exists():
            return
        for path in self.folder.glob(f"{self._label}-{self.kind.lower()}-*"):
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        if self._own is not None:
            self._own.cleanup()
            self._own = None


def seen(state: BulkState) -> Export:
    """An operation in the engine's words."""
    return Export(state.id, state.status, state.error_code, state.created_at, state.objects, state.roots)
