"""Bulk queries over HTTP: their lines against what pages say, life of an operation, files, slots, faults."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import httpx
import orjson
import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.registry import Context
from shopify_sync.sandbox.resources.bulk_runs import slots
from shopify_sync.sandbox.server import SandboxServer
from shopify_sync.sandbox.state import Shop
from tests.sandbox.bulk_client import CANCEL, RUN, BulkClient

CATALOGUE = """{ products(sortKey: ID) { edges { node { id title handle tags status seo { title }
  options { id name optionValues { id name } }
  variants { edges { node { id sku price selectedOptions { name value } inventoryItem { id tracked } } } }
  media { edges { node { id alt } } } metafields { edges { node { id namespace key value } } } } } } }"""
PAGES = """{ products(first: 250, sortKey: ID) { nodes { id title handle tags status seo { title }
  options { id name optionValues { id name } }
  variants(first: 100) { nodes { id sku price selectedOptions { name value } inventoryItem { id tracked } } }
  media(first: 50) { nodes { id alt } } metafields(first: 50) { nodes { id namespace key value } } } } }"""
IDS = "{ products { edges { node { id } } } }"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(products=60, seed=5, clock=ManualClock()) as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Iterator[BulkClient]:
    made = BulkClient(server)
    yield made
    made.close()


def test_lines_are_what_pages_say(client: BulkClient) -> None:
    """Nested connections are lines with `__parentId`; objects and plain lists stay inside."""
    expected = []
    for product in client.ask(PAGES)["nodes"]:
        for name in ("variants", "media", "metafields"):
            expected += [{**row, "__parentId": product["id"]} for row in product.pop(name)["nodes"]]
        expected.append(product)
    found = client.result(CATALOGUE)
    assert Counter(map(orjson.dumps, found)) == Counter(map(orjson.dumps, expected))


def test_order(client: BulkClient) -> None:
    """With groupObjects children follow their parent at once; without it they are anywhere, in a repeatable order."""
    grouped = client.result(CATALOGUE, group=True)
    parent = None
    for line in grouped:
        if "__parentId" in line:
            assert line["__parentId"] == parent
        else:
            parent = line["id"]
    loose = client.result(CATALOGUE)
    place = {line["id"]: number for number, line in enumerate(loose)}
    children = [line for line in loose if "__parentId" in line]
    before = sum(place[line["id"]] < place[line["__parentId"]] for line in children)
    assert 0 < before < len(children)
    assert sorted(map(orjson.dumps, loose)) == sorted(map(orjson.dumps, grouped))


def test_two_levels(client: BulkClient) -> None:
    """A grandchild names its parent, not the root."""
    found = client.result(
        "{ collections { edges { node { id products { edges { node { id "
        "variants { edges { node { id } } } } } } } } } }"
    )
    kinds = Counter((line["id"].split("/")[3], line.get("__parentId", "///-").split("/")[3]) for line in found)
    assert set(kinds) == {("Collection", "-"), ("Product", "Collection"), ("ProductVariant", "Product")}


def test_a_connection_inside_an_object(client: BulkClient) -> None:
    """Its nodes are lines too, the object does not mention it."""
    found = client.result(
        "{ productVariants { edges { node { id inventoryItem { sku variants { edges { node { id title } } } } } } } }",
        group=True,
    )
    assert set(found[0]["inventoryItem"]) == {"sku"}
    assert found[1] == {"id": found[0]["id"], "title": found[1]["title"], "__parentId": found[0]["id"]}


def test_paging_arguments_do_not_count(client: BulkClient) -> None:
    """`first`, `after`, `pageInfo` are ignored; filters and fragments are not."""
    found = client.result(
        'query Q { products(first: 2, query: "id:>0") { pageInfo { hasNextPage } edges { cursor node { ...F } } } }'
        " fragment F on Product { id variants(first: 1) { edges { node { id } } } }"
    )
    assert sum("__parentId" not in line for line in found) == 60
    assert len(found) == 60 + len(client.server.shop.table("ProductVariant"))


def test_nothing_matched(client: BulkClient) -> None:
    """Then there is no file."""
    found = client.end(client.run('{ products(query: "id:1") { edges { node { id } } } }'))
    assert (found["status"], found["objectCount"], found["url"], found["fileSize"]) == ("COMPLETED", "0", None, None)


def test_life_of_an_operation(client: BulkClient) -> None:
    """CREATED, RUNNING with growing counts, COMPLETED, after seven days EXPIRED, all by the store's clock."""
    client.server.seed(400, 9)
    client.server.shop.desk.bulk_s = 100
    gid = client.run(CATALOGUE)
    assert client.poll(gid)["status"] == "CREATED"
    counts = []
    for _ in range(3):
        client.clock.advance(30)
        found = client.poll(gid)
        assert (found["status"], found["url"], found["fileSize"]) == ("RUNNING", None, None)
        counts.append(int(found["rootObjectCount"]))
    assert 0 < counts[0] < counts[1] < counts[2] <= 460
    found = client.end(gid)
    assert (found["status"], found["rootObjectCount"], found["errorCode"]) == ("COMPLETED", "460", None)
    assert len(client.lines(found["url"])) == int(found["objectCount"])
    client.clock.advance(7 * 86400)
    assert client.poll(gid)["status"] == "EXPIRED"
    assert client.download(found["url"]).status_code == 400


def test_the_file(client: BulkClient) -> None:
    """Slashes are escaped; the URL is signed and needs no token; ranges and gzip work."""
    found = client.end(client.run(CATALOGUE))
    whole = client.download(found["url"])
    assert re.findall(rb"(?<!\\)/", whole.content) == []
    assert (len(whole.content), whole.headers["Content-Type"]) == (int(found["fileSize"]), "application/jsonl")
    part = client.download(found["url"], Range="bytes=1000-")
    assert (part.status_code, whole.content[:1000] + part.content) == (206, whole.content)
    assert part.headers["Content-Range"] == f"bytes 1000-{len(whole.content) - 1}/{len(whole.content)}"
    assert client.download(found["url"], Range="bytes=5-9").content == whole.content[5:10]
    assert client.download(found["url"], Range="bytes=99999999-").status_code == 416
    packed = client.http.get(found["url"])
    assert (packed.headers["Content-Encoding"], packed.content) == ("gzip", whole.content)
    assert client.download(found["url"].replace("Signature=", "Signature=0")).status_code == 403
    assert client.download(found["url"], **{"X-Shopify-Access-Token": "shpat_x"}).status_code == 400


def test_slots(client: BulkClient) -> None:
    """Five queries at once; the sixth is told which ones run. Before 2026-01 it was one."""
    client.server.shop.desk.bulk_s = 100
    names = [client.run(IDS) for _ in range(5)]
    payload = client.ask(RUN, query=IDS)
    assert payload["userErrors"] == [
        {
            "field": None,
            "message": f"A bulk query operation for this app and shop is already in progress: {', '.join(names)}.",
            "code": "OPERATION_IN_PROGRESS",
        }
    ]
    client.end(names[0])
    client.run(IDS)
    assert (slots("2025-10"), slots("2026-01"), slots("unstable")) == (1, 5, 5)


def test_cancel(client: BulkClient) -> None:
    """CANCELING, then CANCELED without a file; counts stay; what has ended can't be cancelled."""
    client.server.shop.desk.bulk_s = 100
    gid = client.run(CATALOGUE)
    client.clock.advance(50)
    before = client.poll(gid)
    payload = client.ask(CANCEL, id=gid)
    assert (payload["bulkOperation"]["status"], payload["userErrors"]) == ("CANCELING", [])
    assert client.ask(CANCEL, id=gid)["userErrors"] == []
    assert client.poll(gid)["status"] == "CANCELING"
    client.clock.advance(2)
    found = client.poll(gid)
    assert (found["status"], found["url"], found["partialDataUrl"]) == ("CANCELED", None, None)
    assert (found["objectCount"], found["completedAt"]) == (before["objectCount"], None)
    message = "A bulk operation cannot be canceled when it is canceled"
    assert client.ask(CANCEL, id=gid)["userErrors"] == [{"field": None, "message": message}]
    assert [each["id"] for each in client.ask("{ bulkOperations(first: 5) { nodes { id } } }")["nodes"]] == [gid]


def test_scopes(server: SandboxServer, client: BulkClient) -> None:
    """What the token may not read ends the operation."""
    server.scopes = frozenset(("read_inventory",))
    found = client.poll(client.run(IDS))
    assert (found["status"], found["errorCode"], found["url"]) == ("FAILED", "ACCESS_DENIED", None)


@pytest.mark.parametrize(
    ("rule", "status", "code", "part"),
    [
        ("bulk_failed=1x", "FAILED", "INTERNAL_SERVER_ERROR", False),
        ("bulk_partial:0.5@bulk_query=1x", "FAILED", "INTERNAL_SERVER_ERROR", True),
        ("bulk_timeout=once", "FAILED", "TIMEOUT", True),
        ("bulk_canceled=1x", "CANCELED", None, False),
    ],
)
def test_operations_that_fail(client: BulkClient, rule: str, status: str, code: str | None, part: bool) -> None:
    """On demand; some leave what they have."""
    client.server.fault(rule)
    gid = client.run(CATALOGUE)
    client.server.shop.desk.join()
    found = client.poll(gid)
    assert (found["status"], found["errorCode"], found["url"]) == (status, code, None)
    assert (found["partialDataUrl"] is not None) == part
    if part:
        lines = client.lines(found["partialDataUrl"])
        assert sum("__parentId" not in line for line in lines) == 30 == int(found["rootObjectCount"])
    assert client.end(client.run(CATALOGUE))["status"] == "COMPLETED"


def test_downloads_that_fail(client: BulkClient) -> None:
    """Refused as too late, reset in the middle, with a line that is not JSON; then all is well again."""
    found = client.end(client.run(CATALOGUE))
    whole = client.download(found["url"]).content
    client.server.fault("url_expired=1x")
    assert "ExpiredToken" in client.download(found["url"]).text
    for headers in ({"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip"}):
        client.server.fault("cut:0.5=1x")
        got = b""
        with (
            pytest.raises(httpx.TransportError),
            client.http.stream("GET", found["url"], headers=headers) as answer,
        ):
            for chunk in answer.iter_bytes():
                got += chunk
        assert whole.startswith(got)
    client.server.fault("bad_line:0.3@download=1x")
    wrong = 0
    for line in client.download(found["url"]).content.splitlines():
        try:
            orjson.loads(line)
        except ValueError:
            wrong += 1
    assert wrong == 1
    client.server.fault("503:2@download=1x")
    assert client.download(found["url"]).status_code == 503
    assert client.download(found["url"]).content == whole


def test_the_store_is_as_before(client: BulkClient) -> None:
    """Operations are no part of the store's digest; a reset forgets them."""
    before = client.server.digest()
    gid = client.run(IDS)
    assert client.poll(gid)["status"] == "COMPLETED"
    assert client.server.digest() == before
    client.server.reset()
    assert client.poll(gid) is None


def test_files_go_with_the_server() -> None:
    shop = Shop(clock=ManualClock())
    assert Context(shop=shop).shop.desk.operations == {}
    folder = shop.desk.folder()
    assert folder.exists()
    shop.close()
    assert not folder.exists()
