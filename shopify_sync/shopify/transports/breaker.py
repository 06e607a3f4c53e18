"""Not calling a shop that does not answer."""

from __future__ import annotations

from shopify_sync.errors import SyncError, Unreachable
from shopify_sync.records import Operation, Reply, Transport
from shopify_sync.resilience.breaker import Breaker
from shopify_sync.shopify.errors import KINDS


class BreakerTransport:
    """Counts what counts: failures of Shopify. A refusal of ours shows that it is there, and heals."""

    def __init__(self, inner: Transport, breaker: Breaker) -> None:
        self.inner, self.breaker = inner, breaker

    def send(self, operation: Operation) -> Reply:
        self.breaker.before()
        try:
            reply = self.inner.send(operation)
        except Unreachable as error:
            if KINDS[error.kind].counts:
                self.breaker.failure(error.what)
            raise
        except SyncError:
            self.breaker.success()
            raise
        self.breaker.success()
        return reply
