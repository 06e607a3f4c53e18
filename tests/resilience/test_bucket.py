"""The buckets: nothing is refused, nothing waits longer than it must, alone and with others."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shopify_sync.clock import ManualClock
from shopify_sync.errors import QueryTooExpensive
from shopify_sync.records import Cost
from shopify_sync.resilience.backoff import Backoff
from shopify_sync.resilience.bucket import CostBucket, RequestBucket


@dataclass
class Server:
    """Shopify's bucket: the requested cost must be there, the difference to the actual cost comes back."""

    clock: ManualClock
    size: float = 1000.0
    rate: float = 50.0
    throttled: int = 0

    def __post_init__(self) -> None:
        self.level, self.at = self.size, self.clock.monotonic()

    def fill(self) -> None:
        now = self.clock.monotonic()
        self.level = min(self.size, self.level + (now - self.at) * self.rate)
        self.at = now

    def ask(self, requested: int, actual: int) -> Cost:
        self.fill()
        if requested > self.level:
            self.throttled += 1
            return Cost(requested, None, int(self.level), self.size, self.rate)
        self.level = min(self.size, self.level - actual)
        return Cost(requested, actual, int(self.level), self.size, self.rate)


costs = st.lists(st.tuples(st.integers(1, 900), st.floats(0.1, 1.0)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=200)
@given(
    costs=costs,
    delay_s=st.floats(0.0, 2.0),
    size=st.sampled_from([1000.0, 2000.0]),
    rate=st.sampled_from([50.0, 100.0, 1000.0]),
)
@example(costs=[(900, 1.0)] * 60, delay_s=0.0, size=1000.0, rate=50.0)
def test_alone_nothing_is_throttled_and_no_second_is_wasted(
    costs: list[tuple[int, float]], delay_s: float, size: float, rate: float
) -> None:
    clock = ManualClock()
    server, bucket = Server(clock, size, rate), CostBucket(clock)
    started, points, largest = clock.monotonic(), 0.0, 0
    for requested, share in costs:
        clock.sleep(bucket.wait_s(requested))
        bucket.take(requested)
        clock.advance(delay_s / 2)
        told = server.ask(requested, max(1, int(requested * share)))
        clock.advance(delay_s / 2)
        bucket.correct(told)
        points += told.actual or 0
        largest = max(largest, requested)
    assert server.throttled == 0
    # What may be waited for: the points beyond the first bucketful, room for one operation and the reserve.
    ideal = max(0.0, points - size + 2 * max(largest, bucket.floor)) / rate
    rounding = len(costs) * (2 / rate)
    assert clock.monotonic() - started <= 1.05 * ideal + rounding + len(costs) * delay_s + 0.1


def test_a_pull_keeps_to_the_rate() -> None:
    clock = ManualClock()
    server, bucket = Server(clock), CostBucket(clock)
    started, points = clock.monotonic(), 0
    for _ in range(40):
        clock.sleep(bucket.wait_s(280))
        bucket.take(280)
        clock.advance(0.2)
        told = server.ask(280, 240)
        bucket.correct(told)
        points += told.actual or 0
    assert server.throttled == 0
    assert clock.monotonic() - started <= 1.15 * points / server.rate


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 10_000), price=st.integers(20, 300))
def test_two_processes_side_by_side_are_never_throttled(seed: int, price: int) -> None:
    """Both list first, which is cheap, then fetch; each sees only its own answers."""
    clock, dice = ManualClock(), random.Random(seed)
    server = Server(clock)
    buckets = [CostBucket(clock) for _ in range(2)]
    # (time, order, process, step, cost): the events in the order in which they happen
    events: list[tuple[float, int, int, str, int]] = []
    order = 0
    for number in range(2):
        heapq.heappush(events, (clock.monotonic() + dice.uniform(0, 40) * number, number, number, "plan", 13))
    sent = [0] * 2
    while events:
        at, _, who, step, cost = heapq.heappop(events)
        clock.advance(max(0.0, at - clock.monotonic()))
        order += 1
        if step == "plan":
            wait = buckets[who].wait_s(cost)
            heapq.heappush(events, (clock.monotonic() + wait, 100 + order, who, "send", cost))
            continue
        buckets[who].take(cost)
        told = server.ask(cost, max(1, int(cost * dice.uniform(0.6, 1.0))))
        buckets[who].correct(told)
        sent[who] += 1
        if sent[who] < 40:
            heapq.heappush(events, (clock.monotonic() + dice.uniform(0.05, 0.5), 100 + order, who, "plan", price))
    assert server.throttled == 0
    assert min(sent) == 40


def test_the_reserve_grows_when_others_spend_and_shrinks_when_they_stop() -> None:
    clock = ManualClock()
    server, bucket = Server(clock), CostBucket(clock, reserve=50)
    bucket.take(100)
    bucket.correct(server.ask(100, 100))
    assert bucket.reserve == 100  # as large as our own operation
    server.ask(200, 200)  # somebody else
    bucket.take(100)
    bucket.correct(server.ask(100, 100))
    assert bucket.reserve == pytest.approx(200, abs=1)
    clock.advance(61)
    assert bucket.reserve == 100


def test_latency_is_not_taken_for_others() -> None:
    clock, dice = ManualClock(), random.Random(4)
    server, bucket = Server(clock), CostBucket(clock, reserve=50)
    for _ in range(50):
        clock.sleep(bucket.wait_s(100))
        bucket.take(100)
        clock.advance(dice.uniform(0, 3))
        told = server.ask(100, 60)
        clock.advance(dice.uniform(0, 3))
        bucket.correct(told)
        assert bucket.reserve == 100


def test_what_never_fits_is_refused_here() -> None:
    bucket = CostBucket(ManualClock())
    with pytest.raises(QueryTooExpensive, match="does not fit"):
        bucket.wait_s(1001)


def test_an_operation_as_large_as_the_bucket_goes_when_it_is_full() -> None:
    clock = ManualClock()
    bucket = CostBucket(clock)
    assert bucket.wait_s(1000) == 0
    bucket.take(1000)
    assert bucket.wait_s(1000) == pytest.approx(20)


def test_throttled_answers_are_taken_over_and_leave_room() -> None:
    clock = ManualClock()
    bucket = CostBucket(clock)
    bucket.take(400)
    bucket.correct(Cost(400, None, 20, 1000, 50))
    assert bucket.reserve == 400
    assert bucket.wait_s(400) == pytest.approx((800 - 20) / 50)


def test_requests_flow_at_the_rate_after_the_burst() -> None:
    clock = ManualClock()
    bucket = RequestBucket(clock, rate=40, burst=80)
    started = clock.monotonic()
    for _ in range(480):
        clock.sleep(bucket.wait_s())
        bucket.take()
    assert clock.monotonic() - started == pytest.approx(10, abs=0.05)


def test_the_call_limit_header_slows_down() -> None:
    clock = ManualClock()
    bucket = RequestBucket(clock)
    bucket.correct(39, 40)
    assert bucket.wait_s() == 0
    bucket.take()
    assert bucket.wait_s() == pytest.approx(0.5)  # 40 calls refill in 20 s
    bucket.correct(0, 0)
    assert bucket.wait_s() == pytest.approx(0.5)


def test_the_call_limit_header_never_speeds_up() -> None:
    bucket = RequestBucket(ManualClock(), rate=2, burst=4)
    bucket.correct(0, 400)
    assert (bucket.rate, bucket.burst) == (2, 4)


def test_retry_after_holds_every_request() -> None:
    clock = ManualClock()
    bucket = RequestBucket(clock)
    bucket.hold(7.5)
    bucket.hold(2)
    assert bucket.wait_s() == pytest.approx(7.5)
    clock.advance(7.5)
    assert bucket.wait_s() == 0


@given(attempt=st.integers(1, 1000), seed=st.integers(0, 1000))
def test_backoff_stays_between_nothing_and_its_ceiling(attempt: int, seed: int) -> None:
    delay = Backoff(0.5, 20.0, random.Random(seed)).delay(attempt)
    assert 0 <= delay <= min(20.0, 0.5 * 2 ** (attempt - 1))


def test_backoff_uses_the_whole_range() -> None:
    backoff = Backoff(0.5, 20.0, random.Random(1))
    delays = [backoff.delay(3) for _ in range(500)]
    assert min(delays) < 0.1
    assert max(delays) > 1.9
