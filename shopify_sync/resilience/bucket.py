"""The two leaky buckets a client has to respect, as it knows them: points, and requests.

Both only say how long to wait; the waiting is somebody else's. Shopify's own numbers correct them after each answer.
"""

from __future__ import annotations

from shopify_sync.clock import Clock
from shopify_sync.errors import QueryTooExpensive
from shopify_sync.records import Cost

# The server rounds, and its clock is not ours: a request that would fit exactly waits this much longer.
_MARGIN_S = 0.02
# How fast the reserve for others shrinks again while nobody else is seen spending.
_FORGET = 0.9


class CostBucket:
    """Points: `restore_rate` a second flow back, up to `maximum`.

    Until the first answer nothing is known, so the first request goes at once; it should be a cheap one. When an
    answer says that less is left than we reckoned, others spend from the same bucket, and that much more is left to
    them before our next request. Source: shopify.dev, "API limits"; `extensions.cost.throttleStatus`.
    """

    def __init__(self, clock: Clock, *, reserve: float = 50.0) -> None:
        self.clock, self.floor = clock, reserve
        self.maximum: float | None = None
        self.restore_rate = 0.0
        self.reserve = reserve
        self._available = 0.0
        self._at = clock.monotonic()

    def available(self) -> float:
        """Points that should be there now."""
        if self.maximum is None:
            return 0.0
        passed = self.clock.monotonic() - self._at
        return min(self.maximum, self._available + passed * self.restore_rate)

    def wait_s(self, cost: float) -> float:
        """Seconds until `cost` points may be spent. Raises QueryTooExpensive when no wait would help."""
        if self.maximum is None:
            return 0.0
        if cost > self.maximum:
            raise QueryTooExpensive(
                f"a query of {cost:.0f} points never fits into a bucket of {self.maximum:.0f}",
                next="report this; pages should have become smaller by themselves",
            )
        wanted = cost + min(self.reserve, self.maximum - cost)
        lacking = wanted - self.available()
        return lacking / self.restore_rate + _MARGIN_S if lacking > 0 else 0.0

    def take(self, cost: float) -> None:
        """Spend: called as the request goes out."""
        self._available, self._at = self.available() - cost, self.clock.monotonic()

    def correct(self, cost: Cost) -> None:
        """Take over what the answer says, and see from it whether others spend as well."""
        known = self.maximum is not None
        refund = cost.requested - (cost.actual if cost.actual is not None else 0)
        expected = min(cost.maximum, self.available() + refund)
        self.maximum, self.restore_rate = cost.maximum, max(cost.restore_rate, 1.0)
        self._available, self._at = cost.available, self.clock.monotonic()
        taken_by_others = expected - cost.available if known else 0.0
        # Half a second's flow is within what network and rounding explain.
        seen = taken_by_others if taken_by_others > self.restore_rate / 2 else 0.0
        self.reserve = max(self.floor, seen, self.floor + (self.reserve - self.floor) * _FORGET)


class RequestBucket:
    """Requests: `rate` a second, `burst` at once. `X-Shopify-Shop-Api-Call-Limit` and `Retry-After` correct it."""

    def __init__(self, clock: Clock, *, rate: float = 40.0, burst: int = 80) -> None:
        self.clock, self.rate, self.burst = clock, rate, float(burst)
        self._level = 0.0
        self._at = clock.monotonic()
        self._held_until = 0.0

    def _used(self) -> float:
        return max(0.0, self._level - (self.clock.monotonic() - self._at) * self.rate)

    def wait_s(self) -> float:
        """Seconds until one more request may go."""
        held = max(0.0, self._held_until - self.clock.monotonic())
        over = self._used() + 1 - self.burst
        return max(held, over / self.rate if over > 0 else 0.0)

    def take(self) -> None:
        self._level, self._at = self._used() + 1, self.clock.monotonic()

    def correct(self, used: int, capacity: int) -> None:
        """What the header says: `32/40`."""
        self.burst = float(capacity)
        self._level, self._at = float(used), self.clock.monotonic()

    def hold(self, seconds: float) -> None:
        """`Retry-After`: nothing goes before that is over."""
        self._held_until = max(self._held_until, self.clock.monotonic() + seconds)
