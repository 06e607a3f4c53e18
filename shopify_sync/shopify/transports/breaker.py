"""Not calling a shop that does not answer."""

from __future__ import annotations

from shopify_sync.errors import AuthError, QueryTooExpensive, RequestRefused, ShopClosed, Unreachable
from shopify_sync.records import Operation, Reply, Transport
from shopify_sync.resilience.breaker import Breaker
from shopify_sync.shopify.errors import KINDS


class BreakerTransport:
    """Counts what counts: failures of Shopify. Refused, or told to wait: it is there, and that heals."""

    def __init__(self, inner: Transport, breaker: Breaker) -> None:
        self.inner, self.breaker = inner, breaker

    def send(self, operation: Operation) -> Reply:
        self.breaker.before()
        try:
            reply = self.inner.send(operation)
        except Unreachable as error:
            if KINDS[error.kind].counts:
                self.breaker.failure(error.what)
            else:
                self.breaker.success()
            raise
        except (AuthError, ShopClosed, RequestRefused) as error:
            if not isinstance(error, QueryTooExpensive):  # which may be our own reckoning, without any request
                self.breaker.success()
            raise
        self.breaker.success()
        return reply
