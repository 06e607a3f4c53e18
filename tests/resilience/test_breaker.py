"""The circuit breaker, and what every store of its state must do."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.errors import CircuitOpen
from shopify_sync.resilience.breaker import Breaker, BreakerState, BreakerStore, MemoryBreakerStore
from shopify_sync.store.breaker import DatabaseBreakerStore
from shopify_sync.store.database import Database

T0 = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[BreakerStore]:
    if request.param == "memory":
        yield MemoryBreakerStore()
        return
    database = Database(request.getfixturevalue(f"{request.param}_url"))
    yield DatabaseBreakerStore(database, "shop.myshopify.com")
    database.dispose()


def test_starts_closed(store: BreakerStore) -> None:
    assert store.load() == BreakerState()


def test_failures_are_counted_and_open_at_the_threshold(store: BreakerStore) -> None:
    assert [store.record_failure(after(n), 3, "HTTP 503").state for n in range(3)] == ["closed", "closed", "open"]
    state = store.load()
    assert (state.failures, state.opened_at, state.reason) == (3, after(2), "HTTP 503")


def test_a_failure_while_open_does_not_prolong_it(store: BreakerStore) -> None:
    store.trip(T0, "down")
    assert store.record_failure(after(10), 5, "again").opened_at == T0


def test_success_forgets_everything(store: BreakerStore) -> None:
    store.record_failure(T0, 3, "x")
    store.record_success()
    assert store.load() == BreakerState()


def test_reset_closes(store: BreakerStore) -> None:
    store.trip(T0, "down")
    store.reset()
    assert store.load() == BreakerState()


def test_trip_opens_whatever_the_count(store: BreakerStore) -> None:
    store.trip(T0, "by hand")
    state = store.load()
    assert (state.state, state.opened_at, state.reason) == ("open", T0, "by hand")


def test_nobody_probes_a_closed_circuit(store: BreakerStore) -> None:
    assert not store.claim_probe(T0, T0, "me", after(60))


def test_a_probe_is_claimed_once_and_not_before_time(store: BreakerStore) -> None:
    store.trip(T0, "down")
    assert not store.claim_probe(after(29), after(-1), "early", after(89))
    assert store.claim_probe(after(30), T0, "first", after(90))
    assert not store.claim_probe(after(30), T0, "second", after(90))
    state = store.load()
    assert (state.state, state.probe_by, state.probe_until) == ("half_open", "first", after(90))


def test_a_vanished_probe_is_taken_over(store: BreakerStore) -> None:
    store.trip(T0, "down")
    store.claim_probe(after(30), T0, "first", after(90))
    assert not store.claim_probe(after(90), after(60), "second", after(150))
    assert store.claim_probe(after(91), after(61), "second", after(151))
    assert store.load().probe_by == "second"


def test_a_failed_probe_opens_at_once_and_anew(store: BreakerStore) -> None:
    store.trip(T0, "down")
    store.claim_probe(after(30), T0, "first", after(90))
    state = store.record_failure(after(31), 5, "still down")
    assert (state.state, state.opened_at, state.probe_by) == ("open", after(31), None)


def test_threads_get_one_probe(store: BreakerStore) -> None:
    store.trip(T0, "down")
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: store.claim_probe(after(30), T0, f"p{n}", after(90)), range(8)))
    assert sum(won) == 1


class Watched(MemoryBreakerStore):
    """Counts its writes."""

    writes = 0

    def record_success(self) -> None:
        self.writes += 1
        super().record_success()


def breaker(store: BreakerStore, clock: ManualClock, holder: str = "me") -> Breaker:
    return Breaker(store, clock, holder=holder, threshold=3, timeout_s=30.0, probe_s=60.0)


def test_success_writes_nothing_while_all_is_well() -> None:
    store, clock = Watched(), ManualClock()
    one = breaker(store, clock)
    for _ in range(5):
        one.before()
        one.success()
    assert store.writes == 0
    one.before()
    one.failure("HTTP 500")
    one.before()
    one.success()
    assert store.writes == 1
    one.before()
    one.success()
    assert store.writes == 1


def test_an_open_circuit_says_when_to_come_back() -> None:
    store, clock = MemoryBreakerStore(), ManualClock()
    one = breaker(store, clock)
    one.exhausted("HTTP 503")
    clock.advance(10)
    with pytest.raises(CircuitOpen) as caught:
        one.before()
    assert caught.value.retry_in_s == pytest.approx(20)
    assert "HTTP 503" in caught.value.why
    assert "breaker reset" in caught.value.next
    assert caught.value.exit_code == 6


def test_one_probe_closes_it_and_the_others_wait_for_it() -> None:
    store, clock = MemoryBreakerStore(), ManualClock()
    one, two = breaker(store, clock, "one"), breaker(store, clock, "two")
    one.exhausted("down")
    clock.advance(30)
    one.before()
    with pytest.raises(CircuitOpen, match="not calling") as caught:
        two.before()
    assert "another process" in caught.value.why
    one.before()  # the holder may go on
    one.success()
    two.before()
    assert store.load() == BreakerState()


def test_a_failed_probe_starts_the_time_out_anew() -> None:
    store, clock = MemoryBreakerStore(), ManualClock()
    one = breaker(store, clock)
    one.exhausted("down")
    clock.advance(31)
    one.before()
    one.failure("still down")
    with pytest.raises(CircuitOpen) as caught:
        one.before()
    assert caught.value.retry_in_s == pytest.approx(30)


def test_a_process_that_died_while_probing_is_replaced() -> None:
    store, clock = MemoryBreakerStore(), ManualClock()
    one, two = breaker(store, clock, "one"), breaker(store, clock, "two")
    one.exhausted("down")
    clock.advance(30)
    one.before()
    clock.advance(61)
    two.before()
    assert store.load().probe_by == "two"


def test_two_breakers_have_two_holders() -> None:
    store, clock = MemoryBreakerStore(), ManualClock()
    assert Breaker(store, clock).holder != Breaker(store, clock).holder


@pytest.mark.parametrize("state", ["open", "half_open"])
def test_a_clock_that_is_set_back_does_not_keep_it_open(store: BreakerStore, state: str) -> None:
    """A machine that came up with a wrong date must not lock the shop out until that date comes."""
    wrong = after(3_600 * 24 * 365)
    store.trip(wrong, "down")
    if state == "half_open":
        assert store.claim_probe(wrong + timedelta(seconds=40), wrong, "gone", wrong + timedelta(seconds=100))
    breaker = Breaker(store, ManualClock(T0), timeout_s=30.0, holder="here")
    breaker.before()
    assert store.load().probe_by == "here"
    with pytest.raises(CircuitOpen):
        Breaker(store, ManualClock(T0), timeout_s=30.0, holder="another").before()
