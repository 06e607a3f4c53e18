"""The client as a whole: what it counts, how it keeps within the limits, tokens, pages, and what a record is told."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.errors import CircuitOpen, ConfigError, Throttled, TokenRejected, Unreachable, UsageError
from shopify_sync.records import Operation
from shopify_sync.resilience.breaker import Breaker, MemoryBreakerStore
from shopify_sync.shopify.auth import ClientCredentials, StaticToken, valid_domain
from shopify_sync.shopify.client import PageSize, build_client, user_errors
from tests.shopify.conftest import DOMAIN, MUTATION, QUERY, MakeClient
from tests.shopify.script import Script, Step, data, reply, throttled

NODES: dict[str, Any] = {"products": {"nodes": []}}
BAD_TOKEN = reply({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401)


def granted(token: str, expires_in: int = 86399) -> Step:
    return reply({"access_token": token, "scope": "read_products", "expires_in": expires_in})


# What a run cost


def test_use_is_counted(make_client: MakeClient, script: Script, clock: ManualClock) -> None:
    script.then(data(NODES, actual=7), throttled(requested=300, available=50), data(NODES, requested=300, actual=200))
    waits: list[tuple[float, str]] = []
    client = make_client(on_wait=lambda seconds, reason: waits.append((seconds, reason)))
    client.execute(QUERY)
    client.execute(QUERY)
    assert (client.use.requests, client.use.points) == (3, 207)
    assert (client.use.throttled, client.use.retries) == (1, 1)
    # 300 points and as much for others, of which 50 are there, at 50/s
    assert client.use.waited_s == pytest.approx(11.0, abs=0.1)
    assert sum(clock.slept) == pytest.approx(client.use.waited_s)
    assert max(clock.slept) <= 5.0
    assert waits[0][0] == pytest.approx(11.0, abs=0.1)
    assert all(reason for _, reason in waits)


def test_it_waits_before_sending_for_what_it_has_learned(
    make_client: MakeClient, script: Script, clock: ManualClock
) -> None:
    script.then(data(NODES, requested=400, actual=400, available=600), data(NODES, requested=400, available=200))
    client = make_client()
    client.execute(QUERY)
    client.execute(QUERY)  # 600 there: 400 and 200 left; the other's 400 is to be left, so 4 s
    assert sum(clock.slept) == pytest.approx((800 - 600) / 50, abs=0.1)
    assert client.use.throttled == 0


def test_a_large_input_is_estimated_each_time(make_client: MakeClient, script: Script) -> None:
    script.then(data({"productSet": {"userErrors": []}}, requested=310, actual=310, available=690))
    client = make_client()
    document = "mutation Put($input: ProductSetInput!) { productSet(input: $input) { userErrors { message } } }"
    big: dict[str, Any] = {"input": {"variants": [{}] * 1500}}
    client.execute(Operation("Put", document, big, root="productSet", mutation=True))
    before = client.use.waited_s
    client.execute(Operation("Put", document, {"input": {"variants": []}}, root="productSet", mutation=True))
    assert client.use.waited_s == before


def test_429_holds_what_follows(make_client: MakeClient, script: Script, clock: ManualClock) -> None:
    script.then(reply("", 429, **{"Retry-After": "3.5"}), data(NODES))
    client = make_client()
    client.execute(QUERY)
    assert sum(clock.slept) == pytest.approx(3.5)
    assert client.use.throttled == 1


def test_nobody_there_ends_within_the_deadline_and_the_next_at_once(
    make_client: MakeClient, clock: ManualClock
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    client = make_client(api_url=url, deadline_s=60)
    started = clock.monotonic()
    with pytest.raises(Unreachable) as first:
        client.execute(QUERY)
    assert first.value.exit_code == 6
    assert client.use.requests == 4
    assert clock.monotonic() - started <= 60
    with pytest.raises(CircuitOpen):
        client.execute(QUERY)
    assert client.use.requests == 4


def test_a_write_whose_answer_is_lost_is_sent_once(make_client: MakeClient, script: Script) -> None:
    script.then(script.hang)
    with pytest.raises(Unreachable) as caught:
        make_client(timeout_s=0.2).execute(MUTATION)
    assert len(script.seen) == 1
    assert caught.value.kind == "read_timeout"


def test_throttled_to_the_end(make_client: MakeClient, script: Script) -> None:
    script.then(throttled(requested=10, available=0))
    client = make_client(deadline_s=600)
    with pytest.raises(Throttled):
        client.execute(QUERY)
    assert client.use.throttled == client.use.requests > 4


# Versions


def test_another_version_is_warned_of_once(
    make_client: MakeClient, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    script.then(reply({"data": NODES}, 200, **{"X-Shopify-API-Version": "2027-01"}))
    client = make_client()
    with caplog.at_level(logging.WARNING):
        client.execute(QUERY)
        client.execute(QUERY)
    assert client.served_version == "2027-01"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "2027-01" in caplog.text


# Tokens


def test_client_credentials_are_exchanged_and_kept(make_client: MakeClient, script: Script) -> None:
    script.then(granted("shpat_one"), data(NODES))
    client = make_client(token=None, client_id="id 1", client_secret="secret&1")
    client.execute(QUERY)
    client.execute(QUERY)
    lines = [request.line.split()[1] for request in script.seen]
    assert lines == ["/admin/oauth/access_token"] + ["/admin/api/2026-10/graphql.json"] * 2
    assert script.seen[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert script.seen[0].body == b"grant_type=client_credentials&client_id=id+1&client_secret=secret%261"
    assert script.seen[1].headers["x-shopify-access-token"] == "shpat_one"


def test_a_token_is_renewed_before_it_expires(make_client: MakeClient, script: Script, clock: ManualClock) -> None:
    script.then(granted("shpat_one", 3600), data(NODES), data(NODES), granted("shpat_two"), data(NODES))
    client = make_client(token=None, client_id="id", client_secret="secret")
    client.execute(QUERY)
    clock.advance(3600 - 301)
    client.execute(QUERY)
    clock.advance(2)
    client.execute(QUERY)
    assert [r.headers.get("x-shopify-access-token") for r in script.seen[-2:]] == [None, "shpat_two"]


def test_a_refused_token_is_renewed_once(make_client: MakeClient, script: Script) -> None:
    script.then(granted("shpat_one"), BAD_TOKEN, granted("shpat_two"), data(NODES))
    client = make_client(token=None, client_id="id", client_secret="secret")
    client.execute(QUERY)
    assert script.seen[-1].headers["x-shopify-access-token"] == "shpat_two"
    script.then(BAD_TOKEN, granted("shpat_three"), BAD_TOKEN)
    script.steps.pop(0)
    with pytest.raises(TokenRejected):
        client.execute(QUERY)
    assert len(script.seen) == 7


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (reply({"error": "shop_not_permitted", "error_description": "not yours"}, 400), "organization"),
        (reply({"error": "app_not_installed"}, 400), "install"),
        (reply("<html>Oauth error app_not_installed: install it</html>", 400), "install"),
        (reply({"error": "invalid_client"}, 401), "client_secret"),
        (reply("nothing useful", 400), "client_id"),
    ],
)
def test_a_refused_grant_says_what_to_do(make_client: MakeClient, script: Script, answer: Step, word: str) -> None:
    script.then(answer)
    with pytest.raises(TokenRejected) as caught:
        make_client(token=None, client_id="id", client_secret="secret").execute(QUERY)
    assert word in caught.value.next
    assert len(script.seen) == 1
    assert caught.value.exit_code == 5


def test_a_token_endpoint_that_is_down_is_tried_again(make_client: MakeClient, script: Script) -> None:
    script.then(reply("", 503), reply("<html>"), granted("shpat_one"), data(NODES))
    script.steps[1] = reply({"scope": "no token"})
    make_client(token=None, client_id="id", client_secret="secret").execute(QUERY)
    assert len(script.seen) == 4


@pytest.mark.parametrize(
    ("domain", "valid"),
    [
        ("my-shop.myshopify.com", True),
        ("1.myshopify.com", True),
        ("My-shop.myshopify.com", False),
        ("-x.myshopify.com", False),
        ("myshopify.com", False),
        ("a.b.myshopify.com", False),
        ("shop.myshopify.com.evil.com", False),
        ("shop.myshopify.com/", False),
        ("shop.myshopify.com\n", False),
        ("https://shop.myshopify.com", False),
        ("evil.com#.myshopify.com", False),
        ("", False),
    ],
)
def test_domains(domain: str, valid: bool, clock: ManualClock) -> None:
    assert valid_domain(domain) is valid
    if not valid:
        with pytest.raises(ConfigError):
            build_client(
                domain=domain,
                api_url=None,
                api_version="2026-10",
                token="shpat_x",
                breaker=Breaker(MemoryBreakerStore(), clock),
                clock=clock,
            )


@pytest.mark.parametrize("token", ["", "shpat_x\n", "shpat x", "shpat_ß"])
def test_tokens_that_can_not_be_sent(token: str) -> None:
    with pytest.raises(ConfigError):
        StaticToken(token)


def test_no_credentials(make_client: MakeClient) -> None:
    with pytest.raises(UsageError, match=DOMAIN):
        make_client(token=None)


def test_secrets_have_no_repr(clock: ManualClock) -> None:
    shown = repr(StaticToken("shpat_CANARY")) + repr(ClientCredentials("id", "CANARY", DOMAIN, clock))
    assert "CANARY" not in shown


# Pages


def test_pages_grow_while_answers_are_quick_and_shrink_when_slow(clock: ManualClock) -> None:
    size = PageSize(clock, start=50, largest=250, target_s=5.0)
    for expected in (75, 112, 168, 250, 250):
        with size.measured(size.current):
            clock.advance(0.5)
        assert size.current == expected
    with size.measured(250):
        clock.advance(3)
    assert size.current == 250
    with size.measured(250):
        clock.advance(6)
    assert size.current == 125
    with size.measured(3):  # the last, small page of a run says nothing about large ones
        clock.advance(0.1)
    assert size.current == 125


def test_pages_shrink_to_one(clock: ManualClock) -> None:
    size = PageSize(clock, start=5)
    size.shrink(5)
    assert size.current == 2
    size.shrink(2)
    size.shrink(1)
    assert size.current == 1


def test_waiting_for_points_does_not_shrink_pages(clock: ManualClock) -> None:
    waited = 0.0
    size = PageSize(clock, start=50, waited=lambda: waited)
    with size.measured(50):
        clock.advance(20.5)
        waited += 20
    assert size.current == 75


# What a record is told


def test_user_errors() -> None:
    payload = {
        "product": None,
        "userErrors": [
            {"field": ["input", "variants", "4"], "message": "No", "code": "PRODUCT_DOES_NOT_EXIST"},
            {"field": None, "message": "Title can't be blank"},
        ],
        "orderCancelUserErrors": [{"message": "Late", "code": None}],
        "mediaUserErrors": None,
    }
    first, second, third = user_errors(payload)
    assert (first.field_path, first.code) == ("input.variants.4", "PRODUCT_DOES_NOT_EXIST")
    assert "deleted" in first.remedy
    assert (second.field_path, second.code, second.message) == ("", "USER_ERROR", "Title can't be blank")
    assert third.message == "Late"
    assert all(error.remedy for error in (first, second, third))
    assert user_errors({"product": {"id": 1}, "userErrors": []}) == []
