"""Leases: one run of a shop, entity and direction at a time, across processes and machines.

A lease is a row with a holder and an end. It is renewed inside each transaction of the run (`fence`), so a run that
was paused past its end and lost it writes nothing more. A holder on this machine whose process is gone loses it at
once; one elsewhere when its time is over.
"""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from shopify_sync.clock import Clock
from shopify_sync.errors import LeaseHeld
from shopify_sync.store.database import Database
from shopify_sync.store.tables import LeaseRow

# Longer than the longest wait between two transactions of a run: a request with all its retries (see config).
TTL_S = 180.0
_TABLE = LeaseRow.__table__  # type: ignore[attr-defined]


def _read(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text()
    return ""


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks; "" where there is none (or no /proc).

    A dead one that nobody has waited for yet is none: in a container it may stay listed for ever.
    """
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in ("Z", "X") else ""


def _place() -> str:
    """The set of processes that a pid belongs to: machine, boot and pid namespace."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return f"{socket.gethostname()}|{_read('/proc/sys/kernel/random/boot_id').strip()}|{space}"


def this_process() -> str:
    """A name for this process that no other has: place, pid, start time and a random part."""
    return f"{_place()}|{os.getpid()}|{_started(os.getpid())}|{uuid.uuid4().hex}"


def alive(holder: str) -> bool | None:
    """Whether a holder still runs; None where that can't be seen from here."""
    place, pid, started = holder.rsplit("|", 3)[0:3]
    if place != _place():
        return None
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(int(pid)) == started


@dataclass(slots=True)
class Lease:
    """A lease that this process holds."""

    database: Database
    name: str
    clock: Clock
    ttl_s: float = TTL_S
    holder: str = field(default_factory=this_process)

    def fence(self, conn: Connection) -> None:
        """Renew in the caller's transaction. Raises LeaseHeld when another run has taken over."""
        renewed = conn.execute(
            _TABLE.update()
            .where(_TABLE.c.name == self.name, _TABLE.c.holder == self.holder)
            .values(expires_at=self.clock.now() + timedelta(seconds=self.ttl_s))
        )
        if renewed.rowcount == 0:
            raise LeaseHeld(
                "another run has taken over",
                why="this one did not get to renew its lease in time",
                next="look at `shopify-sync history`; nothing was written twice",
            )

    def beat(self) -> None:
        """Renew in a transaction of its own, during long waits."""
        with self.database.transaction() as conn:
            self.fence(conn)

    def release(self) -> None:
        with self.database.transaction() as conn:
            conn.execute(_TABLE.delete().where(_TABLE.c.name == self.name, _TABLE.c.holder == self.holder))


def acquire(database: Database, name: str, clock: Clock, *, ttl_s: float = TTL_S) -> Lease:
    """Take the lease, or raise LeaseHeld (exit 8) saying who has it and since when.

    One that ends later than any lease can was taken by a clock that was wrong. It is cut to the longest time from
    now: a holder that lives renews it, and a dead one blocks for that time at the most.
    """
    lease = Lease(database, name, clock, ttl_s)
    now = clock.now()
    values: dict[str, Any] = {
        "holder": lease.holder,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "acquired_at": now,
        "expires_at": now + timedelta(seconds=ttl_s),
    }
    try:
        with database.transaction() as conn:
            row = conn.execute(select(_TABLE).where(_TABLE.c.name == name).with_for_update()).mappings().first()
            if row is None:
                conn.execute(_TABLE.insert().values(name=name, **values))
                return lease
            if row["expires_at"] <= now or alive(row["holder"]) is False:
                conn.execute(_TABLE.update().where(_TABLE.c.name == name).values(**values))
                return lease
            if row["expires_at"] > values["expires_at"]:
                conn.execute(_TABLE.update().where(_TABLE.c.name == name).values(expires_at=values["expires_at"]))
    except IntegrityError:  # Postgres: two first takers at once
        raise _held("another host", None, name, "just now") from None
    raise _held(row["host"], row["pid"], name, row["acquired_at"].isoformat(timespec="seconds"))


def held(database: Database, name: str, clock: Clock) -> bool:
    """Whether somebody holds the lease now."""
    with database.read() as conn:
        row = conn.execute(select(_TABLE).where(_TABLE.c.name == name)).mappings().first()
    return row is not None and row["expires_at"] > clock.now() and alive(row["holder"]) is not False


def _held(host: str, pid: int | None, name: str, since: str) -> LeaseHeld:
    what = name.partition(":")[2].replace(":", " ")
    return LeaseHeld(
        f"another run of {what} is under way",
        why=f"process {pid} on {host} holds it since {since}",
        next="wait for it to end; `shopify-sync status` shows how far it is",
    )
