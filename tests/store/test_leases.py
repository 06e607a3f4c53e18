"""Leases: one holder at a time among real processes, and none that can write after it lost its lease."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.errors import LeaseHeld
from shopify_sync.records import Batch
from shopify_sync.store import leases
from shopify_sync.store.database import Database
from tests.store.goods import Plain, Store, incoming, product

NAME = "1:products:pull"
# Waits for a line, tries to take the lease, tells, and keeps it until it is killed or its input ends.
TAKER = """
import sys
from shopify_sync.clock import ManualClock
from shopify_sync.errors import LeaseHeld
from shopify_sync.store import leases
from shopify_sync.store.database import Database

database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
try:
    leases.acquire(database, sys.argv[2], ManualClock())
    print("won", flush=True)
except LeaseHeld as error:
    print("held", error, error.why, flush=True)
sys.stdin.readline()
"""
Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def start(store: Store, database_url: str) -> Iterator[Start]:
    """Starts processes that are ready to take the lease; what is left of them ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def one() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", TAKER, database_url, NAME]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert heard(started[-1]) == "ready"
        return started[-1]

    yield one
    for process in started:
        process.kill()
        process.communicate()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def take(store: Store) -> leases.Lease:
    return leases.acquire(store.database, NAME, store.clock)


def holders(plain: Plain) -> list[str]:
    return [row[0] for row in plain.rows("SELECT holder FROM leases")]


def test_of_many_processes_one_gets_it(start: Start, store: Store) -> None:
    takers = [start() for _ in range(4)]
    for taker in takers:
        tell(taker)
    answers = [heard(taker) for taker in takers]
    assert sorted(answer.split()[0] for answer in answers) == ["held", "held", "held", "won"]
    assert all("another run of products pull is under way" in answer for answer in answers if answer != "won")
    assert leases.held(store.database, NAME, store.clock)


def test_the_refused_is_told_who_holds_it(start: Start, store: Store) -> None:
    taker = start()
    tell(taker)
    assert heard(taker) == "won"
    with pytest.raises(LeaseHeld) as refusal:
        take(store)
    assert (refusal.value.exit_code, f"process {taker.pid} " in refusal.value.why) == (8, True)
    assert "2026-11-24T12:00:00" in refusal.value.why
    assert "status" in refusal.value.next


@pytest.mark.parametrize("waited_for", [True, False])
def test_a_killed_holder_loses_it_at_once(start: Start, store: Store, plain: Plain, waited_for: bool) -> None:
    """Its lease is not over by the clock. Whether its parent has taken notice makes no difference."""
    taker = start()
    tell(taker)
    assert heard(taker) == "won"
    taker.kill()
    os.waitid(os.P_PID, taker.pid, os.WEXITED | os.WNOWAIT)
    if waited_for:
        taker.wait()
    assert not leases.held(store.database, NAME, store.clock)
    lease = take(store)
    assert holders(plain) == [lease.holder]


def test_a_holder_elsewhere_keeps_it_until_its_time_is_over(store: Store, plain: Plain) -> None:
    lease = take(store)
    plain.run("UPDATE leases SET holder = 'other-host|boot|pid:[1]|1|2|abc', host = 'other-host', pid = 1")
    store.clock.advance(leases.TTL_S - 1)
    assert leases.held(store.database, NAME, store.clock)
    with pytest.raises(LeaseHeld, match="another run"):
        take(store)
    store.clock.advance(1)
    assert not leases.held(store.database, NAME, store.clock)
    assert take(store).holder != lease.holder


def test_a_lease_of_a_clock_that_was_wrong_does_not_block_until_its_date(store: Store, plain: Plain) -> None:
    """Its holder has the longest time that a lease has to show that it lives."""
    take(store)
    plain.run("UPDATE leases SET holder = 'other-host|boot|pid:[1]|1|2|abc', expires_at = '2041-01-01T00:00:00Z'")
    with pytest.raises(LeaseHeld):
        take(store)
    store.clock.advance(leases.TTL_S - 1)
    with pytest.raises(LeaseHeld):
        take(store)
    store.clock.advance(1)
    lease = take(store)
    assert holders(plain) == [lease.holder]


def test_a_living_holder_whose_clock_is_ahead_keeps_it(store: Store, plain: Plain) -> None:
    ahead = leases.acquire(store.database, NAME, ManualClock(store.clock.now() + timedelta(hours=1)))
    plain.run("UPDATE leases SET holder = 'other-host|boot|pid:[1]|1|2|abc'")
    ahead.holder = "other-host|boot|pid:[1]|1|2|abc"
    for _ in range(4):
        with pytest.raises(LeaseHeld):
            take(store)
        ahead.beat()
        store.clock.advance(leases.TTL_S - 1)


def test_a_pid_that_was_given_to_another_process_is_not_the_holder(store: Store, plain: Plain) -> None:
    """The same place and number, but begun at another time."""
    lease = take(store)
    place, pid, began, number = lease.holder.rsplit("|", 3)
    assert leases.alive(lease.holder) is True
    plain.run("UPDATE leases SET holder = ?", f"{place}|{pid}|{int(began) - 1}|{number}")
    assert take(store).holder == holders(plain)[0]


def test_the_same_process_does_not_get_it_twice(store: Store) -> None:
    lease = take(store)
    with pytest.raises(LeaseHeld):
        take(store)
    lease.release()
    assert not leases.held(store.database, NAME, store.clock)
    take(store)


def test_other_directions_have_leases_of_their_own(store: Store, plain: Plain) -> None:
    take(store)
    leases.acquire(store.database, "1:products:push", store.clock)
    leases.acquire(store.database, "2:products:pull", store.clock)
    assert len(holders(plain)) == 3


def test_a_heartbeat_keeps_it(store: Store) -> None:
    lease = take(store)
    for _ in range(3):
        store.clock.advance(leases.TTL_S - 1)
        lease.beat()
    with pytest.raises(LeaseHeld):
        take(store)
    store.clock.advance(leases.TTL_S)
    take(store)
    with pytest.raises(LeaseHeld, match="taken over"):
        lease.beat()


def test_each_transaction_of_the_run_is_a_heartbeat(store: Store) -> None:
    lease = take(store)
    for number in range(1, 4):
        store.clock.advance(leases.TTL_S - 1)
        with store.local(lease=lease).session() as session:
            session.save(Batch(create=[incoming(product(number))]), store.clock.now())
    assert leases.held(store.database, NAME, store.clock)


def test_who_lost_it_writes_nothing_more(store: Store, plain: Plain) -> None:
    """A run that slept past its end and wakes up while another is at work."""
    old = take(store)
    store.clock.advance(leases.TTL_S)
    new = take(store)
    with pytest.raises(LeaseHeld, match="taken over") as lost, store.local(lease=old).session() as session:
        session.save(Batch(create=[incoming(product(1))]), store.clock.now())
    assert lost.value.exit_code == 8
    assert plain.value("SELECT count(*) FROM products") == 0
    with store.local(lease=new).session() as session:
        session.save(Batch(create=[incoming(product(1))]), store.clock.now())
    assert plain.value("SELECT count(*) FROM products") == 1


def test_who_slept_past_its_end_goes_on_when_nobody_came(store: Store) -> None:
    lease = take(store)
    store.clock.advance(leases.TTL_S * 10)
    lease.beat()
    assert leases.held(store.database, NAME, store.clock)


def test_who_lost_it_does_not_release_the_others(store: Store, plain: Plain) -> None:
    old = take(store)
    store.clock.advance(leases.TTL_S)
    new = take(store)
    old.release()
    assert holders(plain) == [new.holder]
    new.release()
    assert holders(plain) == []


def test_a_lease_ends_by_the_clock_that_is_passed_in(database: Database, plain: Plain) -> None:
    clock = ManualClock()
    leases.acquire(database, NAME, clock, ttl_s=5)
    plain.run("UPDATE leases SET holder = 'other-host|boot|pid:[1]|1|2|abc'")
    assert leases.held(database, NAME, ManualClock(clock.now() + timedelta(seconds=4)))
    assert not leases.held(database, NAME, ManualClock(clock.now() + timedelta(seconds=5)))
