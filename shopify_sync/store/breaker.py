"""The circuit breaker's state in the database, so that cron's next process knows. Each step is one statement."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from shopify_sync.resilience.breaker import BreakerState
from shopify_sync.store.database import Database
from shopify_sync.store.tables import Breaker

_TABLE = Breaker.__table__  # type: ignore[attr-defined]
_CLOSED: dict[str, Any] = {
    "state": "closed",
    "failures": 0,
    "opened_at": None,
    "probe_by": None,
    "probe_until": None,
    "reason": None,
}


class DatabaseBreakerStore:
    """`resilience.breaker.BreakerStore` for one shop."""

    def __init__(self, database: Database, name: str) -> None:
        self.database, self.name = database, name

    def load(self) -> BreakerState:
        with self.database.read() as conn:
            return self._state(conn)

    def record_failure(self, now: datetime, threshold: int, reason: str) -> BreakerState:
        """One more failure; open at the threshold, or at once when a probe failed."""
        with self.database.transaction() as conn:
            state = self._locked(conn)
            failures = state.failures + 1
            values: dict[str, Any] = {"failures": failures, "reason": reason, "updated_at": now}
            if state.state == "half_open" or (state.state == "closed" and failures >= threshold):
                values |= {"state": "open", "opened_at": now, "probe_by": None, "probe_until": None}
            self._write(conn, values)
            return self._state(conn)

    def record_success(self) -> None:
        with self.database.transaction() as conn:
            self._locked(conn)
            self._write(conn, _CLOSED)

    def trip(self, now: datetime, reason: str) -> None:
        with self.database.transaction() as conn:
            self._locked(conn)
            opened = {"state": "open", "opened_at": now, "reason": reason, "probe_by": None, "probe_until": None}
            self._write(conn, opened | {"updated_at": now})

    def claim_probe(self, now: datetime, not_before_opened_at: datetime, holder: str, until: datetime) -> bool:
        """Become the one that tries: the circuit opened long enough ago, or an earlier probe never came back."""
        opened, probing = _TABLE.c.opened_at, _TABLE.c.probe_until
        # Far ahead of now: written by a clock that was set back since.
        over = (opened <= not_before_opened_at) | (opened > now + (now - not_before_opened_at))
        lost = (probing < now) | (probing > until + (until - now))
        open_long_enough = (_TABLE.c.state == "open") & over
        probe_lost = (_TABLE.c.state == "half_open") & lost
        with self.database.transaction() as conn:
            done = conn.execute(
                _TABLE.update()
                .where(_TABLE.c.name == self.name, open_long_enough | probe_lost)
                .values(state="half_open", probe_by=holder, probe_until=until, updated_at=now)
            )
            return done.rowcount == 1

    def reset(self) -> None:
        self.record_success()

    def _locked(self, conn: Connection) -> BreakerState:
        """The row, held until the end of the transaction; made where there is none."""
        row = conn.execute(select(_TABLE.c.name).where(_TABLE.c.name == self.name).with_for_update()).first()
        if row is None:
            try:
                with conn.begin_nested() if self.database.dialect == "postgresql" else nullcontext():
                    conn.execute(_TABLE.insert().values(name=self.name, **_CLOSED))
            except IntegrityError:
                conn.execute(select(_TABLE.c.name).where(_TABLE.c.name == self.name).with_for_update())
        return self._state(conn)

    def _state(self, conn: Connection) -> BreakerState:
        row = conn.execute(select(_TABLE).where(_TABLE.c.name == self.name)).mappings().first()
        if row is None:
            return BreakerState()
        return BreakerState(
            state=row["state"],
            failures=row["failures"],
            opened_at=row["opened_at"],
            probe_by=row["probe_by"],
            probe_until=row["probe_until"],
            reason=row["reason"],
        )

    def _write(self, conn: Connection, values: dict[str, Any]) -> None:
        conn.execute(_TABLE.update().where(_TABLE.c.name == self.name).values(**values))
