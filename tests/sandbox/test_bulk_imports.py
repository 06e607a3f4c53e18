"""Bulk mutations over HTTP: staged uploads, lines and their results, refusals, slots, faults."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import orjson
import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.server import SandboxServer
from tests.sandbox.bulk_client import CANCEL, IMPORT, BulkClient, Json
from tests.sandbox.capture_steps import read
from tests.shared import CAPTURES, needs_captures

CREATE = (
    "mutation Create($product: ProductCreateInput!) { productCreate(product: $product) "
    "{ product { id title } userErrors { field message } } }"
)
SET = (
    "mutation Set($input: ProductSetInput!) { productSet(input: $input, synchronous: false) "
    "{ product { id variants(first: 3) { edges { node { sku } } } } productSetOperation { id } "
    "userErrors { field message code } } }"
)
MISSING = (
    "The JSONL file could not be found. Try uploading the file again, and check that you've entered the URL correctly "
    "for the stagedUploadPath mutation argument."
)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(clock=ManualClock()) as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Iterator[BulkClient]:
    made = BulkClient(server)
    yield made
    made.close()


def titles(count: int) -> list[Json]:
    return [{"product": {"title": f"Thing {number}"}} for number in range(count)]


def refused(bulk: BulkClient, /, mutation: str, path: str, **more: str) -> tuple[object, str, str | None]:
    payload = bulk.ask(IMPORT, mutation=mutation, path=path, **more)
    assert payload["bulkOperation"] is None
    (error,) = payload["userErrors"]
    return error["field"], error["message"], error["code"]


def test_each_line_is_executed_once(client: BulkClient) -> None:
    """Results come in any order and name their line; what Shopify refuses, and what is no JSON, stays in its line."""
    lines = [*titles(300), {"product": {"title": ""}}, {"product": {"nope": 1}}]
    target = client.stage()
    content = b"".join(orjson.dumps(line) + b"\n" for line in lines) + b"not json\n\n"
    assert client.send(target, content).status_code == 201
    payload = client.ask(IMPORT, mutation=CREATE, path=target["form"]["key"], client="a-client-of-ours")
    assert payload["bulkOperation"]["status"] == "CREATED"
    found = client.end(payload["bulkOperation"]["id"])
    assert (found["status"], found["type"], found["objectCount"]) == ("COMPLETED", "MUTATION", "303")
    results = client.lines(found["url"])
    numbers = [line["__lineNumber"] for line in results]
    assert sorted(numbers) == list(range(303)) != numbers
    by_line = {line["__lineNumber"]: line for line in results}
    for number in range(300):
        assert by_line[number]["data"]["productCreate"]["product"]["title"] == f"Thing {number}"
    assert by_line[300]["data"]["productCreate"]["userErrors"][0]["message"] == "Title can't be blank"
    assert by_line[301]["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"
    assert "data" not in by_line[302]
    assert client.ask("{ productsCount { count } }") == {"count": 300}


def test_product_set_is_synchronous(client: BulkClient) -> None:
    """Whatever the document says; a connection stays inside its line."""
    options = [{"name": "Size", "values": [{"name": "S"}]}]
    variant = {"optionValues": [{"optionName": "Size", "name": "S"}], "price": "1.00"}
    lines = [
        {"input": {"title": f"T{n}", "productOptions": options, "variants": [{**variant, "sku": f"SKU/{n}"}]}}
        for n in range(3)
    ]
    found = client.end(client.run_import(SET, *lines))
    assert b"SKU\\/1" in client.download(found["url"]).content
    for line in client.lines(found["url"]):
        payload = line["data"]["productSet"]
        assert (payload["userErrors"], payload["productSetOperation"]) == ([], None)
        (edge,) = payload["product"]["variants"]["edges"]
        assert edge["node"]["sku"] == f"SKU/{line['__lineNumber']}"


def test_the_upload_is_checked(client: BulkClient) -> None:
    """All that was signed must be sent as it was; the file must hold something; after a day it is too late."""
    target = client.stage()
    assert list(target["form"]) == [
        "Content-Type", "success_action_status", "acl", "key", "x-goog-date", "x-goog-credential", "x-goog-algorithm",
        "x-goog-signature", "policy",
    ]  # fmt: skip
    assert client.send(target, b"{}\n", policy="other").status_code == 403
    assert client.send(target, b"{}\n", key="tmp/other").status_code == 403
    assert "EntityTooSmall" in client.send(target, b"").text
    assert client.http.post(target["url"], data=target["form"]).status_code == 400
    assert refused(client, CREATE, target["form"]["key"]) == (None, MISSING, "NO_SUCH_FILE")
    stored = client.send(target, b"{}\n")
    assert (stored.status_code, f"<Key>{target['form']['key']}</Key>" in stored.text) == (201, True)
    client.clock.advance(86_400)
    assert "ExpiredToken" in client.send(target, b"{}\n").text


def test_a_big_file_is_kept_as_it_is(client: BulkClient) -> None:
    """Whatever its bytes are."""
    content = b'{"x": "--line\\r\\n--"}\r\n' * 60_000
    target = client.stage()
    assert client.send(target, content).status_code == 201
    path = client.server.shop.desk.uploads[target["form"]["key"]].path
    assert path is not None
    assert path.read_bytes() == content


def test_put(client: BulkClient) -> None:
    """The other way to upload; only there can a file be empty or too big (recorded)."""
    target = client.stage("PUT")
    assert [row["name"] for row in target["parameters"]] == ["content_type", "acl"]
    assert client.http.put(target["url"], content=b"").status_code == 200
    key = next(iter(client.server.shop.desk.uploads))
    assert refused(client, CREATE, key) == (None, "The input file is empty.", "INVALID_STAGED_UPLOAD_FILE")
    client.server.shop.desk.uploads[key].size = 104_866_200
    message = "The input file size exceeds the maximum allowed size of 100 MB."
    assert refused(client, CREATE, key) == (None, message, "INVALID_STAGED_UPLOAD_FILE")
    assert client.http.put(target["url"].replace("Signature=", "Signature=0"), content=b"{}").status_code == 403
    assert client.http.put(target["url"], content=b'{"product":{"title":"x"}}').status_code == 200
    assert client.ask(IMPORT, mutation=CREATE, path=key)["userErrors"] == []


@pytest.mark.parametrize(
    ("mutation", "error"),
    [
        (
            "{ products { edges { node { id } } } }",
            (None, "Invalid operation type. Only `mutation` operations are supported.", "INVALID_MUTATION"),
        ),
        (
            "mutation($product: ProductCreateInput!) { a: productCreate(product: $product) { product { id } } "
            "b: productCreate(product: $product) { product { id } } }",
            (["mutation"], "You must specify a single top level mutation.", None),
        ),
    ],
)
def test_refused_mutations(client: BulkClient, mutation: str, error: tuple[object, str, str | None]) -> None:
    """Before anything is looked up. More of them: test_bulk_captures."""
    assert refused(client, mutation, "valid") == error


def test_the_client_identifier(client: BulkClient) -> None:
    short = (["clientIdentifier"], "is too short (minimum is 10 characters)", "INVALID_MUTATION")
    assert refused(client, CREATE, "valid", client="short") == short


def test_slots(client: BulkClient) -> None:
    """Five mutations, beside the queries; the file is looked at first."""
    client.server.shop.desk.bulk_s = 100
    names = [client.run_import(CREATE, *titles(1)) for _ in range(5)]
    assert refused(client, CREATE, "nowhere")[2] == "NO_SUCH_FILE"
    message = f"A bulk mutation operation for this app and shop is already in progress: {', '.join(names)}."
    assert refused(client, CREATE, client.staged(*titles(1))) == (None, message, "OPERATION_IN_PROGRESS")
    client.run("{ products { edges { node { id } } } }")
    found = client.ask('{ bulkOperations(first: 9, query: "operation_type:mutation") { nodes { id } } }')["nodes"]
    assert [each["id"] for each in found] == names[::-1]


def test_cancel_halfway(client: BulkClient) -> None:
    """What was executed stays done, but there is no result that says so."""
    client.server.shop.desk.bulk_s = 100
    gid = client.run_import(CREATE, *titles(100))
    client.clock.advance(50)
    assert client.poll(gid)["status"] == "RUNNING"
    assert client.ask(CANCEL, id=gid)["bulkOperation"]["status"] == "CANCELING"
    client.clock.advance(10)
    found = client.poll(gid)
    done = client.ask("{ productsCount { count } }")["count"]
    assert (found["status"], found["url"], int(found["objectCount"])) == ("CANCELED", None, done)
    assert 40 <= done <= 60


def test_failed_halfway(client: BulkClient) -> None:
    """The partial result names the lines that were executed."""
    client.server.fault("bulk_partial:0.3@bulk_mutation=1x")
    found = client.end(client.run_import(CREATE, *titles(100)))
    assert (found["status"], found["errorCode"]) == ("FAILED", "INTERNAL_SERVER_ERROR")
    results = client.lines(found["partialDataUrl"])
    assert len(results) == 30 == client.ask("{ productsCount { count } }")["count"]


def test_scopes(server: SandboxServer, client: BulkClient) -> None:
    server.scopes = frozenset(("read_products",))
    found = client.end(client.run_import(CREATE, *titles(1)))
    assert (found["status"], found["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_uploads_that_fail(client: BulkClient) -> None:
    """Refused, or reset when all is stored."""
    target = client.stage()
    client.server.fault("503@upload=1x")
    assert client.send(target, b"{}\n" * 100_000).status_code == 503
    client.server.fault("reset_after@upload=1x")
    with pytest.raises(httpx.TransportError):
        client.send(target, b"{}\n")
    assert client.server.shop.desk.uploads[target["form"]["key"]].size == 3


@needs_captures
def test_a_recorded_import(client: BulkClient) -> None:
    """Upload, run and result of a recording: the same bytes but for ids."""
    path = CAPTURES / "bulk-operations" / "bulk-operation-run-mutation-created-status.json"
    if not path.exists():
        pytest.skip("not in this draw of the recordings")
    recorded = read(path)
    target = client.stage()
    theirs = recorded["setup"]["stagedUpload"]["response"]["data"]["stagedUploadsCreate"]["stagedTargets"][0]
    assert [row["name"] for row in theirs["parameters"]] == list(target["form"])
    assert client.send(target, recorded["setup"]["uploadContent"].encode()).status_code == 201
    mutation = recorded["success"]["run"]["variables"]["mutation"]
    payload = client.ask(IMPORT, mutation=mutation, path=target["form"]["key"])
    found = client.end(payload["bulkOperation"]["id"])
    (product,) = client.server.shop.table("Product").values()
    body = recorded["success"]["result"]["body"].replace("10231722869042", str(product["id"]))
    assert client.download(found["url"]).content == body.encode()
    terminal = recorded["success"]["terminalOperation"]
    assert {key: found[key] for key in ("objectCount", "rootObjectCount", "status", "type", "query")} == {
        key: terminal[key] for key in ("objectCount", "rootObjectCount", "status", "type", "query")
    }
