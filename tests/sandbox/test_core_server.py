"""The simulated shop over real HTTP: tokens, versions, headers, throttling, faults, the side door, the file."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.faults import parse_fault
from shopify_sync.sandbox.server import SandboxServer

GRAPHQL = "/admin/api/2026-10/graphql.json"
COUNT = "{ productsCount { count } }"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(products=12, seed=5, clock=ManualClock()) as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Iterator[httpx.Client]:
    headers = {"X-Shopify-Access-Token": server.token}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as made:
        yield made


def post(client: httpx.Client, text: str, path: str = GRAPHQL, **variables: Any) -> httpx.Response:
    return client.post(path, json={"query": text, "variables": variables})


def test_an_answer_has_data_cost_and_headers(client: httpx.Client) -> None:
    """Every answer carries cost, the version served, a request id and a date."""
    answer = post(client, COUNT)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"productsCount": {"count": 12}}
    cost = answer.json()["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (10, 10)
    assert cost["throttleStatus"] == {"maximumAvailable": 2000.0, "currentlyAvailable": 1990, "restoreRate": 100.0}
    assert answer.headers["X-Shopify-API-Version"] == "2026-10"
    assert answer.headers["X-Request-Id"]
    assert answer.headers["Date"]


def test_a_big_answer_is_compressed(client: httpx.Client) -> None:
    """When the client accepts it."""
    answer = post(client, "{ products(first: 12) { nodes { id title descriptionHtml handle } } }")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["data"]["products"]["nodes"]) == 12


@pytest.mark.parametrize(
    ("asked", "served"), [("2026-04", "2026-04"), ("2024-01", "2026-01"), ("unstable", "unstable")]
)
def test_versions(client: httpx.Client, asked: str, served: str) -> None:
    """A version that is gone is answered by the oldest supported one."""
    answer = post(client, COUNT, f"/admin/api/{asked}/graphql.json")
    assert answer.headers["X-Shopify-API-Version"] == served


def test_a_wrong_token_is_refused(server: SandboxServer) -> None:
    """401 with a text, not a list."""
    answer = httpx.post(
        server.url + GRAPHQL, json={"query": COUNT}, headers={"X-Shopify-Access-Token": "x"}, trust_env=False
    )
    assert answer.status_code == 401
    assert answer.json() == {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


def test_malformed_requests(client: httpx.Client) -> None:
    """No JSON is 400, another method 405, another path 404."""
    assert client.post(GRAPHQL, content=b"{nope").status_code == 400
    assert client.get(GRAPHQL).status_code == 405
    assert client.get("/admin/api/2026-10/products.json").status_code == 404


@pytest.mark.parametrize("as_json", [False, True])
def test_client_credentials(server: SandboxServer, client: httpx.Client, as_json: bool) -> None:
    """The grant gives a token that works until it expires on the store's clock."""
    body = {
        "grant_type": "client_credentials",
        "client_id": server.tokens.client_id,
        "client_secret": server.tokens.client_secret,
    }
    path = "/admin/oauth/access_token"
    given = (client.post(path, json=body) if as_json else client.post(path, data=body)).json()
    assert given["expires_in"] == 86399
    assert "read_products" in given["scope"].split(",")
    headers = {"X-Shopify-Access-Token": given["access_token"]}
    assert client.post(GRAPHQL, json={"query": COUNT}, headers=headers).status_code == 200
    client.post("/_sandbox/clock", json={"advance_s": 86400})
    assert client.post(GRAPHQL, json={"query": COUNT}, headers=headers).status_code == 401
    assert client.post(path, json={**body, "client_secret": "no"}).status_code == 400


def test_rest(client: httpx.Client) -> None:
    """shop.json counts calls in its header and runs dry; access scopes are listed."""
    answer = client.get("/admin/api/2026-10/shop.json")
    assert answer.headers["X-Shopify-Shop-Api-Call-Limit"] == "1/40"
    assert answer.json()["shop"]["myshopify_domain"] == "sandbox.myshopify.com"
    handles = [scope["handle"] for scope in client.get("/admin/oauth/access_scopes.json").json()["access_scopes"]]
    assert "write_products" in handles
    for _ in range(38):
        client.get("/admin/api/2026-10/shop.json")
    refused = client.get("/admin/api/2026-10/shop.json")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2.0")


def test_an_empty_bucket_throttles_and_refills(server: SandboxServer, client: httpx.Client) -> None:
    """HTTP 200 without data; time, which is the clock's, refills."""
    assert isinstance(server.clock, ManualClock)
    server.bucket.take(1995)
    answer = post(client, COUNT).json()
    assert "data" not in answer
    assert answer["errors"][0]["message"] == "Throttled"
    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    cost = answer["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (10, None)
    server.clock.advance(0.05)
    assert post(client, COUNT).json()["data"]
    assert server.stats()["throttled"] == 1


def test_cost_debug(client: httpx.Client) -> None:
    """The header adds the price of each field."""
    answer = client.post(GRAPHQL, json={"query": COUNT}, headers={"Shopify-GraphQL-Cost-Debug": "1"})
    assert answer.json()["extensions"]["cost"]["fields"] == [
        {"path": ["productsCount"], "definedCost": 10, "requestedTotalCost": 10, "requestedChildrenCost": 0}
    ]


def test_statistics(server: SandboxServer, client: httpx.Client) -> None:
    """Requests, points and statuses are counted by operation; the side door itself is not."""
    client.post(GRAPHQL, json={"query": f"query Counted {COUNT}"})
    stats = client.get("/_sandbox/stats").json()
    assert stats["by_operation"] == {"Counted": {"requests": 1, "points": 10}}
    assert (stats["requests"], stats["queries"], stats["points"], stats["by_status"]) == (1, 1, 10, {"200": 1})
    assert client.post("/_sandbox/stats/reset").json()["requests"] == 0
    assert server.stats()["requests"] == 0


def test_the_merchants_hand(server: SandboxServer, client: httpx.Client) -> None:
    """Create, change and delete a product; its time of update moves, the digest tells."""
    before = client.get("/_sandbox/digest").json()["digest"]
    assert client.get("/_sandbox/digest").json()["digest"] == before
    made = client.post("/_sandbox/edit", json={"create": {"title": "Neu ☕", "price": "12.50", "sku": "N-1"}}).json()
    assert client.get("/_sandbox/digest").json()["digest"] != before
    client.post("/_sandbox/clock", json={"advance_s": 60})
    change = {"product": made["product"]["handle"], "set": {"title": "Newer", "price": "13.00", "tags": ["b", "a"]}}
    changed = client.post("/_sandbox/edit", json=change).json()["product"]
    assert changed["title"] == "Newer"
    assert changed["updatedAt"] > made["product"]["updatedAt"]
    text = "query($i: ID!) { product(id: $i) { tags variants(first: 1) { nodes { price sku } } } }"
    found = post(client, text, i=changed["id"]).json()["data"]["product"]
    assert found == {"tags": ["a", "b"], "variants": {"nodes": [{"price": "13.00", "sku": "N-1"}]}}
    client.post("/_sandbox/edit", json={"product": changed["id"], "delete": True})
    assert post(client, text, i=changed["id"]).json()["data"]["product"] is None
    assert client.post("/_sandbox/edit", json={"product": "nope", "set": {}}).status_code == 400
    assert client.post("/_sandbox/edit", json={"create": {"title": " "}}).json() == {"error": "Title can't be blank"}
    assert len(client.get("/_sandbox/dump?type=Product").json()) == 12


def test_seed_and_reset(server: SandboxServer, client: httpx.Client) -> None:
    """Both through the side door."""
    assert client.post("/_sandbox/seed", json={"products": 3, "seed": 9}).json()["Product"] == 15
    assert client.post("/_sandbox/reset").json() == {"Publication": 2}
    assert post(client, COUNT).json()["data"]["productsCount"]["count"] == 0
    assert client.get("/_sandbox/nothing").status_code == 404


def test_status_faults(server: SandboxServer, client: httpx.Client) -> None:
    """A status with Retry-After, a number of times, after some that pass."""
    rules = client.post("/_sandbox/faults", json=["429:2=1x+1"]).json()
    assert (rules[0]["kind"], rules[0]["code"], rules[0]["skip"]) == ("status", 429, 1)
    assert [post(client, COUNT).status_code for _ in range(3)] == [200, 429, 200]
    assert client.get("/_sandbox/faults").json()[0]["fired"] == 1
    assert client.delete("/_sandbox/faults").json() == []
    assert client.post("/_sandbox/faults", json=["nonsense"]).status_code == 400


@pytest.mark.parametrize(("when", "applied"), [("reset_before", False), ("reset_after", True)])
def test_resets(server: SandboxServer, client: httpx.Client, when: str, applied: bool) -> None:
    """The connection breaks before or after the mutation was carried out; the repetition passes."""
    server.fault(f"{when}@mutation=once")
    text = 'mutation { productCreate(product: {title: "Lost"}) { product { id } userErrors { message } } }'
    with pytest.raises(httpx.TransportError):
        post(client, text)
    assert post(client, COUNT).json()["data"]["productsCount"]["count"] == 12 + applied
    assert post(client, text).status_code == 200
    assert server.stats()["by_status"] == {"reset": 1, "200": 2}


def test_answers_that_arrive_broken(server: SandboxServer, client: httpx.Client) -> None:
    """Truncated, not JSON, partial, internal error, throttled although there are points."""
    for kind in ("truncate", "not_json", "partial", "internal_error", "throttled"):
        server.fault(f"{kind}=1x")
    for _ in range(2):
        with pytest.raises(ValueError):
            post(client, COUNT).json()
    partial = post(client, COUNT).json()
    assert partial["data"]["productsCount"]["count"] == 12
    assert partial["errors"][0]["path"] == ["productsCount"]
    assert post(client, COUNT).json()["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert post(client, COUNT).json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert post(client, COUNT).json()["data"]


def test_latency_waits_on_the_clock(server: SandboxServer, client: httpx.Client) -> None:
    """Milliseconds; nothing really sleeps here."""
    server.fault("latency:250=1")
    post(client, COUNT)
    assert isinstance(server.clock, ManualClock)
    assert server.clock.slept == [0.25]


def test_a_probability_is_repeatable() -> None:
    """The same seed breaks the same requests."""

    def run() -> list[int]:
        with SandboxServer(seed=4, faults=("503=0.5",)) as running:
            headers = {"X-Shopify-Access-Token": running.token}
            with httpx.Client(base_url=running.url, headers=headers, trust_env=False) as client:
                return [post(client, COUNT).status_code for _ in range(12)]

    first = run()
    assert set(first) == {200, 503}
    assert run() == first


@pytest.mark.parametrize("text", ["", "503", "503=2", "sometimes=1", "503=-1", "latency:x=1"])
def test_bad_fault_rules(text: str) -> None:
    """They are told, not ignored."""
    with pytest.raises(ValueError):
        parse_fault(text)


def test_the_state_file(tmp_path: Path) -> None:
    """A store in a file survives its process, changes, deletions and ids included."""
    path = tmp_path / "shop.db"
    with SandboxServer(products=5, state=path, clock=ManualClock()) as running:
        made = running.edit(create={"title": "Kept"})["product"]["id"]
        first = next(iter(running.shop.table("Product")))
        running.edit(product=running.shop.gid("Product", first), delete=True)
        digest = running.shop.digest()
    with SandboxServer(products=99, state=path, clock=ManualClock()) as again:
        assert again.shop.digest() == digest
        assert again.shop.find(made, "Product") is not None
        fresh = again.edit(create={"title": "Kept"})["product"]
        assert fresh["id"] != made
        assert fresh["handle"] == "kept-1"


def test_media_are_uploaded_first_and_ready_in_the_next_read(client: httpx.Client) -> None:
    """The mutation's own answer has no image yet."""
    selection = "product { id media(first: 1) { nodes { status ... on MediaImage { image { url } } } } }"
    text = (
        'mutation { productCreate(product: {title: "M"}, media: [{originalSource: "https://e.com/a.jpg",'
        f" mediaContentType: IMAGE}}]) {{ {selection} userErrors {{ message }} }} }}"
    )
    made = post(client, text).json()["data"]["productCreate"]["product"]
    assert made["media"]["nodes"] == [{"status": "UPLOADED", "image": None}]
    read = post(client, "query($i: ID!) { product(id: $i) { media(first: 1) { nodes { status } } } }", i=made["id"])
    assert read.json()["data"]["product"]["media"]["nodes"] == [{"status": "READY"}]


def test_importing_the_package_does_not_import_graphql() -> None:
    """`--help` must stay fast."""
    code = "import sys, shopify_sync.sandbox; sys.exit('graphql' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_serving_in_the_foreground_ends_when_asked() -> None:
    """`serve_forever` returns after `stop` from another thread."""
    server = SandboxServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    headers = {"X-Shopify-Access-Token": server.token}
    answer = httpx.post(server.url + GRAPHQL, json={"query": COUNT}, headers=headers, trust_env=False)
    assert answer.json()["data"]["productsCount"]["count"] == 0
    server.stop()
    thread.join(timeout=5)
    assert not thread.is_alive()


def test_the_date_is_the_stores_own() -> None:
    """The `Date` header tells the same time as `updatedAt` does, whatever the machine's clock says."""
    with SandboxServer(clock=ManualClock()) as server:
        server.shop.advance(90)
        answer = httpx.get(f"{server.url}/_sandbox/stats", trust_env=False)
        assert answer.headers["Date"] == "Tue, 24 Nov 2026 12:01:30 GMT"
