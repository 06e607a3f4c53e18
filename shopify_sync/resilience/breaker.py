"""The circuit breaker: stop calling a shop that does not answer, and find out cheaply when it answers again.

    closed ──(threshold failures in a row, or an operation that used up its retries)──▶ open
    open ──(timeout over, one process claims the probe)──▶ half_open
    half_open ──(probe succeeds)──▶ closed          half_open ──(probe fails)──▶ open
    half_open ──(the probe's holder vanished, its time is over)──▶ half_open with another holder

The state lives behind `BreakerStore`, so that cron's next process knows what the last one learned. Each method of
a store is one atomic step: two processes never both get the probe.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias
from uuid import uuid4

from shopify_sync.clock import Clock
from shopify_sync.errors import CircuitOpen

Circuit: TypeAlias = Literal["closed", "open", "half_open"]
PROBE_S = 60.0  # how long a probe may take before another process may claim it; above the client's time-outs


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What is stored. `failures` counts those in a row; `probe_by` may send until `probe_until`."""

    state: Circuit = "closed"
    failures: int = 0
    opened_at: datetime | None = None
    probe_by: str | None = None
    probe_until: datetime | None = None
    reason: str | None = None


class BreakerStore(Protocol):
    """Where the state is kept. Every method is atomic across processes; times are aware UTC."""

    def load(self) -> BreakerState: ...

    def record_failure(self, now: datetime, threshold: int, reason: str) -> BreakerState:
        """Count one failure; open when the count reaches `threshold`, or at once when half open.

        An open state stays open and keeps its `opened_at`. Returns the state after it.
        """
        ...

    def record_success(self) -> None:
        """Closed, no failures, no reason."""
        ...

    def trip(self, now: datetime, reason: str) -> None:
        """Open now, whatever the count; `opened_at` becomes `now`."""
        ...

    def claim_probe(self, now: datetime, not_before_opened_at: datetime, holder: str, until: datetime) -> bool:
        """Become the one who probes, and tell whether that worked.

        From open with `opened_at <= not_before_opened_at`, or from half open with `probe_until < now`; to half open
        with this holder and `until`. A time further ahead than the time-out (or twice the probe's) was written by a
        clock that has been set back since, and counts as over.
        """
        ...

    def reset(self) -> None:
        """Closed, by hand."""
        ...


class MemoryBreakerStore:
    """A store for one process; threads may share it."""

    def __init__(self, state: BreakerState | None = None) -> None:
        self._state = state or BreakerState()
        self._lock = threading.Lock()

    def load(self) -> BreakerState:
        return self._state

    def record_failure(self, now: datetime, threshold: int, reason: str) -> BreakerState:
        with self._lock:
            old = self._state
            failures = old.failures + 1
            if old.state == "open":
                self._state = BreakerState("open", failures, old.opened_at, reason=reason)
            elif old.state == "half_open" or failures >= threshold:
                self._state = BreakerState("open", failures, now, reason=reason)
            else:
                self._state = BreakerState("closed", failures, reason=reason)
            return self._state

    def record_success(self) -> None:
        with self._lock:
            self._state = BreakerState()

    def trip(self, now: datetime, reason: str) -> None:
        with self._lock:
            self._state = BreakerState("open", self._state.failures, now, reason=reason)

    def claim_probe(self, now: datetime, not_before_opened_at: datetime, holder: str, until: datetime) -> bool:
        with self._lock:
            old = self._state
            opened, probing = old.opened_at, old.probe_until
            rested = old.state == "open" and (
                opened is None or not not_before_opened_at < opened <= now + (now - not_before_opened_at)
            )
            vanished = old.state == "half_open" and (probing is None or not now <= probing <= until + (until - now))
            if not (rested or vanished):
                return False
            self._state = BreakerState("half_open", old.failures, old.opened_at, holder, until, old.reason)
            return True

    def reset(self) -> None:
        self.record_success()


class Breaker:
    """Decides whether a call may go. `holder` names this process (made up when not given); `threshold` failures in
    a row open the circuit for `timeout_s` seconds; a probe is given up for lost after `probe_s`.

    The state is read before each call (one indexed row) and written only when it changes.
    """

    def __init__(
        self,
        store: BreakerStore,
        clock: Clock,
        *,
        holder: str | None = None,
        threshold: int = 5,
        timeout_s: float = 30.0,
        probe_s: float = PROBE_S,
    ) -> None:
        self.store, self.clock, self.holder = store, clock, holder or uuid4().hex
        self.threshold, self.timeout_s, self.probe_s = threshold, timeout_s, probe_s
        self._clean = False

    def before(self) -> None:
        """Let the call go, claiming the probe where one is due. Raises CircuitOpen."""
        found = self.store.load()
        self._clean = found.state == "closed" and found.failures == 0
        if found.state == "closed":
            return
        now = self.clock.now()
        mine = found.state == "half_open" and found.probe_by == self.holder
        if mine and found.probe_until is not None and now <= found.probe_until:
            return
        if self.retry_in_s(found) <= 0:
            since = now - timedelta(seconds=self.timeout_s)
            until = now + timedelta(seconds=self.probe_s)
            if self.store.claim_probe(now, since, self.holder, until):
                return
            found = self.store.load()
            if found.state == "closed":
                return
        raise self._open(found)

    def retry_in_s(self, state: BreakerState) -> float:
        """Seconds until the next probe may go; 0 when it may go now."""
        if state.state == "closed":
            return 0.0
        now = self.clock.now()
        if state.state == "half_open":
            wait_s = (state.probe_until - now).total_seconds() if state.probe_until else 0.0
            return wait_s if 0 < wait_s <= 2 * self.probe_s else 0.0
        if state.opened_at is None:
            return 0.0
        wait_s = self.timeout_s - (now - state.opened_at).total_seconds()
        return wait_s if 0 < wait_s <= 2 * self.timeout_s else 0.0  # more: the clock was set back since

    def success(self) -> None:
        """The shop answered. Writes only when failures were counted or this was the probe."""
        if self._clean:
            return
        self.store.record_success()
        self._clean = True

    def failure(self, reason: str) -> BreakerState:
        """The shop failed to answer once."""
        self._clean = False
        return self.store.record_failure(self.clock.now(), self.threshold, reason)

    def exhausted(self, reason: str) -> None:
        """One operation used up its retries: open now, so that the next process does not repeat the wait."""
        self._clean = False
        self.store.trip(self.clock.now(), reason)

    def _open(self, state: BreakerState) -> CircuitOpen:
        wait = self.retry_in_s(state)
        probing = state.state == "half_open"
        why = f"the last failure: {state.reason}" if state.reason else ""
        if probing:
            why = "another process is trying whether Shopify answers" + (f"; {why}" if why else "")
        return CircuitOpen(
            "not calling Shopify: it failed repeatedly",
            retry_in_s=wait,
            why=why,
            next=f"run the command again in {max(1, round(wait))} s, or `shopify-sync breaker reset` to try at once",
        )
