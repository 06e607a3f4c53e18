"""Waiting before sending, so that Shopify never has to refuse."""

from __future__ import annotations

from collections.abc import Callable

from shopify_sync.clock import Clock
from shopify_sync.errors import Throttled
from shopify_sync.records import ApiUse, Operation, Reply, Transport
from shopify_sync.resilience.bucket import CostBucket, RequestBucket
from shopify_sync.shopify.cost import estimate
from shopify_sync.shopify.transports.http import read_cost

OnWait = Callable[[float, str], None]
# A wait is cut into slices, so that whoever watches sees it pass and a lease can be renewed in it.
_SLICE_S = 5.0


class Waiter:
    """Every wait of a client goes through here: told to `on_wait`, counted, and slept in slices."""

    def __init__(self, clock: Clock, use: ApiUse, on_wait: OnWait | None = None) -> None:
        self.clock, self.use, self.on_wait = clock, use, on_wait

    def wait(self, seconds: float, reason: str) -> None:
        left = seconds
        self.use.waited_s += max(0.0, seconds)
        while left > 0:
            if self.on_wait is not None:
                self.on_wait(left, reason)
            piece = min(left, _SLICE_S)
            self.clock.sleep(piece)
            left -= piece


class ThrottleTransport:
    """Keeps both buckets. What a document costs is estimated once and known from its first answer on."""

    def __init__(
        self, inner: Transport, costs: CostBucket, requests: RequestBucket, waiter: Waiter, use: ApiUse
    ) -> None:
        self.inner, self.costs, self.requests, self.waiter, self.use = inner, costs, requests, waiter, use
        self._known: dict[tuple[str, object], int] = {}

    def send(self, operation: Operation) -> Reply:
        key = (operation.document, operation.variables.get("first"))
        cost = self._known.get(key) or estimate(operation.document, operation.variables)
        self._make_room(cost)
        self.requests.take()
        self.costs.take(cost)
        self.use.requests += 1
        try:
            reply = self.inner.send(operation)
        except Throttled as error:
            self.use.throttled += 1
            self._refused(error)
            raise
        if reply.cost is not None:
            # Large inputs cost by their size, so only documents without are remembered.
            if "input" not in operation.variables and "variants" not in operation.variables:
                self._known[key] = reply.cost.requested
            self.use.points += reply.cost.actual or 0
            self.costs.correct(reply.cost)
        if reply.rest_calls is not None:
            self.requests.correct(*reply.rest_calls)
        return reply

    def _make_room(self, cost: int) -> None:
        # Two looks: the reserve may have grown, or the wait may have been cut short by a clock that jumps.
        for _ in range(2):
            if (wait_s := self.requests.wait_s()) > 0:
                self.waiter.wait(wait_s, "requests a second")
            if (wait_s := self.costs.wait_s(cost)) > 0:
                self.waiter.wait(wait_s, "Shopify's bucket")

    def _refused(self, error: Throttled) -> None:
        """The answer says how much is there and what is asked: wait for exactly that."""
        if (cost := read_cost(error.details.pop("cost", None))) is not None:
            self.costs.correct(cost)
            if error.retry_after_s is None:
                error.retry_after_s = self.costs.wait_s(cost.requested)
        if error.kind == "http_429":
            self.requests.hold(error.retry_after_s or 1.0)
