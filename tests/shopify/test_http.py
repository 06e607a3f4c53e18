"""The wire: what is sent, what is read from an answer, and each way in which it can break."""

from __future__ import annotations

import logging
import socket
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from shopify_sync import __version__
from shopify_sync.clock import ManualClock, SystemClock
from shopify_sync.errors import (
    MissingScope,
    QueryTooExpensive,
    RequestRefused,
    ShopClosed,
    SyncError,
    Throttled,
    TokenRejected,
    Unreachable,
)
from shopify_sync.records import Operation
from shopify_sync.shopify.auth import StaticToken
from shopify_sync.shopify.transports.http import HttpTransport
from tests.shopify.conftest import MUTATION, QUERY, TOKEN, MakeClient
from tests.shopify.script import Script, Step, cost, data, failed, reply, reset, throttled, truncated

NODES = {"products": {"nodes": [{"id": "gid://shopify/Product/1"}]}}


@pytest.fixture
def wire(script: Script, clock: ManualClock) -> Any:
    """One transport without any wrapper."""
    transport = HttpTransport(script.url, "2026-10", StaticToken(TOKEN), clock, timeout_s=0.3)
    yield transport
    transport.close()


def test_what_is_sent(script: Script, wire: HttpTransport) -> None:
    script.then(data(NODES))
    wire.send(Operation("Names", QUERY.document, {"after": "ß"}))
    [request] = script.seen
    assert request.line == "POST /admin/api/2026-10/graphql.json HTTP/1.1"
    assert request.headers["x-shopify-access-token"] == TOKEN
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == f"shopify-sync/{__version__}"
    assert request.json == {"query": QUERY.document, "variables": {"after": "ß"}, "operationName": "Names"}


def test_what_is_read(script: Script, wire: HttpTransport) -> None:
    script.then(
        reply(
            {"data": NODES, "extensions": {"cost": cost(12, 9, 991.0)}},
            200,
            **{"X-Shopify-API-Version": "2026-10", "X-Shopify-Shop-Api-Call-Limit": "32/40"},
        )
    )
    found = wire.send(QUERY)
    assert found.data == NODES
    assert found.cost is not None
    assert (found.cost.requested, found.cost.actual, found.cost.available) == (12, 9, 991.0)
    assert found.served_at == datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    assert (found.api_version, found.rest_calls) == ("2026-10", (32, 40))
    assert found.bytes > 50


def test_an_answer_without_cost_or_date_is_fine(script: Script, wire: HttpTransport, clock: ManualClock) -> None:
    script.then(reply({"data": NODES}, 200, Date="soon"))
    found = wire.send(QUERY)
    assert found.cost is None
    assert found.served_at == clock.now()


def test_one_connection_serves_many_requests(script: Script, wire: HttpTransport) -> None:
    script.then(data(NODES))
    for _ in range(3):
        wire.send(QUERY)
    assert len(script.open) == 1


def test_redirects_are_not_followed(script: Script, wire: HttpTransport) -> None:
    script.then(reply("", 302, Location="http://127.0.0.1:9/steal"))
    with pytest.raises(RequestRefused):
        wire.send(QUERY)
    assert len(script.seen) == 1


BROKEN: list[tuple[str, Step]] = [
    ("reset", reset),
    ("truncated", truncated),
    ("not_json", reply("<html>busy</html>")),
    ("not_json", reply("[1]")),
    ("not_json", reply("{}")),
    ("not_json", reply(b'{"data": {"a": "\xff"}}')),
    ("http_429", reply("", 429)),
    ("http_500", reply("", 500)),
    ("http_500", reply("", 524)),
    ("http_502", reply("<html>", 502)),
    ("http_503", reply("", 503)),
    ("http_504", reply("", 504)),
    ("http_540", reply("", 540)),
    ("throttled", throttled()),
    ("internal", failed("INTERNAL_SERVER_ERROR", "request id 1")),
    ("partial", failed("NOT_FOUND", found={"a": None, "b": {"id": 1}})),
]


@pytest.mark.parametrize(("kind", "step"), BROKEN, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(BROKEN)])
def test_failures_by_kind(script: Script, wire: HttpTransport, kind: str, step: Step) -> None:
    script.then(step)
    with pytest.raises(Unreachable) as caught:
        wire.send(QUERY)
    assert caught.value.kind == kind
    assert caught.value.what
    assert caught.value.next
    assert isinstance(caught.value, Throttled) is (kind in ("http_429", "throttled"))


def test_no_answer_in_time(script: Script, wire: HttpTransport) -> None:
    script.then(script.hang)
    with pytest.raises(Unreachable) as caught:
        wire.send(QUERY)
    assert (caught.value.kind, caught.value.sent) == ("read_timeout", True)


def test_nobody_listens(script: Script, wire: HttpTransport) -> None:
    script.stop()
    with pytest.raises(Unreachable) as caught:
        wire.send(QUERY)
    assert (caught.value.kind, caught.value.sent) == ("refused", False)


def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> None:
    def lookup(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    transport = HttpTransport("http://nowhere.invalid", "2026-10", StaticToken(TOKEN), clock)
    with pytest.raises(Unreachable) as caught:
        transport.send(QUERY)
    transport.close()
    assert (caught.value.kind, caught.value.sent) == ("dns", False)


def test_a_server_that_speaks_no_tls(clock: ManualClock) -> None:
    def hello(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 no\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hello, args=(listener,))
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        transport = HttpTransport(url, "2026-10", StaticToken(TOKEN), clock, timeout_s=2)
        with pytest.raises(Unreachable) as caught:
            transport.send(QUERY)
        thread.join()
    transport.close()
    assert (caught.value.kind, caught.value.sent) == ("tls", False)


def test_a_connection_that_takes_too_long(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> None:
    def connect(*_: object, **__: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", connect)
    transport = HttpTransport("http://127.0.0.1:9", "2026-10", StaticToken(TOKEN), clock)
    with pytest.raises(Unreachable) as caught:
        transport.send(QUERY)
    transport.close()
    assert (caught.value.kind, caught.value.sent) == ("connect_timeout", False)


REFUSED: list[tuple[type[SyncError], int, Step]] = [
    (RequestRefused, 1, reply({"errors": "bad"}, 400)),
    (TokenRejected, 5, reply({"errors": "[API] Invalid API key or access token"}, 401)),
    (ShopClosed, 6, reply("", 402)),
    (MissingScope, 5, reply("", 403)),
    (ShopClosed, 6, reply({"errors": "Not Found"}, 404)),
    (RequestRefused, 1, reply("", 406)),
    (RequestRefused, 1, reply("", 409)),
    (RequestRefused, 1, reply("", 422)),
    (ShopClosed, 6, reply("", 423)),
    (RequestRefused, 1, reply("", 430)),
    (RequestRefused, 1, reply("", 501)),
    (ShopClosed, 6, reply("", 530)),
    (QueryTooExpensive, 1, failed("MAX_COST_EXCEEDED", cost=1200, maxCost=1000)),
    (MissingScope, 5, failed("ACCESS_DENIED", requiredAccess="`read_products` access scope.")),
    (MissingScope, 5, failed("ACCESS_DENIED", found={"a": None, "b": 1})),
    (ShopClosed, 6, failed("SHOP_INACTIVE")),
    (RequestRefused, 1, failed("BAD_REQUEST")),
    (RequestRefused, 1, failed("undefinedField")),
    (RequestRefused, 1, reply({"errors": "a plain string"})),
]


@pytest.mark.parametrize(
    ("family", "exit_code", "step"), REFUSED, ids=[f"{n}-{f.__name__}" for n, (f, _, _) in enumerate(REFUSED)]
)
def test_refusals_are_sent_once(
    make_client: MakeClient, script: Script, family: type[SyncError], exit_code: int, step: Step
) -> None:
    script.then(step)
    with pytest.raises(family) as caught:
        make_client().execute(QUERY)
    assert len(script.seen) == 1
    assert caught.value.exit_code == exit_code
    assert caught.value.what


def test_the_missing_access_is_named(script: Script, wire: HttpTransport) -> None:
    script.then(failed("ACCESS_DENIED", requiredAccess="`read_products` access scope."))
    with pytest.raises(MissingScope) as caught:
        wire.send(QUERY)
    assert "read_products" in caught.value.why


def test_a_mutation_that_was_carried_out_is_not_an_error(script: Script, wire: HttpTransport) -> None:
    payload = {"productCreate": {"product": {"id": "gid://shopify/Product/1"}, "userErrors": []}}
    script.then(failed("ACCESS_DENIED", found=payload))
    found = wire.send(MUTATION)
    assert found.data == payload
    assert found.errors[0]["extensions"]["code"] == "ACCESS_DENIED"


def test_a_mutation_without_payload_failed(script: Script, wire: HttpTransport) -> None:
    script.then(failed("INTERNAL_SERVER_ERROR", found={"productCreate": None}))
    with pytest.raises(Unreachable) as caught:
        wire.send(MUTATION)
    assert caught.value.kind == "internal"


def test_an_ignored_filter_is_an_error(script: Script, wire: HttpTransport) -> None:
    search = [{"path": ["products"], "warnings": [{"field": "x", "message": "Invalid field", "code": "invalid_field"}]}]
    script.then(reply({"data": NODES, "extensions": {"search": search}}))
    with pytest.raises(RequestRefused) as caught:
        wire.send(QUERY)
    assert "Invalid field" in caught.value.why


def test_retry_after_is_read(script: Script, wire: HttpTransport) -> None:
    script.then(reply("", 429, **{"Retry-After": "2.0"}), reply("", 503, **{"Retry-After": "tomorrow"}))
    with pytest.raises(Throttled) as first:
        wire.send(QUERY)
    assert first.value.retry_after_s == 2.0
    with pytest.raises(Unreachable) as second:
        wire.send(QUERY)
    assert second.value.retry_after_s is None


def test_httpx_says_nothing_at_debug_level(
    script: Script, wire: HttpTransport, caplog: pytest.LogCaptureFixture
) -> None:
    script.then(data(NODES))
    with caplog.at_level(logging.DEBUG):
        wire.send(QUERY)
    assert {record.name.partition(".")[0] for record in caplog.records} == {"shopify_sync"}


def test_an_answer_that_drips_is_cut_off() -> None:
    """Each piece comes within the time-out, and the answer never ends: the whole has a limit as well."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not stop.wait(0.02):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    transport = HttpTransport(url, "2026-10", StaticToken(TOKEN), SystemClock(), timeout_s=5.0, answer_s=0.3)
    try:
        with pytest.raises(Unreachable) as caught:
            transport.send(QUERY)
        assert caught.value.kind == "read_timeout"
    finally:
        stop.set()
        thread.join()
        transport.close()
        listener.close()
