"""From a file to an empty shop and into a second database: nothing is lost or doubled on the way."""

from __future__ import annotations

from pathlib import Path

from shopify_sync.clock import SystemClock
from shopify_sync.files import FileReader
from shopify_sync.sandbox import SandboxServer
from tests.shared import CSVS, needs_csvs
from tests.world import World

_LISTS = ("options", "variants", "media")


def _again(world: World, path: Path) -> tuple[int, int, int]:
    """(created, updated, unchanged)"""
    with world.app() as app:
        done = app.import_records("products", FileReader(path, now=SystemClock().now()), file=path.name)
    assert done.problems == []
    return done.created, done.updated, done.unchanged


def _import(world: World, path: Path) -> tuple[int, int]:
    """(products created, products in the file)."""
    now = SystemClock().now()
    with world.app() as app:
        done = app.import_records("products", FileReader(path, now=now), file=path.name)
    assert done.problems == []
    return done.created, sum(1 for _ in FileReader(path, now=now))


@needs_csvs
def test_real_files_reach_an_empty_shop_and_a_second_database(database_url: str, tmp_path: Path) -> None:
    """Both databases agree in every field of every product, variant, option and image; then nothing more is written."""
    with SandboxServer() as server:
        first = World(server, database_url)
        count = 0
        for path in sorted(CSVS.glob("*.csv")):
            created, held = _import(first, path)
            assert created == held > 5
            count += created
        rows = {name: first.value(f"SELECT count(*) FROM product_{name}") for name in _LISTS}
        assert (first.push().status, len(server.shop.table("Product"))) == ("succeeded", count)

        second = World(server, f"sqlite:///{tmp_path}/second.db")
        assert second.pull().counts.created == count
        assert rows == {name: second.value(f"SELECT count(*) FROM product_{name}") for name in _LISTS}
        first.pull()
        assert first.dump() == second.dump()

        sent = server.stats()["mutations"]
        for world in (first, second):
            before = world.revisions()
            for run in (world.push(), world.pull(), world.pull(full=True)):
                assert (run.status, run.counts.created, run.counts.updated) == ("succeeded", 0, 0)
            assert world.revisions() == before
        for path in sorted(CSVS.glob("*.csv")):
            assert _import(first, path)[0] == 0
        first.push()
        assert server.stats()["mutations"] == sent, "the same files again change nothing"


def test_a_handle_that_shopify_spells_otherwise_finds_its_product_again(
    server: SandboxServer, database_url: str, tmp_path: Path
) -> None:
    world = World(server, database_url)
    file = tmp_path / "products.csv"
    file.write_text("Handle,Title,Variant Price\nCase-Handle,Case,3\nCafé Crème,Café,4\n", encoding="utf-8")
    assert _again(world, file) == (2, 0, 0)
    assert world.push().counts.created == 2
    assert _again(world, file) == (0, 0, 2)
    assert world.rows("SELECT handle, dirty FROM products ORDER BY id") == [("case-handle", 0), ("cafe-creme", 0)]


def test_an_empty_vendor_is_none_of_the_files_business(
    server: SandboxServer, database_url: str, tmp_path: Path
) -> None:
    """Shopify fills in the shop's name. An empty type, though, empties it, as in Shopify's own import."""
    world = World(server, database_url)
    file = tmp_path / "products.csv"
    file.write_text("Handle,Title,Vendor,Type,Variant Price\nmug,Mug,,,3\n", encoding="utf-8")
    assert _again(world, file) == (1, 0, 0)
    world.push()
    filled = world.value("SELECT vendor FROM products WHERE handle = 'mug'")
    assert filled
    assert _again(world, file) == (0, 0, 1)
    world.sql("UPDATE products SET vendor = 'Potter', product_type = 'Cup' WHERE handle = 'mug'")
    assert _again(world, file) == (0, 1, 0)
    assert world.rows("SELECT vendor, product_type FROM products WHERE handle = 'mug'") == [("Potter", None)]
