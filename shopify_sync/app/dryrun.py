"""A dry run writes nothing anywhere: not a row, not a file, not to Shopify."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shopify_sync.store import migrate
from shopify_sync.store.database import Database

# A shop that the database does not know yet.
NO_SHOP: dict[str, Any] = {"id": 0, "probed_at": None, "publication_id": None}


def opened(url: str) -> Database:
    """The database for reading only. Where there is none yet, or an empty one, an empty one in memory."""
    database = Database(url, read_only=True)
    path = database.path
    there = path is None or (Path(path).exists() and Path(path).stat().st_size > 0)
    if there and migrate.current(database) is not None:
        migrate.require(database)
        return database
    database.dispose()
    memory = Database("sqlite:///:memory:")
    migrate.upgrade(memory)
    return memory
