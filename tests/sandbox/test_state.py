"""The digest of the whole store, and snapshots of it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox import SandboxServer
from shopify_sync.sandbox.resources import load
from shopify_sync.sandbox.seed import seed
from shopify_sync.sandbox.state import Shop
from tests.sandbox.shopfront import Shopfront
from tests.sandbox.test_events import EVENTS
from tests.sandbox.test_mutations_products import CREATE, DELETE, created

READ = """query($id: ID!) { productsCount(query: "status:active") { count } product(id: $id) { title
  variants(first: 50) { nodes { id } } media(first: 9) { nodes { id } } metafields(first: 50) { nodes { value } } } }"""


@pytest.fixture
def shop() -> Shopfront:
    front = Shopfront.fresh()
    seed(front.shop, products=30, seed=3)
    return front


def test_reading_and_refused_writes_leave_the_digest(shop: Shopfront) -> None:
    product = created(shop, title="A")
    before = shop.shop.digest()
    shop.data(READ, id=product["id"])
    shop.data(EVENTS, first=50)
    shop.errors(CREATE, product={"title": ""})
    shop.wait()
    shop.data(READ, id=product["id"])
    assert shop.shop.digest() == before


def test_any_record_put_or_dropped_moves_the_digest(shop: Shopfront) -> None:
    seen = {shop.shop.digest()}
    for name in ("Product", "ProductVariant", "InventoryItem", "Media", "Metafield", "Collection", "Publication"):
        number, record = next(iter(shop.shop.table(name).items()))
        shop.shop.put(name, {**record, "createdAt": "1999-01-01T00:00:00Z"})
        seen.add(shop.shop.digest())
        shop.shop.drop(name, number)
        seen.add(shop.shop.digest())
    assert len(seen) == 15


def test_a_snapshot_brings_back_everything_and_the_same_ids(shop: Shopfront) -> None:
    first = created(shop, title="Kept", handle="kept", tags=["x"])
    before, kept = shop.shop.digest(), shop.shop.snapshot()
    ids = [row["id"] for row in shop.data("{ products(first: 250) { nodes { id } } }")["nodes"]]
    lost = created(shop, title="Lost")
    for gid in ids:
        shop.data(DELETE, id=gid)
    shop.shop.restore(kept)
    assert shop.shop.digest() == before
    assert [row["id"] for row in shop.data("{ products(first: 250) { nodes { id } } }")["nodes"]] == ids
    assert shop.shop.by_handle("Product", "kept") is shop.shop.find(first["id"], "Product")
    assert shop.shop.by_handle("Product", "lost") is None
    assert created(shop, title="Lost")["id"] == lost["id"]


def test_changes_after_a_restore_do_not_reach_the_snapshot(shop: Shopfront) -> None:
    before, kept = shop.shop.digest(), shop.shop.snapshot()
    for _ in range(2):
        shop.shop.restore(kept)
        assert shop.shop.digest() == before
        next(iter(shop.shop.table("Product").values()))["tags"].append("changed in place")
        assert shop.shop.digest() != before


def test_a_restored_store_is_what_its_file_holds(tmp_path: Path) -> None:
    load()
    shop = Shop.open(tmp_path / "shop.db", clock=ManualClock())
    seed(shop, products=5, seed=1)
    kept, before = shop.snapshot(), shop.digest()
    front = Shopfront(shop)
    created(front, title="Gone after the restore")
    front.data(DELETE, id=shop.gid("Product", next(iter(shop.table("Product")))))
    shop.restore(kept)
    shop.close()
    again = Shop.open(tmp_path / "shop.db", clock=ManualClock())
    assert again.digest() == before
    again.close()


def test_the_side_door_takes_snapshots_by_name() -> None:
    with SandboxServer(products=3, clock=ManualClock()) as server, httpx.Client(base_url=server.url) as client:
        first = client.post("/_sandbox/snapshot", json={"name": "start"}).json()
        assert first["digest"] == server.digest()
        kept = server.snapshot()
        server.edit(create={"title": "New"})
        assert client.get("/_sandbox/digest").json()["digest"] != first["digest"]
        assert client.post("/_sandbox/restore", json={"name": "start"}).json() == first
        server.reset()
        server.restore(kept)
        assert server.digest() == first["digest"]
        answer = client.post("/_sandbox/restore", json={"name": "other"})
        assert (answer.status_code, answer.json()) == (400, {"error": "no snapshot 'other'"})


def test_the_time_of_a_changed_product_moves_once_more_by_itself() -> None:
    """Recorded: product-change-status-parity."""
    shop = Shopfront.fresh()
    shop.shop.echo_s = 8
    product = created(shop, title="A")
    read = "query($id: ID!) { product(id: $id) { title updatedAt } }"
    shop.wait(5)
    assert shop.data(read, id=product["id"])["updatedAt"] == product["updatedAt"]
    shop.wait(5)
    late = shop.data(read, id=product["id"])
    assert late["title"] == "A"
    assert late["updatedAt"] > product["updatedAt"]
    shop.wait(60)
    assert shop.data(read, id=product["id"]) == late
    shop.data(DELETE, id=product["id"])
    shop.wait(60)
    assert shop.data(read, id=product["id"]) is None
