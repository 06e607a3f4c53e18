"""The two leaky buckets a client has to respect, as it knows them: points, and requests.

Both only say how long to wait; the waiting is somebody else's. Shopify's own numbers correct them after each answer.
"""

from __future__ import annotations

from shopify_sync.clock import Clock
from shopify_sync.errors import QueryTooExpensive
from shopify_sync.records import Cost

# The server tells whole points and checks with fractions: this much may be hidden in two answers.
_ROUNDING = 2.0
# By how much an operation weighs less for the reserve with each one that follows.
_FADE = 0.9
# The most of the bucket that is left to others for what they were seen to spend.
_FOREIGN_SHARE = 0.25
# How long after the last sign of others we go on leaving them room.
_SHARED_S = 60.0
# Shopify's buckets of requests refill whole in 20 s: 40 at 2/s, 400 at 20/s (shopify.dev, "REST rate limits").
_REST_FILL_S = 20.0


class CostBucket:
    """Points: `restore_rate` a second flow back, up to `maximum`. Source: shopify.dev, "API limits";
    `extensions.cost.throttleStatus`.

    Until the first answer nothing is known, so the first request goes at once; it should be a cheap one. Two
    processes that each leave room for the other's next operation can send at the same moment and both be served;
    so what is left is never less than our own largest operation of late (the other is most likely one of us), nor
    than `reserve`, nor, for a minute, than an answer proved others to have spent. It is left once, not each time:
    the rate stays Shopify's.
    """

    def __init__(
        self, clock: Clock, maximum: float = 1000.0, restore_rate: float = 50.0, *, reserve: float = 50.0
    ) -> None:
        self.clock, self.floor = clock, reserve
        self.maximum, self.restore_rate = maximum, restore_rate
        self.known = False
        self._level, self._at = maximum, clock.monotonic()
        self._taken = 0.0
        self._largest = 0.0
        self._foreign = 0.0
        self._foreign_until = self._at

    @property
    def available(self) -> float:
        """Points that should be there now; never more than the server has, as long as we are alone."""
        passed = max(0.0, self.clock.monotonic() - self._at)
        return min(self.maximum, self._level + passed * self.restore_rate)

    @property
    def reserve(self) -> float:
        """Points left to others."""
        seen = self._foreign if self.clock.monotonic() < self._foreign_until else 0.0
        return max(self.floor, self._largest, seen)

    def wait_s(self, cost: float) -> float:
        """Seconds until `cost` points may be spent. Raises QueryTooExpensive when no wait would help."""
        if cost > self.maximum:
            raise QueryTooExpensive(
                f"one query of about {cost:.0f} points does not fit into a bucket of {self.maximum:.0f}",
                why="Shopify refuses a query that costs more than its bucket holds",
                next="ask for fewer records in one query",
            )
        lacking = min(cost + max(self.reserve, cost), self.maximum) - self.available
        return lacking / self.restore_rate if lacking > 0 else 0.0

    def take(self, cost: float) -> None:
        """Spend: called as the request goes out."""
        self._level, self._at = self.available - cost, self.clock.monotonic()
        self._taken = cost
        self._largest = max(self._largest * _FADE, cost)

    def correct(self, told: Cost) -> None:
        """Take over what the answer to the last `take` says, and see from it whether others spend as well.

        What the server had when it answered is a lower bound of what it has now, so what follows is never sent too
        early by it. What we had right after sending, with the refund, is a lower bound of what it told, if we are
        alone; so a lower number is proof of others, whatever the network's delays.
        """
        now = self.clock.monotonic()
        spent = float(told.actual or 0)
        expected = min(told.maximum, self._level + self._taken) - spent
        unexplained = expected - told.available
        if self.known and unexplained > _ROUNDING:
            before = self._foreign if now < self._foreign_until else 0.0
            seen = min(unexplained, told.maximum * _FOREIGN_SHARE)  # it may be the sum of many
            self._foreign, self._foreign_until = max(seen, before * _FADE), now + _SHARED_S
        self._largest = max(self._largest, told.requested)
        self.maximum, self.restore_rate = told.maximum, max(told.restore_rate, 1.0)
        self._level, self._at, self._taken, self.known = told.available, now, 0.0, True


class RequestBucket:
    """Requests: `rate` a second, `burst` at once. `X-Shopify-Shop-Api-Call-Limit` and `Retry-After` correct it."""

    def __init__(self, clock: Clock, *, rate: float = 40.0, burst: float = 80.0) -> None:
        self.clock, self.rate, self.burst = clock, rate, float(burst)
        self._level, self._at = self.burst, clock.monotonic()
        self._held_until = self._at

    @property
    def available(self) -> float:
        """Requests that may go now."""
        passed = max(0.0, self.clock.monotonic() - self._at)
        return min(self.burst, self._level + passed * self.rate)

    def wait_s(self) -> float:
        """Seconds until one more request may go."""
        held = self._held_until - self.clock.monotonic()
        return max(0.0, held, (1.0 - self.available) / self.rate)

    def take(self) -> None:
        """Count one request: called as it goes out."""
        self._level, self._at = self.available - 1.0, self.clock.monotonic()

    def correct(self, used: int, capacity: int) -> None:
        """What the header says: `32/40`. It only ever makes us slower than we were told to be."""
        if capacity <= 0:
            return
        self._level, self._at = min(self.available, float(capacity - used)), self.clock.monotonic()
        self.burst = min(self.burst, float(capacity))
        self.rate = min(self.rate, capacity / _REST_FILL_S)

    def hold(self, seconds: float) -> None:
        """`Retry-After`: nothing goes before that is over."""
        self._held_until = max(self._held_until, self.clock.monotonic() + seconds)
