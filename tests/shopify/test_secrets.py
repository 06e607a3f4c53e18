"""A token and a secret with a mark in them: whatever goes wrong, the mark is nowhere to be read."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Iterator

import pytest

from shopify_sync.errors import SyncError
from shopify_sync.resilience.breaker import MemoryBreakerStore
from tests.shopify.conftest import QUERY, MakeClient
from tests.shopify.script import Script, Step, data, failed, reply, reset, truncated

MARK = "CANARY"
STEPS: dict[str, Step] = {
    "answered": data({"products": {"nodes": []}}),
    "401": reply({"errors": "[API] Invalid API key or access token"}, 401),
    "403": reply("", 403),
    "500": reply("", 500),
    "reset": reset,
    "truncated": truncated,
    "not json": reply("<html>"),
    "refused": failed("undefinedField"),
    "no grant": reply({"error": "invalid_client", "error_description": "wrong"}, 400),
}


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """What all loggers say at the lowest level, as `-vv` would."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("credentials", ["token", "grant"])
def test_no_secret_is_shown(
    make_client: MakeClient,
    script: Script,
    everything_logged: io.StringIO,
    breaker_store: MemoryBreakerStore,
    name: str,
    credentials: str,
) -> None:
    script.then(STEPS[name])
    if credentials == "grant":
        if name != "no grant":
            script.steps.insert(0, reply({"access_token": f"shpat_{MARK}3", "expires_in": 9000}))
        client = make_client(token=None, client_id="id", client_secret=f"shpss_{MARK}2")
    else:
        client = make_client(token=f"shpat_{MARK}1")
    shown = repr(vars(client))
    try:
        client.execute(QUERY)
    except SyncError as error:
        shown += repr(error.as_json()) + "".join(traceback.format_exception(error))
    shown += everything_logged.getvalue() + repr(breaker_store.load())
    assert any(MARK in repr(request.headers) + repr(request.body) for request in script.seen)
    assert MARK not in shown
