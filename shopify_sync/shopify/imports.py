"""Bulk mutations, as the engine sees them: a file of variables, an operation over it, and what became of each line.

Source: shopify-admin-api.md C.4: lines are carried out in any order, results bear the line's number from 0, and an
operation that is COMPLETED does not mean that each line succeeded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import orjson

from shopify_sync.errors import LocalFileError, ResultGone
from shopify_sync.records import Export, Operation, RecordError, Sent
from shopify_sync.shopify.bulk.upload import MOST_BYTES
from shopify_sync.shopify.client import user_errors
from shopify_sync.shopify.jobs import Jobs, seen


class ShopifyImports(Jobs):
    """The engine's `Imports`."""

    kind = "MUTATION"

    def write(self, token: str, lines: Iterable[Mapping[str, Any]]) -> int:
        """Raises LocalFileError."""
        size = count = 0
        with _told(), self.path(token).open("wb") as file:
            for variables in lines:
                line = orjson.dumps(variables, option=orjson.OPT_APPEND_NEWLINE)
                size += len(line)
                if size > MOST_BYTES and count:
                    break
                file.write(line)
                count += 1
        return count

    def start(self, operation: Operation, token: str) -> Export:
        document = operation.document.replace(operation.name, f"{operation.name}_{token}", 1)
        path = self.path(token)
        staged = self.bulk.upload(path, path.name)
        return seen(self.bulk.start_mutation(document, staged, f"shopify-sync-{token}", token=token))

    def results(self, export: Export, root: str, beat: Callable[[], None]) -> Iterator[tuple[int, Sent]]:
        """Of an operation that failed, what its partial result tells. A line of it that can't be read tells nothing."""
        state = self.bulk.state(export.id)
        if state is None:
            return
        path = self.path(f"results-{export.id}")
        partial = not state.complete
        try:
            self.bulk.download(state, path, partial=partial, progress=lambda _done, _all: beat())
        except ResultGone:
            return
        with path.open("rb") as file:
            for line in file:
                with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
                    found = orjson.loads(line)
                    yield int(found["__lineNumber"]), _sent(found, root)
        path.unlink(missing_ok=True)


def _sent(line: Mapping[str, Any], root: str) -> Sent:
    """As the answer to a single mutation would be read."""
    payload = (line.get("data") or {}).get(root)
    errors = user_errors(payload) if payload else []
    for entry in chain(line.get("errors") or ()):
        extensions = entry.get("extensions") or {}
        errors.append(
            RecordError(message=str(entry.get("message") or "refused"), code=extensions.get("code", "REFUSED"))
        )
    if payload is None and not errors:
        errors = [RecordError(message="Shopify did not say what became of it", code="REFUSED")]
    return Sent(payload or {}, errors)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalFileError(
            "the file of a bulk operation can't be written on this machine",
            why=error.strerror or type(error).__name__,
            next="make room, or use --method single",
        ) from error
