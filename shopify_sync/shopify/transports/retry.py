"""Trying again what is worth it, and only while nothing can be done twice by it."""

from __future__ import annotations

import logging

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from shopify_sync.clock import Clock
from shopify_sync.errors import CircuitOpen, SyncError, Throttled, Unreachable
from shopify_sync.records import ApiUse, Operation, Reply, Transport
from shopify_sync.resilience.backoff import Backoff
from shopify_sync.resilience.breaker import Breaker
from shopify_sync.shopify.errors import KINDS, SLOW, may_retry
from shopify_sync.shopify.transports.throttle import Waiter

log = logging.getLogger(__name__)
# Being asked to wait is no failure; but a shop that asks for ever is given up at some point.
_THROTTLED_TRIES = 8


class RetryTransport:
    """`retries` attempts after the first, within `deadline_s` seconds from the first."""

    def __init__(
        self,
        inner: Transport,
        breaker: Breaker,
        backoff: Backoff,
        waiter: Waiter,
        clock: Clock,
        use: ApiUse,
        *,
        retries: int = 3,
        deadline_s: float = 120.0,
    ) -> None:
        self.inner, self.breaker, self.backoff, self.waiter = inner, breaker, backoff, waiter
        self.clock, self.use, self.retries, self.deadline_s = clock, use, retries, deadline_s

    def send(self, operation: Operation) -> Reply:
        started = self.clock.monotonic()
        failures = 0
        last: Unreachable | None = None

        def again(error: BaseException) -> bool:
            return isinstance(error, SyncError) and may_retry(error, operation)

        def stop(state: RetryCallState) -> bool:
            nonlocal failures
            error = state.outcome.exception() if state.outcome else None
            if not (isinstance(error, Throttled) and error.kind == "throttled"):
                failures += 1
            wait_s = state.upcoming_sleep or 0.0
            late = self.clock.monotonic() - started + wait_s > self.deadline_s
            return late or failures > self.retries or stop_after_attempt(_THROTTLED_TRIES + self.retries)(state)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after_s if isinstance(error, Unreachable) else None
            return asked if asked is not None else self.backoff.delay(max(1, failures + 1))

        def told(state: RetryCallState) -> None:
            nonlocal last
            self.use.retries += 1
            error = state.outcome.exception() if state.outcome else None
            log.info("%s: %s; attempt %s follows", operation.name, error, state.attempt_number + 1)
            last = error if isinstance(error, Unreachable) else None

        retrying = Retrying(
            stop=stop,
            wait=wait,
            retry=retry_if_exception(again),
            before_sleep=told,
            sleep=lambda seconds: self.waiter.wait(float(seconds), "before trying again"),
            reraise=True,
        )
        try:
            return retrying(self.inner.send, operation)
        except CircuitOpen:
            if last is None:
                raise
            raise last from None  # our own failures opened it: they are what happened
        except Unreachable as error:
            # A query that is only too slow is asked again smaller; each attempt has been counted.
            smaller = error.kind in SLOW and not operation.mutation
            if KINDS[error.kind].counts and may_retry(error, operation) and not smaller:
                self.breaker.exhausted(error.what)
            raise
