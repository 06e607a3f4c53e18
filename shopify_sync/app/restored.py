"""Noticing that a database was put back to an older state: then what it says was agreed is no longer true.

A database can't know that by itself. So this machine remembers, in the user's state folder, the newest run that it
has seen in each database; one that is behind that was restored. Other machines do not know of it, and where there
is no state folder nothing is remembered: the merge then takes the old state for edits made here, and conflicts show.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from shopify_sync.errors import BrakeApplied
from shopify_sync.store.database import Database
from shopify_sync.store.tables import Setting

_FILE = "databases.json"
_KEY = "database"
_SETTINGS = Setting.__table__  # type: ignore[attr-defined]
_OURS = _SETTINGS.c.shop_id.is_(None) & (_SETTINGS.c.key == _KEY)


def check(folder: Path | None, database: Database, *, accept: bool) -> None:
    """Raises BrakeApplied where the database is older than what this machine last saw of it."""
    if folder is None or accept:
        return
    with database.read() as conn:
        stored = _stored(conn)
    seen = _load(folder).get(stored["id"]) if stored else None
    if stored and seen and stored["run"] < seen["run"]:
        raise BrakeApplied(
            f"the database {database.name} went back in time",
            code="database-restored",
            why=f"its newest run is {stored['run']}, but this machine has seen run {seen['run']} ({seen['at']})",
            next="if it was restored from a backup on purpose, look at `shopify-sync plan`, "
            "then run `shopify-sync sync --accept-restore`",
        )


def advance(conn: Connection, run_id: int, now: datetime) -> dict[str, Any]:
    """Note in the database that it has come this far: its id and newest run."""
    stored = _stored(conn)
    value = {"id": stored["id"] if stored else uuid.uuid4().hex, "run": max(run_id, stored["run"] if stored else 0)}
    if stored:
        conn.execute(_SETTINGS.update().where(_OURS).values(value=value, updated_at=now))
    else:
        conn.execute(_SETTINGS.insert().values(shop_id=None, key=_KEY, value=value, updated_at=now))
    return value


def remember(folder: Path | None, value: dict[str, Any], now: datetime) -> None:
    """Keep the same on this machine. A folder that can't be written is no reason to stop."""
    if folder is None:
        return
    with contextlib.suppress(OSError):
        known = _load(folder)
        known[value["id"]] = {"run": value["run"], "at": now.isoformat(timespec="seconds").replace("+00:00", "Z")}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w") as file:
            json.dump(known, file, indent=1)
        Path(name).replace(folder / _FILE)


def _load(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / _FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _stored(conn: Connection) -> dict[str, Any] | None:
    found = conn.execute(select(_SETTINGS.c.value).where(_OURS)).scalar()
    return found if isinstance(found, dict) else None
