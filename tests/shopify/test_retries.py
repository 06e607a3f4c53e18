"""The table of what is tried again, row by row; waiting, giving up, and the breaker behind it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.errors import (
    CircuitOpen,
    MissingScope,
    QueryTooExpensive,
    RequestRefused,
    ShopClosed,
    SyncError,
    TokenRejected,
    Unreachable,
)
from shopify_sync.records import ApiUse, Operation, Reply
from shopify_sync.resilience.backoff import Backoff
from shopify_sync.resilience.breaker import Breaker, MemoryBreakerStore
from shopify_sync.shopify.errors import KINDS, SLOW, may_retry, unreachable
from shopify_sync.shopify.transports.breaker import BreakerTransport
from shopify_sync.shopify.transports.retry import RetryTransport
from shopify_sync.shopify.transports.throttle import Waiter
from tests.shopify.conftest import MUTATION, QUERY

REPEATABLE = replace(MUTATION, repeatable=True)
# kind: (a query, a mutation that may be repeated, one that may not) is sent again; counts for the breaker
TABLE = {
    "refused": (True, True, True, True),
    "dns": (True, True, True, True),
    "connect_timeout": (True, True, True, True),
    "tls": (False, False, False, True),
    "reset": (True, True, False, True),
    "read_timeout": (True, True, False, True),
    "truncated": (True, True, False, True),
    "not_json": (True, True, False, True),
    "http_429": (True, True, True, True),
    "http_500": (True, True, False, True),
    "http_502": (True, True, False, True),
    "http_503": (True, True, False, True),
    "http_504": (True, True, False, True),
    "http_540": (True, True, True, True),
    "throttled": (True, True, True, False),
    "internal": (True, True, False, True),
    "partial": (True, True, True, False),
    "torn_read": (True, True, True, False),
}
NEVER: list[SyncError] = [
    TokenRejected("401"),
    MissingScope("403"),
    ShopClosed("402"),
    RequestRefused("400"),
    QueryTooExpensive("dear"),
]


@dataclass
class Scripted:
    """A transport that raises what is in the list, then answers."""

    clock: ManualClock
    errors: list[SyncError] = field(default_factory=list)
    calls: int = 0
    takes_s: float = 0.0

    def send(self, operation: Operation) -> Reply:
        self.calls += 1
        self.clock.advance(self.takes_s)
        if self.errors:
            raise self.errors.pop(0)
        return Reply({}, [], None, datetime(2026, 11, 24, tzinfo=UTC), "2026-10")


@dataclass
class Setup:
    clock: ManualClock
    inner: Scripted
    store: MemoryBreakerStore
    use: ApiUse
    retry: RetryTransport


def setup(*errors: SyncError, retries: int = 3, deadline_s: float = 120.0, threshold: int = 5) -> Setup:
    clock, store, use = ManualClock(), MemoryBreakerStore(), ApiUse()
    inner = Scripted(clock, list(errors))
    breaker = Breaker(store, clock, holder="test", threshold=threshold)
    retry = RetryTransport(
        BreakerTransport(inner, breaker),
        breaker,
        Backoff(0.5, 20.0, random.Random(7)),
        Waiter(clock, use),
        clock,
        use,
        retries=retries,
        deadline_s=deadline_s,
    )
    return Setup(clock, inner, store, use, retry)


def error(kind: str, retry_after_s: float | None = None) -> Unreachable:
    return unreachable(kind, "shop", retry_after_s=retry_after_s)


def test_each_row_is_tested() -> None:
    assert set(TABLE) == set(KINDS)


@pytest.mark.parametrize("kind", TABLE)
@pytest.mark.parametrize("column", [0, 1, 2])
def test_row(kind: str, column: int) -> None:
    operation = (QUERY, REPEATABLE, MUTATION)[column]
    expected = TABLE[kind][column]
    assert may_retry(error(kind), operation) is expected
    found = setup(error(kind))
    if expected:
        found.retry.send(operation)
        assert (found.inner.calls, found.use.retries) == (2, 1)
        assert found.store.load().state == "closed"
    else:
        with pytest.raises(Unreachable):
            found.retry.send(operation)
        assert (found.inner.calls, found.use.retries) == (1, 0)


@pytest.mark.parametrize("kind", TABLE)
def test_row_counts(kind: str) -> None:
    found = setup(error(kind), threshold=1)
    with pytest.raises(Unreachable):
        found.retry.inner.send(MUTATION)
    assert (found.store.load().state == "open") is TABLE[kind][3]


@pytest.mark.parametrize("refusal", NEVER, ids=lambda e: type(e).__name__)
def test_refusals_are_final_and_do_not_count(refusal: SyncError) -> None:
    found = setup(refusal)
    with pytest.raises(type(refusal)):
        found.retry.send(QUERY)
    assert found.inner.calls == 1
    assert found.store.load().failures == 0


def test_a_lost_answer_of_an_unrepeatable_write_does_not_open_the_circuit_at_once() -> None:
    found = setup(error("read_timeout"))
    with pytest.raises(Unreachable):
        found.retry.send(MUTATION)
    state = found.store.load()
    assert (state.state, state.failures) == ("closed", 1)


def test_what_was_never_sent_may_be_sent_again() -> None:
    lost = error("reset")
    lost.sent = False
    assert may_retry(lost, MUTATION)


def test_three_retries_then_the_circuit_opens() -> None:
    found = setup(*(error("http_503") for _ in range(9)))
    with pytest.raises(Unreachable, match="503"):
        found.retry.send(QUERY)
    assert (found.inner.calls, found.use.retries) == (4, 3)
    assert found.store.load().state == "open"
    with pytest.raises(CircuitOpen):
        found.retry.send(QUERY)
    assert found.inner.calls == 4


@pytest.mark.parametrize("kind", sorted(SLOW))
def test_a_slow_query_may_be_asked_again_smaller(kind: str) -> None:
    found = setup(*(error(kind) for _ in range(4)))
    with pytest.raises(Unreachable):
        found.retry.send(QUERY)
    assert found.store.load().state == "closed"
    found.retry.send(QUERY)
    found = setup(*(error(kind) for _ in range(9)))
    for _ in range(2):
        with pytest.raises(Unreachable):
            found.retry.send(QUERY)
    assert found.inner.calls == 5  # and still five failures in a row open the circuit
    assert found.store.load().state == "open"


def test_no_retries_when_none_are_wanted() -> None:
    found = setup(error("http_503"), retries=0)
    with pytest.raises(Unreachable):
        found.retry.send(QUERY)
    assert found.inner.calls == 1


def test_waits_grow_and_jitter() -> None:
    found = setup(*(error("http_500") for _ in range(3)))
    found.retry.send(QUERY)
    for number, wait in enumerate(found.clock.slept, start=1):
        assert 0 <= wait <= 0.5 * 2**number
    assert found.use.waited_s == pytest.approx(sum(found.clock.slept))


def test_retry_after_is_honoured_in_slices() -> None:
    found = setup(error("http_429", retry_after_s=12.0))
    found.retry.send(QUERY)
    assert found.clock.slept == [5.0, 5.0, 2.0]


def test_nothing_is_waited_for_beyond_the_deadline() -> None:
    found = setup(error("http_503", retry_after_s=300.0))
    with pytest.raises(Unreachable):
        found.retry.send(QUERY)
    assert found.clock.slept == []
    assert found.inner.calls == 1


def test_the_deadline_ends_slow_failures() -> None:
    found = setup(*(error("read_timeout") for _ in range(9)), retries=8, deadline_s=65.0)
    found.inner.takes_s = 30.0
    with pytest.raises(Unreachable):
        found.retry.send(QUERY)
    assert found.inner.calls <= 3


def test_being_throttled_is_no_failure_but_not_waited_for_forever() -> None:
    found = setup(*(error("throttled", retry_after_s=1.0) for _ in range(5)))
    found.retry.send(QUERY)
    assert found.inner.calls == 6
    found = setup(*(error("throttled", retry_after_s=1.0) for _ in range(50)))
    with pytest.raises(Unreachable):
        found.retry.send(QUERY)
    assert found.inner.calls <= 12
    assert found.store.load().state == "closed"


def test_a_storm_of_429_opens_the_circuit() -> None:
    found = setup(*(error("http_429", retry_after_s=1.0) for _ in range(9)))
    with pytest.raises(Unreachable):
        found.retry.send(QUERY)
    assert found.store.load().state == "open"


def test_when_our_own_failures_open_it_they_are_what_is_told() -> None:
    found = setup(*(error("http_502") for _ in range(9)), threshold=2)
    with pytest.raises(Unreachable, match="502"):
        found.retry.send(QUERY)
    assert found.inner.calls == 2


def test_one_probe_brings_it_back() -> None:
    found = setup(*(error("refused") for _ in range(4)))
    with pytest.raises(Unreachable):
        found.retry.send(QUERY)
    found.clock.advance(31)
    found.retry.send(QUERY)
    assert found.store.load().state == "closed"


def test_a_refusal_heals_a_half_open_circuit() -> None:
    found = setup(*(error("refused") for _ in range(4)), TokenRejected("401"))
    with pytest.raises(Unreachable):
        found.retry.send(QUERY)
    found.clock.advance(31)
    with pytest.raises(TokenRejected):
        found.retry.send(QUERY)
    assert found.store.load().state == "closed"
