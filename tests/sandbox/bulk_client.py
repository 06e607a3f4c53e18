"""A client of the simulated shop's bulk operations, as small as can be: run, poll, download, upload."""

from __future__ import annotations

from typing import Any

import httpx
import orjson

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.server import SandboxServer

Json = dict[str, Any]
RUN = """mutation Run($query: String!, $group: Boolean! = false) {
  bulkOperationRunQuery(query: $query, groupObjects: $group) {
    bulkOperation { id status type objectCount url completedAt } userErrors { field message code } } }"""
POLL = """query Poll($id: ID!) { bulkOperation(id: $id) { id type status errorCode createdAt completedAt objectCount
  rootObjectCount fileSize url partialDataUrl query } }"""
CANCEL = """mutation Cancel($id: ID!) { bulkOperationCancel(id: $id) {
  bulkOperation { id status objectCount completedAt url } userErrors { field message } } }"""
STAGE = """mutation Stage($input: [StagedUploadInput!]!) { stagedUploadsCreate(input: $input) {
  stagedTargets { url resourceUrl parameters { name value } } userErrors { field message } } }"""
IMPORT = """mutation Import($mutation: String!, $path: String!, $client: String) {
  bulkOperationRunMutation(mutation: $mutation, stagedUploadPath: $path, clientIdentifier: $client) {
    bulkOperation { id status type } userErrors { field message code } } }"""


class BulkClient:
    """Talks to one server; its clock is the server's, so time passes only when told to."""

    def __init__(self, server: SandboxServer) -> None:
        assert isinstance(server.clock, ManualClock)
        self.server = server
        self.clock = server.clock
        self.http = httpx.Client(base_url=server.url, trust_env=False, timeout=30)

    def close(self) -> None:
        self.http.close()

    def body(self, document: str, /, version: str = "2026-10", **variables: Any) -> Json:
        answer = self.http.post(
            f"/admin/api/{version}/graphql.json",
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": self.server.token},
        )
        found: Json = answer.json()
        return found

    def ask(self, document: str, /, **variables: Any) -> Any:
        """What the first root field delivers; fails on top-level errors."""
        body = self.body(document, **variables)
        assert "errors" not in body, body["errors"]
        return next(iter(body["data"].values()))

    def run(self, query: str, *, group: bool = False) -> str:
        """Start a query; returns its id."""
        payload = self.ask(RUN, query=query, group=group)
        assert payload["userErrors"] == []
        assert payload["bulkOperation"]["status"] == "CREATED"
        return str(payload["bulkOperation"]["id"])

    def poll(self, gid: str) -> Json:
        found: Json = self.ask(POLL, id=gid)
        return found

    def end(self, gid: str) -> Json:
        """Let the time of the operation pass; what it says then."""
        self.clock.advance(self.server.shop.desk.bulk_s)
        self.server.shop.desk.join()
        return self.poll(gid)

    def download(self, url: str, **headers: str) -> httpx.Response:
        return self.http.get(url, headers={"Accept-Encoding": "identity", **headers})

    def lines(self, url: str) -> list[Json]:
        answer = self.download(url)
        assert answer.status_code == 200, answer.text
        return [orjson.loads(line) for line in answer.content.splitlines()]

    def result(self, query: str, *, group: bool = False) -> list[Json]:
        """The lines of a query."""
        found = self.end(self.run(query, group=group))
        assert found["status"] == "COMPLETED", found
        return self.lines(found["url"])

    def stage(self, method: str = "POST") -> Json:
        given = {"resource": "BULK_MUTATION_VARIABLES", "filename": "lines.jsonl", "mimeType": "text/jsonl"}
        target: Json = self.ask(STAGE, input=[{**given, "httpMethod": method}])["stagedTargets"][0]
        target["form"] = {row["name"]: row["value"] for row in target["parameters"]}
        return target

    def send(self, target: Json, content: bytes, **changed: str) -> httpx.Response:
        return self.http.post(target["url"], data={**target["form"], **changed}, files={"file": ("f", content)})

    def staged(self, *lines: Json) -> str:
        """The path of an uploaded file of these lines."""
        target = self.stage()
        answer = self.send(target, b"".join(orjson.dumps(line) + b"\n" for line in lines))
        assert answer.status_code == 201, answer.text
        return str(target["form"]["key"])

    def run_import(self, mutation: str, *lines: Json) -> str:
        payload = self.ask(IMPORT, mutation=mutation, path=self.staged(*lines))
        assert payload["userErrors"] == []
        return str(payload["bulkOperation"]["id"])
