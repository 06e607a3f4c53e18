"""A run that is killed with SIGKILL at any moment and run again ends equal to one that nobody disturbed."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shopify_sync.sandbox import SandboxServer
from tests.warm import Running, Warm
from tests.world import World

MOMENTS = 30
PRODUCTS = 240


@dataclass
class Runner:
    """The command in processes of its own, against one world."""

    warm: Warm
    world: World
    more: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> Running:
        environment = self.world.environment | {"NO_COLOR": "1", "XDG_CONFIG_HOME": "/nowhere"} | self.more
        return self.warm.start(["-q", *arguments], Path("/"), environment)

    def run(self, *arguments: str) -> None:
        """A run that nobody disturbs; it has to succeed."""
        running = self.start(*arguments)
        assert running.finish() == 0, running.err


@dataclass
class Course:
    """How an undisturbed run goes: so many requests, seconds to the first and from one to the next."""

    requests: int = 0
    first_s: float = 0.0
    gap_s: float = 0.0

    @classmethod
    def of(cls, runner: Runner, *arguments: str) -> Course:
        before, started, first_s = _asked(runner.world), time.monotonic(), 0.0
        running = runner.start(*arguments)
        while not running.wait(0.0005):
            if not first_s and _asked(runner.world) > before:
                first_s = time.monotonic() - started
        assert running.finish() == 0, running.err
        asked = _asked(runner.world) - before
        return cls(asked, first_s, (time.monotonic() - started - first_s) / asked)

    def moment(self, chosen: random.Random) -> float:
        """Any moment of a run, in requests: 2.5 is half-way between the second and the third."""
        return chosen.uniform(0, self.requests + 0.5)

    def kill(self, runner: Runner, moment: float, *arguments: str) -> bool:
        """SIGKILL at a moment, counted in requests so that a busy machine hits it as well; whether it still ran."""
        before = _asked(runner.world)
        running = runner.start(*arguments)
        while _asked(runner.world) - before < int(moment) and not running.wait(0.0005):
            pass
        running.wait(moment % 1 * (self.gap_s if moment >= 1 else self.first_s))
        running.send_signal(signal.SIGKILL)
        return running.finish() == -signal.SIGKILL


def _asked(world: World) -> int:
    return int(world.server.statistics.requests)


@pytest.fixture(params=range(3))
def share(request: pytest.FixtureRequest) -> range:
    """A third of the moments, so that the thirds run side by side."""
    third = MOMENTS // 3
    return range(request.param * third, (request.param + 1) * third)


def test_a_killed_pull_is_continued(tmp_path: Path, share: range, warm: Warm) -> None:
    """At random moments: what the next run makes of it equals what an undisturbed run stores."""
    # A slow shop, so that moments fall between an answer and the next question as well as into the writing.
    with SandboxServer(products=PRODUCTS, seed=5, faults=("latency:15=1",)) as server:
        calm = World(server, f"sqlite:///{tmp_path}/calm.db")
        course = Course.of(Runner(warm, calm), "products", "pull")
        expected = calm.dump()
        chosen = random.Random(share.start)
        killed = 0
        for moment in share:
            world = World(server, f"sqlite:///{tmp_path}/killed-{moment}.db")
            runner = Runner(warm, world)
            killed += course.kill(runner, course.moment(chosen), "products", "pull")
            runner.run("products", "pull")
            assert world.dump() == expected, f"moment {moment}"
        assert killed >= len(share) * 0.8, "the moments were too late to prove anything"


def test_a_killed_bulk_pull_is_continued(tmp_path: Path, share: range, warm: Warm) -> None:
    """At random moments: the same end, no operation left running, and none started a second time for the same work."""
    command = ("products", "pull", "--method", "bulk")
    chosen, killed = random.Random(200 + share.start), 0
    # It takes a while, so that moments fall into the waiting, the download and the writing.
    with SandboxServer(products=PRODUCTS // 2, seed=5, bulk_s=0.2, faults=("latency:8=1",)) as server:
        calm = World(server, f"sqlite:///{tmp_path}/calm.db")
        course = Course.of(Runner(warm, calm, {"XDG_STATE_HOME": str(tmp_path)}), *command)
        for moment in share:
            world = World(server, f"sqlite:///{tmp_path}/bulk-{moment}.db")
            runner = Runner(warm, world, {"XDG_STATE_HOME": str(tmp_path / f"state-{moment}")})
            runner.run("db", "upgrade")
            before = len(server.shop.desk.operations)
            killed += course.kill(runner, course.moment(chosen), *command)
            finished = bool(world.rows("SELECT 1 FROM checkpoints WHERE cursor IS NULL AND watermark IS NOT NULL"))
            runner.run(*command)
            assert world.dump() == calm.dump(), f"moment {moment}"
            operations = list(server.shop.desk.operations.values())
            assert [each.status for each in operations if each.status != "COMPLETED"] == [], f"moment {moment}"
            assert len(operations) - before == 1 + finished, f"moment {moment}"
            assert not list((tmp_path / f"state-{moment}").rglob("*.jsonl*")), f"moment {moment}"
    assert killed >= len(share) * 0.8, "the moments were too late to prove anything"


def _edits(world: World) -> None:
    world.sql("UPDATE products SET title = title || ' *' WHERE id % 8 = 0")
    world.sql("UPDATE product_variants SET price = '7.77' WHERE product_id % 8 = 1")
    for number in range(12):
        world.new_product(f"Made here {number}", price=f"{number}.50", tags='["kill"]')


def test_a_killed_push_is_continued(tmp_path: Path, share: range, warm: Warm) -> None:
    """At random moments: no product twice, none missing, both sides equal, and the shop like an undisturbed one."""
    expected: list[tuple[str, str]] = []
    course = Course()
    chosen = random.Random(100 + share.start)
    killed = 0
    for moment in (None, *share):
        with SandboxServer(products=40, seed=6, faults=("latency:5=1",)) as server:
            world = World(server, f"sqlite:///{tmp_path}/push-{moment}.db")
            runner = Runner(warm, world)
            world.pull()
            _edits(world)
            if moment is None:
                course = Course.of(runner, "products", "push")
                expected = _shop(server)
                continue
            killed += course.kill(runner, course.moment(chosen), "products", "push")
            runner.run("products", "push")
            assert _shop(server) == expected, f"moment {moment}"
            assert world.value("SELECT count(*) FROM products WHERE dirty") == 0
            fresh = World(server, f"sqlite:///{tmp_path}/fresh-{moment}.db")
            fresh.pull()
            assert fresh.dump() == world.dump(), f"moment {moment}"
    assert killed >= len(share) * 0.8, "the moments were too late to prove anything"


def test_a_killed_bulk_push_is_continued(tmp_path: Path, share: range, warm: Warm) -> None:
    """At random moments: the same end, no line carried out twice by an operation, and none left running."""
    command = ("products", "push", "--method", "bulk", "--allow-mass-change")
    expected: list[tuple[str, str]] = []
    course, chosen, killed = Course(), random.Random(300 + share.start), 0
    for moment in (None, *share):
        with SandboxServer(products=56, seed=6, bulk_s=0.1, faults=("latency:3=1",)) as server:
            world = World(server, f"sqlite:///{tmp_path}/push-{moment}.db")
            runner = Runner(warm, world, {"XDG_STATE_HOME": str(tmp_path / f"state-{moment}")})
            world.pull(method="paged")
            world.sql("UPDATE products SET title = title || ' *' WHERE id <= 28")
            world.sql("UPDATE product_variants SET price = '7.77' WHERE product_id > 28")
            for number in range(10):
                world.new_product(f"Made here {number}", price=f"{number}.50")
            if moment is None:
                course = Course.of(runner, *command)
                expected = _shop(server)
                assert len(server.shop.desk.operations) == 2
                continue
            killed += course.kill(runner, course.moment(chosen), *command)
            runner.run(*command)
            assert _shop(server) == expected, f"moment {moment}"
            assert world.value("SELECT count(*) FROM products WHERE dirty") == 0
            operations = list(server.shop.desk.operations.values())
            assert [each.status for each in operations if each.status != "COMPLETED"] == [], f"moment {moment}"
            assert sum(each.objects for each in operations) <= 38 + 28, f"moment {moment}"
            assert not list((tmp_path / f"state-{moment}").rglob("*.jsonl*")), f"moment {moment}"
    assert killed >= len(share) * 0.8, "the moments were too late to prove anything"


def _shop(server: SandboxServer) -> list[tuple[str, str]]:
    """Handle, title and prices of every product on Shopify, times and ids left out."""
    variants = server.shop.table("ProductVariant")
    return sorted(
        (product["handle"], product["title"] + str([variants[number]["price"] for number in product["variantIds"]]))
        for product in server.shop.table("Product").values()
    )


def test_an_interrupted_run_is_told_as_such(tmp_path: Path, warm: Warm) -> None:
    """The row of a killed run says `interrupted` as soon as the next one begins."""
    with SandboxServer(products=520, seed=5, faults=("latency:150=1",)) as server:
        world = World(server, f"sqlite:///{tmp_path}/shop.db")
        runner = Runner(warm, world)
        runner.run("db", "upgrade")
        running = runner.start("products", "pull")
        while not world.rows("SELECT 1 FROM checkpoints WHERE cursor IS NOT NULL"):
            assert not running.wait(0.01)
        running.send_signal(signal.SIGKILL)
        running.finish()
        server.faults.replace(())
        runner.run("products", "pull")
        assert [row[0] for row in world.rows("SELECT status FROM sync_status ORDER BY id")] == [
            "interrupted",
            "succeeded",
        ]
        assert "continued" in world.value("SELECT notes FROM sync_status ORDER BY id DESC")
