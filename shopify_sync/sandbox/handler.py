"""HTTP for the simulated shop: routes, headers, compression, and connections that break on demand."""

from __future__ import annotations

import contextlib
import gzip
import re
import socket
import struct
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

import orjson

from shopify_sync.sandbox.api import Refused, Request
from shopify_sync.sandbox.bulk.http import OUTPUTS, UPLOADS, deliver, drain
from shopify_sync.sandbox.bulk.uploads import receive
from shopify_sync.sandbox.control import route
from shopify_sync.sandbox.execute import internal_error
from shopify_sync.sandbox.faults import DOWNLOAD_KINDS, FILE_KINDS, KINDS, Fault, Target
from shopify_sync.sandbox.merchant import BadControl
from shopify_sync.sandbox.resources.shop import SUPPORTED_VERSIONS

if TYPE_CHECKING:
    from shopify_sync.sandbox.server import SandboxServer

_API = re.compile(r"/admin/api/(?P<version>\d{4}-\d{2}|unstable)/(?P<what>graphql|shop)\.json")
_BAD_TOKEN = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
_LINGER_OFF = struct.pack("ii", 1, 0)  # close with RST instead of FIN
_GZIP_FROM = 1024
_REASONS = {400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 429: "Too Many Requests"}


class _Cut(Exception):
    """The connection is to be reset now."""


class _Answered(Exception):
    """A fault has sent the answer; the connection stays."""


class Listener(ThreadingHTTPServer):
    """Accepts connections for one store; knows the open ones, so that stopping does not wait for idle clients."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[Handler], sandbox: SandboxServer) -> None:
        self.sandbox = sandbox
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the host's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Close without a FIN of its own first, so that a reset stays a reset."""
        self._open.discard(request)
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a traceback."""

    def close_connections(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """One connection of one client."""

    protocol_version = "HTTP/1.1"
    server_version = "ShopifySandbox"
    sys_version = ""
    server: Listener

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` header: the store's time, as all its other times are."""
        return super().date_time_string(self.sandbox.shop.now().timestamp() if timestamp is None else timestamp)

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def do_PUT(self) -> None:
        self._handle("PUT")

    def log_message(self, format: str, *args: Any) -> None:
        """The statistics say what was asked; nothing is logged."""

    @property
    def sandbox(self) -> SandboxServer:
        return self.server.sandbox

    def _handle(self, method: str) -> None:
        url = urlsplit(self.path)
        if url.path.startswith((OUTPUTS, UPLOADS)):
            self._file(method, url)
            return
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        try:
            if url.path.startswith("/_sandbox/"):
                self._control(method, url.path.removeprefix("/_sandbox/").strip("/"), url.query, body)
                return
            found = _API.fullmatch(url.path)
            if found is not None and found["what"] == "graphql":
                self._graphql(method, found["version"], body)
            elif found is not None:
                self._shop_json(method, found["version"])
            elif url.path == "/admin/oauth/access_token":
                self._access_token(method, body)
            elif url.path == "/admin/oauth/access_scopes.json":
                self._access_scopes(method)
            else:
                self._send(404, {"errors": "Not Found"})
        except _Answered:
            pass
        except _Cut:
            self._reset()

    def _reset(self) -> None:
        self.sandbox.statistics.answered("reset")
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
        self.close_connection = True

    def _file(self, method: str, url: SplitResult) -> None:
        """A file of a bulk operation; neither is read nor written whole. Faults: match `download` or `upload`."""
        upload = url.path.startswith(UPLOADS)
        target = Target("upload" if upload else "download", None, (), self.path)
        try:
            fault = self._fault(target, FILE_KINDS if upload else (*FILE_KINDS, *DOWNLOAD_KINDS))
            status = (receive if upload else deliver)(self, method, url, self.sandbox.shop, fault)
            if status is None:
                raise _Cut
            self.sandbox.statistics.answered(status)
        except _Answered:
            drain(self, int(self.headers.get("Content-Length") or 0))
        except _Cut:
            self._reset()

    # -- endpoints

    def _control(self, method: str, path: str, query: str, body: bytes) -> None:
        try:
            given = orjson.loads(body) if body else None
            self._send(200, route(self.sandbox, method, path, query, given), counted=False)
        except LookupError:
            self._send(404, {"error": f"no {method} /_sandbox/{path}"}, counted=False)
        except ValueError as error:
            text = str(error) if isinstance(error, BadControl) else f"bad request: {error}"
            self._send(400, {"error": text}, counted=False)

    def _access_token(self, method: str, body: bytes) -> None:
        if method != "POST":
            self._send(404, {"errors": "Not Found"})
            return
        try:
            if "json" in (self.headers.get("Content-Type") or ""):
                given = orjson.loads(body)
            else:
                given = dict(parse_qsl(body.decode()))
        except ValueError:
            given = None
        if not isinstance(given, dict):
            self._send(400, {"error": "invalid_request", "error_description": "the body can't be read"})
            return
        self._send(*self.sandbox.tokens.grant(given))

    def _access_scopes(self, method: str) -> None:
        if self._authorized() and self._only(method, "GET"):
            scopes = [{"handle": scope} for scope in sorted(self.sandbox.scopes)]
            self._rest({"access_scopes": scopes}, {})

    def _shop_json(self, method: str, version: str) -> None:
        if not (self._authorized() and self._only(method, "GET")):
            return
        shop = self.sandbox.shop
        body = {
            "id": shop.shop_id,
            "name": shop.name,
            "domain": shop.domain,
            "myshopify_domain": shop.domain,
            "email": f"owner@{shop.domain}",
            "currency": shop.currency,
            "iana_timezone": shop.timezone,
            "plan_name": shop.plan.lower(),
            "plan_display_name": shop.plan,
        }
        self._rest({"shop": body}, {"X-Shopify-API-Version": _served(version)})

    def _rest(self, body: Any, headers: dict[str, str]) -> None:
        """Answer a REST request out of its bucket. Source: Shopify docs, REST rate limits."""
        bucket = self.sandbox.rest_bucket
        fault = self._fault(Target("rest", None, (), self.path))
        allowed = bucket.take(1)
        used = int(bucket.size) - bucket.available
        headers["X-Shopify-Shop-Api-Call-Limit"] = f"{used}/{int(bucket.size)}"
        if not allowed:
            text = "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service."
            self._send(429, {"errors": text}, {**headers, "Retry-After": "2.0"})
            return
        self._finish(fault, 200, body, headers)

    def _graphql(self, method: str, version: str, body: bytes) -> None:
        headers = {"X-Shopify-API-Version": _served(version)}
        if not self._authorized() or not self._only(method, "POST"):
            return
        sandbox = self.sandbox
        try:
            request = sandbox.api.prepare(body)
        except Refused as refusal:
            fault = self._fault(Target("query", None, (), ""))
            self._finish(fault, refusal.status, refusal.body, headers)
            return
        fault = self._fault(request.target)
        if fault is not None and fault.kind == "throttled":
            self._send(200, sandbox.api.throttled(sandbox.api.price(request)), headers)
            return
        status, answer = 200, {}
        try:
            debug = self.headers.get("Shopify-GraphQL-Cost-Debug") == "1"
            answer = sandbox.api.run(request, sandbox.scopes, headers["X-Shopify-API-Version"], debug=debug)
        except Refused as refusal:
            status, answer = refusal.status, refusal.body
        if fault is not None and fault.kind == "partial":
            answer = _partial(answer, request)
        self._finish(fault, status, answer, headers)

    # -- faults

    def _fault(self, target: Target, kinds: tuple[str, ...] = KINDS) -> Fault | None:
        """Wait and break as the rules say; returns the fault that concerns the answer. Raises _Cut."""
        wait_ms, fault = self.sandbox.faults.pick(target, kinds)
        if wait_ms:
            self.sandbox.clock.sleep(wait_ms / 1000)
        if fault is None:
            return None
        if fault.kind == "reset_before":
            raise _Cut
        if fault.kind == "status":
            headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:.1f}"}
            self._send(fault.code, {"errors": _REASONS.get(fault.code, "Service Unavailable")}, headers)
            raise _Answered
        if fault.kind == "internal_error":
            error = internal_error()
            self._send(200, {"errors": [{"message": error.message, "extensions": error.extensions}]})
            raise _Answered
        return fault

    def _finish(self, fault: Fault | None, status: int, body: Any, headers: dict[str, str]) -> None:
        """Send the answer, or what a fault leaves of it. Raises _Cut."""
        kind = fault.kind if fault is not None else None
        if kind == "reset_after":
            raise _Cut
        if kind == "not_json":
            self._write(status, b"<html><body>Shopify is having a moment</body></html>", "text/html", headers)
        elif kind == "truncate":
            text = orjson.dumps(body)
            self._write(status, text[: len(text) // 2], "application/json", headers)
        else:
            self._send(status, body, headers)

    # -- answers

    def _authorized(self) -> bool:
        if self.sandbox.tokens.accepts(self.headers.get("X-Shopify-Access-Token")):
            return True
        self._send(401, _BAD_TOKEN)
        return False

    def _only(self, method: str, allowed: str) -> bool:
        if method == allowed:
            return True
        self._send(405, {"errors": "Method Not Allowed"}, {"Allow": allowed})
        return False

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None, *, counted: bool = True) -> None:
        text = orjson.dumps(body)
        self._write(status, text, "application/json; charset=utf-8", headers or {}, counted=counted)

    def _write(self, status: int, body: bytes, kind: str, headers: dict[str, str], *, counted: bool = True) -> None:
        packed = len(body) >= _GZIP_FROM and "gzip" in (self.headers.get("Accept-Encoding") or "")
        if packed:
            body = gzip.compress(body, 1, mtime=0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("X-Request-Id", f"{uuid.uuid4()}-{int(self.sandbox.shop.now().timestamp())}")
        if packed:
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Vary", "Accept-Encoding")
        self.send_header("Content-Length", str(len(body)))
        head: list[bytes] = self.__dict__.pop("_headers_buffer")
        if counted:
            self.sandbox.statistics.answered(status)
        self.wfile.write(b"".join([*head, b"\r\n", body]))


def _partial(answer: Any, request: Request) -> Any:
    """Data and, beside it, an error for the first root field, as when one part of Shopify fails."""
    error = internal_error()
    entry = {"message": error.message, "path": [request.plan.fields[0].key], "extensions": error.extensions}
    return {**answer, "errors": [*answer.get("errors", []), entry]}


def _served(version: str) -> str:
    """The version that answers: an old one is served by the oldest supported. Source: Shopify docs, versioning."""
    if version in SUPPORTED_VERSIONS or version == "unstable":
        return version
    return SUPPORTED_VERSIONS[0] if version < SUPPORTED_VERSIONS[-1] else SUPPORTED_VERSIONS[-1]
