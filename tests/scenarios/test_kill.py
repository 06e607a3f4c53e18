"""A run that is killed with SIGKILL at any moment and run again ends equal to one that nobody disturbed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shopify_sync.sandbox import SandboxServer
from tests.world import World

MOMENTS = 30
PRODUCTS = 240


def _environment(world: World) -> dict[str, str]:
    return os.environ | world.environment | {"NO_COLOR": "1", "XDG_CONFIG_HOME": "/nowhere"}


def _start(world: World, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "shopify_sync", "-q", *arguments],
        env=_environment(world),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
    )


def _run(world: World, *arguments: str) -> float:
    """Seconds of an undisturbed run; it has to succeed."""
    started = time.monotonic()
    process = _start(world, *arguments)
    _, err = process.communicate()
    assert process.returncode == 0, err.decode()
    return time.monotonic() - started


def _kill_after(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """SIGKILL after that long; whether it was still running. The wait is the killer's aim, not the test's patience."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    return False


@pytest.fixture(params=range(3))
def share(request: pytest.FixtureRequest) -> range:
    """A third of the moments, so that the thirds run side by side."""
    third = MOMENTS // 3
    return range(request.param * third, (request.param + 1) * third)


def test_a_killed_pull_is_continued(tmp_path: Path, share: range) -> None:
    """At random moments: what the next run makes of it equals what an undisturbed run stores."""
    # A slow shop, so that most of a run's time is the run's and not the interpreter's start.
    with SandboxServer(products=PRODUCTS, seed=5, faults=("latency:60=1",)) as server:
        calm = World(server, f"sqlite:///{tmp_path}/calm.db")
        took = _run(calm, "products", "pull")
        expected = calm.dump()
        chosen = random.Random(share.start)
        killed = 0
        for moment in share:
            world = World(server, f"sqlite:///{tmp_path}/killed-{moment}.db")
            killed += _kill_after(_start(world, "products", "pull"), chosen.uniform(0.2, 1.0) * took)
            _run(world, "products", "pull")
            assert world.dump() == expected, f"moment {moment}"
        assert killed >= len(share) // 2, "the moments were too late to prove anything"


def _edits(world: World) -> None:
    world.sql("UPDATE products SET title = title || ' *' WHERE id % 8 = 0")
    world.sql("UPDATE product_variants SET price = '7.77' WHERE product_id % 8 = 1")
    for number in range(12):
        world.new_product(f"Made here {number}", price=f"{number}.50", tags='["kill"]')


def test_a_killed_push_is_continued(tmp_path: Path, share: range) -> None:
    """At random moments: no product twice, none missing, both sides equal, and the shop like an undisturbed one."""
    expected: list[tuple[str, str]] = []
    took = 0.0
    chosen = random.Random(100 + share.start)
    killed = 0
    for moment in (None, *share):
        with SandboxServer(products=40, seed=6, faults=("latency:25=1",)) as server:
            world = World(server, f"sqlite:///{tmp_path}/push-{moment}.db")
            _run(world, "products", "pull")
            _edits(world)
            if moment is None:
                took = _run(world, "products", "push")
                expected = _shop(server)
                continue
            killed += _kill_after(_start(world, "products", "push"), chosen.uniform(0.3, 1.0) * took)
            _run(world, "products", "push")
            assert _shop(server) == expected, f"moment {moment}"
            assert world.value("SELECT count(*) FROM products WHERE dirty") == 0
            fresh = World(server, f"sqlite:///{tmp_path}/fresh-{moment}.db")
            fresh.pull()
            assert fresh.dump() == world.dump(), f"moment {moment}"
    assert killed >= len(share) // 2, "the moments were too late to prove anything"


def _shop(server: SandboxServer) -> list[tuple[str, str]]:
    """Handle, title and prices of every product on Shopify, times and ids left out."""
    variants = server.shop.table("ProductVariant")
    return sorted(
        (product["handle"], product["title"] + str([variants[number]["price"] for number in product["variantIds"]]))
        for product in server.shop.table("Product").values()
    )


def test_an_interrupted_run_is_told_as_such(tmp_path: Path) -> None:
    """The row of a killed run says `interrupted` as soon as the next one begins."""
    with SandboxServer(products=520, seed=5, faults=("latency:150=1",)) as server:
        world = World(server, f"sqlite:///{tmp_path}/shop.db")
        _run(world, "db", "upgrade")
        process = _start(world, "products", "pull")
        while not world.rows("SELECT 1 FROM checkpoints WHERE cursor IS NOT NULL"):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        server.faults.replace(())
        _run(world, "products", "pull")
        assert [row[0] for row in world.rows("SELECT status FROM sync_status ORDER BY id")] == [
            "interrupted",
            "succeeded",
        ]
        assert "continued" in world.value("SELECT notes FROM sync_status ORDER BY id DESC")
