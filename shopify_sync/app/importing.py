"""Writing what an import file says, as local edits, in batches; each record whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from shopify_sync.files import Parsed, Problem
from shopify_sync.records import Progress
from shopify_sync.spec import Entity
from shopify_sync.store.database import Database
from shopify_sync.store.edits import Editor

_BATCH = 200


@dataclass(slots=True)
class ImportResult:
    """What became of a file's records. `problems` are those that were left out, each with its line."""

    file: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        return 3 if self.problems else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "dry_run": self.dry_run,
            "counts": {
                "created": self.created,
                "updated": self.updated,
                "unchanged": self.unchanged,
                "refused": len(self.problems),
            },
            "problems": [problem.as_json() for problem in self.problems],
            "notes": self.notes,
        }


def write(
    database: Database,
    entity: Entity,
    shop_id: int,
    items: Iterable[Parsed | Problem],
    result: ImportResult,
    progress: Progress,
) -> None:
    """Fill `result`. A record that the database refuses is a problem of its own and does not stop the others."""
    editor = Editor(entity, shop_id)
    progress.start(f"import {result.file}", None)
    try:
        for batch in _batches(items):
            with database.transaction() as conn:
                for item in batch:
                    if isinstance(item, Problem):
                        result.problems.append(item)
                        continue
                    conn.exec_driver_sql("SAVEPOINT item")
                    try:
                        done = editor.put(conn, item.record, item.defaults)
                    except (SQLAlchemyError, ValueError, TypeError) as error:
                        conn.exec_driver_sql("ROLLBACK TO SAVEPOINT item")
                        why = type(getattr(error, "orig", None) or error).__name__
                        result.problems.append(
                            Problem(item.line, item.key, "", f"the database refused this record ({why})")
                        )
                    else:
                        setattr(result, done, getattr(result, done) + 1)
                    conn.exec_driver_sql("RELEASE SAVEPOINT item")
                if result.dry_run:
                    _undo(conn)
            progress.advance(len(batch))
    finally:
        progress.finish()


def _undo(conn: Any) -> None:
    """Take back what this transaction did; it was only tried."""
    conn.exec_driver_sql("ROLLBACK")


def _batches(items: Iterable[Parsed | Problem]) -> Iterator[list[Parsed | Problem]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
